// SPDX-License-Identifier: AGPL-3.0-only
// Operations on chains and devices: what is done, what is refused and why, and that nothing is done twice.
#include "libactors/control/operations/operation_desk.hpp"

#include <catch2/catch.hpp>

#include <map>

using namespace forge;

namespace {

operation_desk two_devices(std::uint32_t n_chains = 2) { return operation_desk(n_chains, {{"a", true, 1000}, {"b", true, 1000}}, 100); }

operation_request ask(operation_verb verb, const std::string& object, const std::string& id, const std::string& target = "") { return {id, verb, object, target, false}; }

template <class Command>
int count(const std::vector<desk_command>& commands) {
    int n = 0;
    for (const auto& c : commands)
        n += std::holds_alternative<Command>(c) ? 1 : 0;
    return n;
}

operation_state state_of(const operation_desk& desk, const std::string& id) {
    for (const auto& r : desk.reports())
        if (r.id == id)
            return r.state;
    FAIL("no report " << id);
    return operation_state::failed;
}

} // namespace

TEST_CASE("a migration stops the chain, starts it on the other device, and reports how long it stood still") {
    auto desk = two_devices();
    const auto begun = desk.on_request(ask(operation_verb::migrate, "c0", "m1"), 1.0);
    CHECK(begun.report.state == operation_state::running);
    CHECK(begun.report.target == "b");
    CHECK(count<stop_chain_command>(begun.commands) == 1);
    CHECK(count<report_command>(begun.commands) == 1);
    CHECK(desk.slot_of(chain_id{0}) == 0); // until it has stopped
    const auto stopped = desk.on_stopped(chain_id{0}, 17, false, 2.0);
    REQUIRE(count<start_chain_command>(stopped) == 1);
    CHECK(std::get<start_chain_command>(stopped[0]).slot == 1);
    const auto started = desk.on_started(chain_id{0}, 2, 2.5);
    CHECK(count<report_command>(started) == 1);
    CHECK(state_of(desk, "m1") == operation_state::done);
    CHECK(desk.reports().back().seconds == Approx(0.5));
    CHECK(desk.slot_of(chain_id{0}) == 1);
}

TEST_CASE("the same id returns the first answer and does nothing again") {
    auto desk = two_devices();
    const auto first = desk.on_request(ask(operation_verb::migrate, "c0", "m1"), 1.0);
    const auto again = desk.on_request(ask(operation_verb::migrate, "c0", "m1"), 1.1);
    CHECK(again.report == first.report);
    CHECK(again.commands.empty());
    (void)desk.on_stopped(chain_id{0}, 3, false, 2.0);
    (void)desk.on_started(chain_id{0}, 2, 2.1);
    const auto later = desk.on_request(ask(operation_verb::migrate, "c0", "m1"), 9.0);
    CHECK(later.report.state == operation_state::done);
    CHECK(later.commands.empty());
    CHECK(desk.slot_of(chain_id{0}) == 1); // not moved back
}

TEST_CASE("a second operation on a chain is refused while one is under way, and names it") {
    auto desk = two_devices();
    (void)desk.on_request(ask(operation_verb::migrate, "c0", "m1"), 1.0);
    for (const auto verb : {operation_verb::migrate, operation_verb::pause, operation_verb::stop, operation_verb::checkpoint}) {
        const auto second = desk.on_request(ask(verb, "c0", "x" + std::string(name_of(verb))), 1.1);
        CHECK(second.report.state == operation_state::refused);
        CHECK(second.report.text.find("m1") != std::string::npos);
        CHECK(second.commands.empty());
    }
    CHECK(desk.on_request(ask(operation_verb::pause, "c1", "p"), 1.2).report.state == operation_state::done); // another chain is free
}

TEST_CASE("placement refuses with the reason and the alternatives") {
    operation_desk desk(1, {{"a", true, 1000}, {"b", true, 50}, {"c", false, 1000}, {"d", true, 1000}}, 100);
    const auto refused = [&](const std::string& target, const std::string& id, const std::string& why) {
        const auto r = desk.on_request(ask(operation_verb::migrate, "c0", id, target), 1.0).report;
        INFO(r.text);
        CHECK(r.state == operation_state::refused);
        CHECK(r.text.find(why) != std::string::npos);
        CHECK(r.text.find("possible: d") != std::string::npos);
    };
    refused("b", "1", "memory");
    refused("c", "2", "fp64");
    refused("z", "3", "no device z");
    const auto here = desk.on_request(ask(operation_verb::migrate, "c0", "4", "a"), 1.0);
    CHECK(here.report.state == operation_state::done);
    CHECK(here.report.text.find("already") != std::string::npos);
    CHECK(count<stop_chain_command>(here.commands) == 0);
    (void)desk.on_request(ask(operation_verb::disable, "d", "5"), 1.0);
    const auto disabled = desk.on_request(ask(operation_verb::migrate, "c0", "6", "d"), 1.0).report;
    CHECK(disabled.state == operation_state::refused);
    CHECK(disabled.text.find("disabled") != std::string::npos);
    CHECK(disabled.text.find("no other device") != std::string::npos);
    (void)desk.on_request(ask(operation_verb::enable, "d", "7"), 1.0);
    CHECK(desk.on_request(ask(operation_verb::migrate, "c0", "8", "d"), 1.0).report.state == operation_state::running);
}

