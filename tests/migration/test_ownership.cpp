// SPDX-License-Identifier: AGPL-3.0-only
// Rules on one row, placement, take-over policy, operation log.
#include "libactors/control/migration/operation_log.hpp"
#include "libactors/control/migration/placement.hpp"
#include "libactors/control/migration/takeover.hpp"
#include "tests/migration/cluster.hpp"

#include <catch2/catch.hpp>

using namespace forge;
using namespace forge::migration;
using forge::migration::testing::number_digest;

namespace {

const node_name a{"A"}, b{"B"}, c{"C"};
const digest genesis = number_digest(1000);
digest head(std::uint64_t i) { return i == 0 ? genesis : number_digest(i); }
checkpoint_ref file(std::uint64_t i, std::uint64_t variant = 0) { return {{i, head(i)}, number_digest(500 + i + 100 * variant), 10}; }

struct bench {
    ownership_rules rules{2};
    chain_ownership row = *rules.grant(fresh_chain(chain_id{0}, genesis).row, place{a, "gpu0"});

    commit_verdict commit(std::uint64_t i, epoch_no e, std::optional<digest> hash = {}, std::optional<digest> live = {}) {
        auto v = rules.judge(row, {e, i, row.cursor.head, hash.value_or(head(i))}, live);
        row = v.after;
        return v;
    }
    void commit_to(std::uint64_t n) {
        for (auto i = row.cursor.trajectory + 1; i <= n; ++i)
            REQUIRE(commit(i, row.epoch).kind == commit_judgement::committed);
    }
    void sealed_at(std::uint64_t i, std::vector<node_name> on) {
        row = *rules.add_checkpoint(row, row.owner->node, row.epoch, file(i), head(i));
        for (const auto& n : on)
            row = *rules.add_copy(row, file(i).file, n);
    }
};

} // namespace

TEST_CASE("a chain is granted once, and every change of hands takes a new epoch") {
    bench t;
    CHECK(t.row.epoch.value == 1);
    CHECK(t.rules.grant(t.row, place{b, ""}).reason().code == errc::conflict);
    t.commit_to(3);
    t.sealed_at(3, {b});
    const auto moved = t.rules.move(t.row, a, epoch_no{1}, {3, head(3)}, place{b, ""});
    REQUIRE(moved.ok());
    CHECK(moved->epoch.value == 2);
    CHECK(moved->owner->node == b);
    CHECK(moved->cursor == t.row.cursor);
    CHECK(t.rules.abort(t.row, a, epoch_no{1})->epoch.value == 2);
    CHECK(t.rules.take_over(t.row, place{a, ""}, file(3).file, genesis)->epoch.value == 2);
}

TEST_CASE("a commit is taken iff epoch, index and previous hash fit; a repeated one changes nothing") {
    bench t;
    t.commit_to(2);
    const auto before = t.row;
    CHECK(t.commit(3, epoch_no{0}).reason.code == errc::stale_epoch);
    CHECK(t.commit(3, epoch_no{2}).reason.code == errc::stale_epoch);
    CHECK(t.commit(4, epoch_no{1}).reason.code == errc::out_of_order);
    CHECK(t.rules.judge(t.row, {epoch_no{1}, 3, number_digest(77), head(3)}, std::nullopt).reason.code == errc::out_of_order);
    CHECK(t.commit(2, epoch_no{1}, head(2), head(2)).kind == commit_judgement::repeated);
    CHECK(t.commit(2, epoch_no{1}, number_digest(99), head(2)).kind == commit_judgement::refused);
    CHECK(t.row == before);
}

TEST_CASE("a move needs the owner, its epoch, the ledger's position, and a sealed copy at the target") {
    bench t;
    t.commit_to(3);
    t.sealed_at(3, {c});
    const position at{3, head(3)};
    CHECK(t.rules.move(t.row, b, epoch_no{1}, at, place{c, ""}).reason().code == errc::stale_epoch);
    CHECK(t.rules.move(t.row, a, epoch_no{2}, at, place{c, ""}).reason().code == errc::stale_epoch);
    CHECK(t.rules.move(t.row, a, epoch_no{1}, {2, head(2)}, place{c, ""}).reason().code == errc::conflict);
    CHECK(t.rules.move(t.row, a, epoch_no{1}, at, place{b, ""}).reason().code == errc::conflict);
    CHECK(t.rules.move(t.row, a, epoch_no{1}, at, place{a, "gpu1"})->owner->device == "gpu1");
    t.commit_to(4);
    CHECK(t.rules.move(t.row, a, epoch_no{1}, at, place{c, ""}).reason().code == errc::conflict);
}

