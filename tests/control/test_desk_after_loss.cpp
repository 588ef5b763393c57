// SPDX-License-Identifier: AGPL-3.0-only
// Operations that meet a chain which is down: each ends, none is lost. The model check (tests/migration) found these.
#include "chain_rig.hpp"

#include "libactors/control/operations/operation_desk.hpp"
#include "libactors/control/supervisor.hpp"

using namespace forge;
using namespace forge::testing;

namespace {

constexpr chain_id c0{0};

operation_desk two_nodes() { return operation_desk(1, {{"a/gpu", true, 1000}, {"b/gpu", true, 1000}}, 100); }

operation_request ask(operation_verb verb, const std::string& id, const std::string& object = "c0", const std::string& target = "") {
    return {id, verb, object, target, false};
}

operation_report report_of(const operation_desk& desk, const std::string& id) {
    for (const auto& r : desk.reports())
        if (r.id == id)
            return r;
    FAIL("no report " << id);
    return {};
}

template <class Command>
bool only(const std::vector<desk_command>& commands) {
    return commands.size() == 1 && std::holds_alternative<Command>(commands[0]);
}

} // namespace

TEST_CASE("what is asked of a chain while it is down is asked again when it runs") {
    for (const auto verb : {operation_verb::migrate, operation_verb::stop, operation_verb::checkpoint}) {
        auto desk = two_nodes();
        (void)desk.on_failed(c0, "node lost", true, 1.0); // its restart waits, nobody hears a command
        REQUIRE(desk.on_request(ask(verb, "x"), 1.1).report.state == operation_state::running);
        const auto again = desk.on_started(c0, 2, 1.2);
        CHECK((verb == operation_verb::checkpoint ? only<seal_chain_command>(again) : only<stop_chain_command>(again)));
        CHECK(report_of(desk, "x").state == operation_state::running);
        if (verb == operation_verb::checkpoint) {
            (void)desk.on_sealed(c0, 4, 1.3);
        } else {
            const auto after = desk.on_stopped(c0, 4, false, 1.3);
            CHECK(only<start_chain_command>(after) == (verb == operation_verb::migrate));
            (void)desk.on_started(c0, 3, 1.4);
        }
        CHECK(report_of(desk, "x").state == operation_state::done);
        CHECK(desk.slot_of(c0) == (verb == operation_verb::migrate ? 1 : 0));
    }
}

TEST_CASE("a migration whose target goes away in between ends, and says where the chain runs") {
    auto desk = two_nodes();
    (void)desk.on_request(ask(operation_verb::migrate, "m"), 1.0);
    (void)desk.on_stopped(c0, 7, false, 2.0);
    desk.device_went("b/gpu");
    REQUIRE(desk.find_place(c0));
    (void)desk.on_started(c0, 2, 3.0);
    const auto r = report_of(desk, "m");
    CHECK(r.state == operation_state::failed);
    CHECK(r.text.find("runs on a/gpu") != std::string::npos);
    CHECK(r.text.find("b/gpu went away") != std::string::npos);
    CHECK(desk.on_request(ask(operation_verb::stop, "s"), 4.0).report.state == operation_state::running); // the chain is free again
}

TEST_CASE("a migration that a restart overtakes is done, and counts from when it was asked") {
    auto desk = two_nodes();
    (void)desk.on_failed(c0, "node lost", true, 1.0);
    (void)desk.on_request(ask(operation_verb::migrate, "m", "c0", "b/gpu"), 2.0);
    desk.device_went("a/gpu");
    REQUIRE(desk.find_place(c0)); // goes to b by itself
    (void)desk.on_started(c0, 2, 2.5);
    CHECK(report_of(desk, "m").state == operation_state::done);
    CHECK(report_of(desk, "m").seconds == Approx(0.5));
}

TEST_CASE("a chain that was given up is as good as stopped: nothing hangs on it, and resume starts it again") {
    auto desk = two_nodes();
    (void)desk.on_failed(c0, "broken", false, 1.0);
    CHECK(desk.chains_on(0).empty());
    for (const auto verb : {operation_verb::stop, operation_verb::checkpoint, operation_verb::migrate})
        CHECK(desk.on_request(ask(verb, std::string(name_of(verb))), 2.0).report.state != operation_state::running);
    const auto resumed = desk.on_request(ask(operation_verb::resume, "r"), 3.0);
    CHECK(std::holds_alternative<start_chain_command>(resumed.commands.at(0)));

    supervisor s(1);
    (void)s.on_failure(c0, {errc::config_invalid, "", "", ""}, 0.0);
    REQUIRE(s.given_up().size() == 1);
    s.on_started(c0);
    CHECK(s.given_up().empty());
    CHECK(!s.over());
}

TEST_CASE("the desk's own operations never take an id that an earlier process used") {
    auto first = two_nodes();
    (void)first.drain("a", 5.0);
    auto second = two_nodes(); // a machine that started again: the clock shows 5 s once more
    for (const auto& r : first.reports())
        second.replay(r);
    (void)second.close_replayed();
    const auto drained = second.drain("a", 5.0);
    REQUIRE(!drained.empty());
    CHECK(std::holds_alternative<stop_chain_command>(drained[0]));
    CHECK(second.reports().size() == 2);
}

TEST_CASE("a node's loss is blamed on the worker that the chain was given, not on the one that came after it") {
    CHECK(blame_of(errc::device_unavailable, false, true) == blame::node);
    CHECK(blame_of(errc::device_unavailable, false, false) == blame::past); // the node is back already
    CHECK(blame_of(errc::numerics_failed, false, false) == blame::past);
    CHECK(blame_of(errc::numerics_failed, false, true) == blame::chain);
    CHECK(blame_of(errc::device_unavailable, true, true) == blame::chain);
    CHECK(blame_of(errc::device_failed, true, false) == blame::chain);
}

TEST_CASE("a paused chain that owes a newer seal takes it when the older one is durable") {
    chain_core core(beginning(), 2);
    (void)core.begin();
    (void)core.on_segment(opened_segment{segment_no{0}, 0, 1, segment_of(0, 9)});
    core.on_seal_due();
    const auto first = core.on_trajectory(fake_numbers(1), fake_state(1), 0.1);
    REQUIRE(std::any_of(first.begin(), first.end(), [](const auto& c) { return std::holds_alternative<seal_command>(c); }));
    (void)core.on_pause("by an operator");
    (void)core.on_trajectory(fake_numbers(2), fake_state(2), 0.1);
    CHECK(core.on_seal_now().empty()); // the first is under way
    const auto then = core.on_sealed(1);
    REQUIRE(then.size() == 1);
    CHECK(std::get<seal_command>(then[0]).trajectory == 2);
    CHECK(core.on_sealed(2).empty());
}
