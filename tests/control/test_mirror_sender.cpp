// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/mirror/mirror_sender.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace forge;

namespace {

digest file(unsigned k) {
    digest d{};
    d[0] = static_cast<std::uint8_t>(k);
    return d;
}
template <class Command>
bool is_only(const std::vector<mirror_command>& c) { return c.size() == 1 && std::holds_alternative<Command>(c.front()); }

const error storage{errc::no_space, "full", "", ""};
const error stale{errc::stale_epoch, "older", "", ""};

mirror_offer offer_of(std::vector<std::string> lineage, std::vector<std::uint64_t> epochs) {
    mirror_offer o;
    o.name = "scan";
    o.lineage = std::move(lineage);
    for (const auto e : epochs)
        o.epochs.push_back(epoch_no{e});
    return o;
}
mirror_holding holding_of(std::vector<std::string> lineage, std::vector<std::uint64_t> epochs) {
    const auto o = offer_of(std::move(lineage), std::move(epochs));
    return {o.lineage, o.epochs};
}

} // namespace

TEST_CASE("files go before the ledger that lists them, and each once", "[mirror]") {
    mirror_sender m("node", 2.0);
    CHECK(is_only<ask_holding_command>(m.on_node("lab2")));
    auto c = m.on_holding({file(1)});
    REQUIRE(is_only<take_changes_command>(c));
    CHECK(std::get<take_changes_command>(c[0]).whole);
    c = m.on_taken({file(1), file(2), file(3)}, true);
    REQUIRE(is_only<send_file_command>(c));
    CHECK(std::get<send_file_command>(c[0]).index == 1);
    c = m.on_kept();
    REQUIRE(is_only<send_file_command>(c));
    CHECK(std::get<send_file_command>(c[0]).index == 2);
    CHECK(is_only<send_ledger_command>(m.on_kept()));
    c = m.on_kept();
    REQUIRE(is_only<wait_command>(c));
    CHECK(std::get<wait_command>(c[0]).seconds == 2.0);
    CHECK(m.rounds() == 1);
    c = m.on_due();
    REQUIRE(is_only<take_changes_command>(c));
    CHECK_FALSE(std::get<take_changes_command>(c[0]).whole);
    c = m.on_taken({file(2), file(3), file(4)}, true); // 1 is pruned
    REQUIRE(is_only<send_file_command>(c));
    CHECK(std::get<send_file_command>(c[0]).index == 2);
    CHECK(is_only<send_ledger_command>(m.on_kept()));
    CHECK(is_only<wait_command>(m.on_kept()));
    CHECK(is_only<take_changes_command>(m.on_due()));
    CHECK(is_only<wait_command>(m.on_taken({file(2), file(3), file(4)}, false))); // nothing new: nothing is sent
}

TEST_CASE("after a failure it begins again with a whole copy, less and less often", "[mirror]") {
    mirror_sender m("node", 1.0);
    (void)m.on_node("lab2");
    double before = 0.0;
    for (int k = 0; k < 8; ++k) {
        CHECK(is_only<take_changes_command>(m.on_holding({})));
        const auto c = m.on_failed(storage);
        REQUIRE(is_only<wait_command>(c));
        const double pause = std::get<wait_command>(c[0]).seconds;
        CHECK(pause >= before);
        CHECK(pause <= 30.0);
        before = pause;
        CHECK(is_only<ask_holding_command>(m.on_due()));
    }
    const auto c = m.on_holding({});
    CHECK(std::get<take_changes_command>(c.at(0)).whole);
    CHECK(is_only<send_ledger_command>(m.on_taken({}, false))); // a whole copy goes even when nothing changed
}

TEST_CASE("the node that has the copy keeps it while it is there; then another may", "[mirror]") {
    mirror_sender any("node", 1.0);
    CHECK_FALSE(any.wants("lab2", false)); // it keeps no copies
    REQUIRE(any.wants("lab2", true));
    (void)any.on_node("lab2");
    CHECK_FALSE(any.wants("lab3", true));
    CHECK(any.wants("lab2", true)); // it started again
    any.on_node_gone();
    CHECK(any.wants("lab3", true));
    mirror_sender one("lab2", 1.0);
    CHECK_FALSE(one.wants("lab3", true));
    REQUIRE(one.wants("lab2", true));
    (void)one.on_node("lab2");
    (void)one.on_failed(stale); // refused
    CHECK_FALSE(one.wants("lab3", true));
    (void)one.finish();
    CHECK_FALSE(one.wants("lab2", true)); // over
}