TEST_CASE("a state is sealed when enough disks hold it, and stays so when one is lost") {
    bench t;
    t.commit_to(2);
    CHECK(t.rules.add_checkpoint(t.row, a, epoch_no{1}, file(3), head(3)).reason().code == errc::out_of_order);
    CHECK(t.rules.add_checkpoint(t.row, a, epoch_no{1}, file(2), number_digest(9)).reason().code == errc::out_of_order);
    CHECK(t.rules.add_checkpoint(t.row, b, epoch_no{1}, file(2), head(2)).reason().code == errc::stale_epoch);
    t.sealed_at(2, {});
    CHECK(t.row.sealed.trajectory == 0);
    t.row = *t.rules.add_copy(t.row, file(2).file, b);
    CHECK(t.row.sealed.trajectory == 2);
    t.row = t.rules.keep_copies(t.row, a, {});
    CHECK(t.row.sealed.trajectory == 2);
    CHECK(t.row.find(file(2).file)->copies == std::vector{b});
    CHECK(t.rules.add_copy(t.row, number_digest(1), b).reason().code == errc::not_found);
    // A late copy of an old seal must not list what was pruned.
    CHECK(t.rules.add_checkpoint(t.row, a, epoch_no{1}, file(1), head(1)).reason().code == errc::out_of_order);
    CHECK(ownership_rules(1).add_checkpoint(t.row, a, epoch_no{1}, file(2, 1), head(2))->sealed.trajectory == 2);
}

TEST_CASE("after a take-over the same bits validate and other bits supersede, but never below the sealed position") {
    bench t;
    t.commit_to(5);
    t.sealed_at(2, {b});
    t.sealed_at(4, {}); // on A's disk only
    CHECK(t.rules.take_over(t.row, place{b, ""}, std::nullopt, genesis).reason().code == errc::conflict);
    CHECK(t.rules.take_over(t.row, place{b, ""}, file(4).file, genesis).reason().code == errc::conflict);
    t.row = *t.rules.take_over(t.row, place{b, ""}, file(2).file, genesis);
    CHECK(t.row.cursor.trajectory == 2);
    CHECK(t.row.last == 5);
    CHECK(t.commit(3, epoch_no{2}, head(3), head(3)).kind == commit_judgement::validated);
    CHECK(t.row.last == 5);
    const auto v = t.commit(4, epoch_no{2}, number_digest(44), head(4));
    CHECK(v.kind == commit_judgement::superseded_older);
    CHECK(t.row.last == 4);
    REQUIRE(v.dropped.size() == 1);
    CHECK(v.dropped.front().ref == file(4));
    CHECK(t.row.newest_on(a)->ref == file(2));
}

TEST_CASE("old generations go only when newer ones are sealed") {
    bench t;
    t.commit_to(9);
    for (const std::uint64_t i : {1u, 3u, 5u})
        t.sealed_at(i, {b});
    t.sealed_at(8, {});
    auto row = t.row;
    const auto gone = t.rules.drop_old(row, 2);
    REQUIRE(gone.size() == 1);
    CHECK(gone.front().ref == file(1));
    CHECK(row.checkpoints.size() == 3);
}