TEST_CASE("a dry run says what would be done and changes nothing") {
    auto desk = two_devices();
    auto r = ask(operation_verb::migrate, "c0", "dry");
    r.dry_run = true;
    const auto answer = desk.on_request(r, 1.0);
    CHECK(answer.report.state == operation_state::running);
    CHECK(answer.commands.empty());
    CHECK(desk.reports().empty());
    auto p = ask(operation_verb::pause, "c0", "dry2");
    p.dry_run = true;
    (void)desk.on_request(p, 1.0);
    CHECK(!desk.paused(chain_id{0}));
    CHECK(desk.on_request(ask(operation_verb::stop, "c0", "s"), 1.0).report.state == operation_state::running); // nothing is open
}

TEST_CASE("pause, resume, stop and checkpoint, also twice") {
    auto desk = two_devices();
    CHECK(count<pause_chain_command>(desk.on_request(ask(operation_verb::pause, "c1", "1"), 0).commands) == 1);
    CHECK(count<pause_chain_command>(desk.on_request(ask(operation_verb::pause, "c1", "2"), 0).commands) == 0);
    CHECK(desk.paused(chain_id{1}));
    CHECK(count<seal_chain_command>(desk.on_request(ask(operation_verb::checkpoint, "c1", "3"), 0).commands) == 1);
    (void)desk.on_sealed(chain_id{1}, 40, 1.0);
    CHECK(state_of(desk, "3") == operation_state::done);
    CHECK(count<resume_chain_command>(desk.on_request(ask(operation_verb::resume, "c1", "4"), 0).commands) == 1);
    CHECK(!desk.paused(chain_id{1}));
    (void)desk.on_request(ask(operation_verb::stop, "c1", "5"), 0);
    (void)desk.on_stopped(chain_id{1}, 41, false, 1.0);
    CHECK(state_of(desk, "5") == operation_state::done);
    CHECK(desk.stopped(chain_id{1}));
    CHECK(desk.on_request(ask(operation_verb::stop, "c1", "6"), 0).report.state == operation_state::done);
    CHECK(desk.on_request(ask(operation_verb::migrate, "c1", "7", "a"), 0).report.state == operation_state::done); // a stopped chain moves on paper
    const auto resumed = desk.on_request(ask(operation_verb::resume, "c1", "8"), 0);
    REQUIRE(count<start_chain_command>(resumed.commands) == 1);
    CHECK(std::get<start_chain_command>(resumed.commands[0]).slot == 0);
    (void)desk.on_started(chain_id{1}, 3, 2.0);
    CHECK(state_of(desk, "8") == operation_state::done);
    (void)desk.on_stopped(chain_id{1}, 99, true, 3.0);
    CHECK(desk.on_request(ask(operation_verb::pause, "c1", "9"), 0).report.state == operation_state::refused); // it has finished
}

TEST_CASE("a chain that fails in the middle of an operation ends the operation, and the chain stays where it was") {
    auto desk = two_devices();
    (void)desk.on_request(ask(operation_verb::migrate, "c0", "m"), 1.0);
    (void)desk.on_failed(chain_id{0}, "device lost", true, 2.0);
    CHECK(state_of(desk, "m") == operation_state::failed);
    CHECK(desk.slot_of(chain_id{0}) == 0);
    CHECK(desk.on_request(ask(operation_verb::migrate, "c0", "m2"), 3.0).report.state == operation_state::running);
}

TEST_CASE("an earlier process's reports put chains where they were; what was under way is reported as failed") {
    auto first = two_devices();
    (void)first.on_request(ask(operation_verb::migrate, "c0", "1"), 0);
    (void)first.on_stopped(chain_id{0}, 5, false, 1.0);
    (void)first.on_started(chain_id{0}, 2, 1.1);
    (void)first.on_request(ask(operation_verb::pause, "c1", "2"), 2.0);
    (void)first.on_request(ask(operation_verb::disable, "a", "3"), 2.0);
    (void)first.on_request(ask(operation_verb::stop, "c0", "4"), 3.0); // never done
    auto second = two_devices();
    for (const auto& r : first.reports())
        second.replay(r);
    const auto closing = second.close_replayed();
    CHECK(count<report_command>(closing) == 1);
    CHECK(state_of(second, "4") == operation_state::failed);
    CHECK(second.slot_of(chain_id{0}) == 1);
    CHECK(second.paused(chain_id{1}));
    CHECK(second.disabled("a"));
    CHECK(second.on_request(ask(operation_verb::migrate, "c0", "1"), 9.0).commands.empty()); // still known by its id
}