TEST_CASE("a refusal lasts until the node comes again", "[mirror]") {
    mirror_sender m("node", 1.0);
    (void)m.on_node("lab2");
    CHECK(m.on_failed(stale).empty());
    CHECK(m.now() == mirror_sender::phase::refused);
    CHECK(m.on_due().empty());
    CHECK(is_only<ask_holding_command>(m.on_node("lab2")));
}

TEST_CASE("the end of a campaign takes one more round, and no longer", "[mirror]") {
    mirror_sender idle("node", 1.0);
    CHECK(is_only<settled_command>(idle.finish()));

    mirror_sender m("node", 1.0);
    (void)m.on_node("lab2");
    (void)m.on_holding({});
    (void)m.on_taken({file(1)}, true);
    CHECK(m.finish().empty()); // a round is under way, begun before the end
    CHECK(is_only<send_ledger_command>(m.on_kept()));
    CHECK(is_only<take_changes_command>(m.on_kept()));
    CHECK(is_only<send_ledger_command>(m.on_taken({file(1)}, true)));
    CHECK(is_only<settled_command>(m.on_kept()));
    CHECK(m.on_node("lab3").empty());

    mirror_sender failing("node", 1.0);
    (void)failing.on_node("lab2");
    (void)failing.finish();
    CHECK(is_only<settled_command>(failing.on_failed(storage)));
}

TEST_CASE("whatever happens, the copy never names a file that it does not hold", "[mirror]") {
    std::uint64_t rounds = 0;
    for (unsigned seed = 0; seed < 300; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        mirror_sender m("node", 1.0);
        std::set<digest> disk;         // of the node
        std::vector<digest> listed;    // by the node's ledger
        std::vector<digest> now;       // by ours
        std::vector<digest> taken;
        unsigned next = 0;
        auto todo = m.on_node("lab2");
        for (int step = 0; step < 200; ++step) {
            if (random() % 3 == 0) {
                now.push_back(file(next++));
                if (now.size() > 2)
                    now.erase(now.begin());
            }
            if (random() % 20 == 0) { // the node dies; its disk stays
                m.on_node_gone();
                todo = m.on_node("lab2");
            }
            if (todo.empty())
                todo = m.on_due();
            if (todo.empty())
                todo = m.on_node("lab2");
            const auto command = todo.at(0);
            todo.clear();
            const bool fails = random() % 10 == 0;
            if (std::holds_alternative<ask_holding_command>(command)) {
                todo = fails ? m.on_failed(storage) : m.on_holding(disk);
            } else if (std::holds_alternative<take_changes_command>(command)) {
                taken = now;
                todo = fails ? m.on_failed(storage) : m.on_taken(taken, true);
            } else if (const auto* f = std::get_if<send_file_command>(&command)) {
                disk.insert(taken.at(f->index)); // durable even when the answer is lost
                todo = fails ? m.on_failed(storage) : m.on_kept();
            } else if (std::holds_alternative<send_ledger_command>(command)) {
                listed = taken;
                std::erase_if(disk, [&](const digest& d) { return std::find(listed.begin(), listed.end(), d) == listed.end(); });
                todo = fails ? m.on_failed(storage) : m.on_kept();
            }
            for (const auto& d : listed)
                REQUIRE(disk.contains(d));
        }
        rounds += m.rounds();
    }
    CHECK(rounds > 1000);
}

TEST_CASE("a copy follows its own history and refuses older ones", "[mirror]") {
    CHECK_FALSE(judge_mirror_offer(offer_of({"a"}, {3, 1}), {}));
    CHECK_FALSE(judge_mirror_offer(offer_of({"a"}, {3, 1}), holding_of({"a"}, {3, 1})));
    CHECK_FALSE(judge_mirror_offer(offer_of({"a", "b"}, {4, 2}), holding_of({"a"}, {3, 1})));
    const auto woken = judge_mirror_offer(offer_of({"a"}, {9, 9}), holding_of({"a", "b"}, {4, 2}));
    REQUIRE(woken);
    CHECK(woken->code == errc::stale_epoch);
    const auto restored = judge_mirror_offer(offer_of({"a"}, {3, 1}), holding_of({"a"}, {3, 2}));
    REQUIRE(restored);
    CHECK(restored->code == errc::stale_epoch);
    CHECK_THAT(restored->what, Catch::Contains("epoch 2 of c1"));
    const auto fork = judge_mirror_offer(offer_of({"a", "c"}, {5, 5}), holding_of({"a", "b"}, {4, 2}));
    REQUIRE(fork);
    CHECK(fork->code == errc::conflict);
    const auto other = judge_mirror_offer(offer_of({"a"}, {3, 1, 1}), holding_of({"a"}, {3, 1}));
    REQUIRE(other);
    CHECK(other->code == errc::conflict);
}