TEST_CASE("a place is refused with its reason and what would do instead") {
    const std::vector<node_offer> table{{a, true, false, {{"gpu0", true, true, 100}, {"gpu1", true, true, 400}}},
                                        {b, true, false, {{"igpu", true, false, 900}, {"old", false, true, 900}, {"cpu0", true, true, 300}}},
                                        {c, false, false, {{"gpu0", true, true, 1000}}},
                                        {node_name{"D"}, true, true, {{"cpu0", true, true, 1000}}}};
    const place here{a, "gpu0"};
    const chain_needs needs{true, 200};
    const auto judge = [&](const char* node, const char* device) { return judge_placement({node_name{node}, device}, here, needs, table); };
    CHECK(judge("A", "gpu0").kind == placement_kind::same_place);
    CHECK(judge("A", "").kind == placement_kind::same_place);
    CHECK(judge("A", "gpu1").kind == placement_kind::possible);
    CHECK(judge("B", "").where == place{b, "cpu0"});
    const auto refused = [&](const char* node, const char* device, const char* why) {
        const auto p = judge(node, device);
        INFO(node << "/" << device << ": " << p.reason);
        CHECK(p.kind == placement_kind::refused);
        CHECK(p.reason.find(why) != std::string::npos);
        CHECK(p.alternatives == std::vector<place>{{a, "gpu1"}, {b, "cpu0"}});
    };
    refused("B", "igpu", "no fp64");
    refused("B", "old", "disabled");
    refused("C", "gpu0", "down");
    refused("D", "cpu0", "drained");
    refused("E", "", "no node");
    refused("B", "gpu7", "no device");
    const auto small = judge_placement({a, "gpu0"}, place{b, "cpu0"}, needs, table);
    CHECK(small.reason.find("100 bytes free") != std::string::npos);
}

TEST_CASE("a take-over goes to the live node with the newest checkpoint, and a monitor's word is a hint") {
    bench t;
    t.commit_to(4);
    t.sealed_at(2, {b, c});
    t.sealed_at(4, {});
    CHECK(choose_takeover(t.row, {a, b, c})->to.node == a);
    CHECK(choose_takeover(t.row, {b, c})->from == file(2).file);
    CHECK(!choose_takeover(t.row, {node_name{"D"}}));
    takeover_policy p({15.0, 3.0, 2.0}, {2, 60.0});
    p.on_alive(a, 0.0);
    p.on_alive(b, 4.0);
    p.on_down_hint(a);
    CHECK(p.suspect(a));
    CHECK(p.expired(14.9).empty());
    p.on_alive(a, 14.95);
    CHECK(!p.suspect(a));
    CHECK(p.expired(19.5) == std::vector{b});
    CHECK(p.expired(19.5).empty());
    CHECK(p.live_nodes() == std::vector{a});
}

TEST_CASE("one restart too many within the window parks the chain, later ones do not") {
    takeover_policy p({}, {2, 60.0});
    const chain_id chain{0};
    CHECK(p.on_restart(chain, 0.0).empty());
    CHECK(p.on_restart(chain, 10.0).empty());
    CHECK(p.on_restart(chain, 20.0).find("2 times within 60 s") != std::string::npos);
    CHECK(p.on_restart(chain_id{1}, 20.0).empty());
    CHECK(p.on_restart(chain, 61.0).empty());
    p.forgive(chain);
    CHECK(p.on_restart(chain, 62.0).empty());
}

TEST_CASE("the operation log is bounded, keeps open operations, and never changes an answer") {
    operation_log log(2);
    const auto op = [](const char* id, operation_phase phase, double begun) {
        operation o;
        o.id = operation_id{id};
        o.phase = phase;
        o.begun_s = begun;
        return o;
    };
    CHECK(log.put(op("o1", operation_phase::draining, 1)).empty());
    CHECK(log.put(op("o2", operation_phase::refused, 2)).empty());
    CHECK(log.put(op("o3", operation_phase::draining, 3)) == std::vector{operation_id{"o2"}});
    CHECK(log.put(op("o4", operation_phase::draining, 4)).empty()); // all others are open
    CHECK(log.all().size() == 3);
    CHECK(log.put(op("o1", operation_phase::aborted, 1)).empty());
    CHECK_THROWS_AS(log.put(op("o1", operation_phase::released, 1)), contract_broken);
    operation_log again(2);
    again.restore(log.all());
    CHECK(again.all() == log.all());
    for (std::uint8_t p = 0; p <= static_cast<std::uint8_t>(operation_phase::overtaken); ++p)
        CHECK(operation_phase_from(migration::name_of(static_cast<operation_phase>(p))) == static_cast<operation_phase>(p));
    CHECK(!operation_phase_from("nonsense"));
}