TEST_CASE("the memory of operations is bounded, and open ones stay") {
    auto desk = two_devices();
    (void)desk.on_request(ask(operation_verb::stop, "c0", "open"), 0);
    for (int i = 0; i < 3000; ++i)
        (void)desk.on_request(ask(operation_verb::enable, "a", "e" + std::to_string(i)), 0);
    CHECK(desk.reports().size() <= 1000);
    CHECK(state_of(desk, "open") == operation_state::running);
}

TEST_CASE("devices come and go: chains find a place, spread to idle ones, and leave a device that drains") {
    operation_desk desk(4, {{"a", true, 1000}}, 100);
    CHECK(desk.device_came({"n/x", true, 1000}) == 1);
    CHECK(desk.device_came({"n/y", true, 1000}) == 2);
    const auto spread = desk.spread(1.0);
    CHECK(count<stop_chain_command>(spread) == 2); // one to each idle device
    CHECK(count<stop_chain_command>(desk.spread(1.1)) == 0); // they are under way
    for (const auto& command : spread)
        if (const auto* stop = std::get_if<stop_chain_command>(&command)) {
            (void)desk.on_stopped(stop->chain, 9, false, 2.0);
            (void)desk.on_started(stop->chain, 2, 2.1);
        }
    std::map<std::size_t, int> load;
    for (std::uint32_t c = 0; c < 4; ++c)
        ++load[desk.slot_of(chain_id{c})];
    CHECK(load == std::map<std::size_t, int>{{0, 2}, {1, 1}, {2, 1}});
    const auto drained = desk.drain("n", 3.0);
    CHECK(count<stop_chain_command>(drained) == 2);
    for (const auto& r : desk.reports()) // none from one device of that node to the other
        CHECK((!r.id.starts_with("drain-") || r.target == "a"));
    desk.device_went("n/x");
    for (std::uint32_t c = 0; c < 4; ++c)
        if (desk.slot_of(chain_id{c}) == 1) {
            (void)desk.on_failed(chain_id{c}, "node lost", true, 3.1);
            CHECK(desk.find_place(chain_id{c}));
            CHECK(desk.slot_of(chain_id{c}) == 0); // n/y is about to leave
        }
    const auto away = desk.on_request(ask(operation_verb::migrate, "c0", "away", "n/x"), 4.0).report;
    CHECK(away.state == operation_state::refused);
    CHECK(away.text.find("away") != std::string::npos);
    CHECK(desk.device_came({"n/x", true, 1000}) == 1); // back under its number, and no longer draining
    CHECK(desk.on_request(ask(operation_verb::migrate, "c0", "back", "n/x"), 5.0).report.state == operation_state::running);
}

TEST_CASE("a node that an operator drained stays so, through its own restart and the coordinator's") {
    operation_desk desk(1, {{"a", true, 1000}}, 100);
    (void)desk.device_came({"n/x", true, 1000});
    const auto drained = desk.on_request(ask(operation_verb::drain, "n", "d1"), 0.0).report;
    REQUIRE(drained.state == operation_state::done);
    (void)desk.device_came({"n/x", true, 1000}); // the node started again
    CHECK(desk.devices()[1].draining);
    operation_desk later(1, {{"a", true, 1000}}, 100); // so did the coordinator
    later.replay(drained);
    (void)later.device_came({"n/x", true, 1000});
    CHECK(later.devices()[1].draining);
    const auto open = later.on_request(ask(operation_verb::undrain, "n", "d2"), 1.0).report;
    REQUIRE(open.state == operation_state::done);
    CHECK_FALSE(later.devices()[1].draining);
    operation_desk again(1, {{"a", true, 1000}}, 100);
    again.replay(drained);
    again.replay(open);
    (void)again.device_came({"n/x", true, 1000});
    CHECK_FALSE(again.devices()[1].draining);
}

TEST_CASE("a chain without any device waits") {
    operation_desk desk(1, {{"n/x", true, 1000}}, 100);
    desk.device_went("n/x");
    CHECK(!desk.find_place(chain_id{0}));
    (void)desk.device_came({"m/y", true, 1000});
    CHECK(desk.find_place(chain_id{0}));
    CHECK(desk.slot_of(chain_id{0}) == 1);
}
