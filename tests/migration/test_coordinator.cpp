// SPDX-License-Identifier: AGPL-3.0-only
// The coordinator, one event at a time.
#include "libactors/control/migration/coordinator.hpp"
#include "tests/migration/cluster.hpp"

#include <catch2/catch.hpp>

using namespace forge;
using namespace forge::migration;
using forge::migration::testing::number_digest;

namespace {

const node_name a{"A"}, b{"B"}, c{"C"};
constexpr chain_id c0{0};
const digest genesis = number_digest(1000);
const position at3{3, number_digest(3)};
const checkpoint_ref ref3{at3, number_digest(503), 10};

template <class M>
std::vector<std::pair<node_name, M>> sent(const coordinator_commands& commands) {
    std::vector<std::pair<node_name, M>> out;
    for (const auto& x : commands)
        if (const auto* s = std::get_if<send_to_node>(&x))
            if (const auto* m = std::get_if<M>(&s->message))
                out.emplace_back(s->to, *m);
    return out;
}

std::optional<operation> answer(const coordinator_commands& commands) {
    for (const auto& x : commands)
        if (const auto* s = std::get_if<answer_operation>(&x))
            return s->op;
    return std::nullopt;
}

placement to(const node_name& node) {
    placement p;
    p.kind = placement_kind::possible;
    p.where = {node, "gpu0"};
    return p;
}

/// Nodes A, B, C are there; A owns c0, which stands at trajectory 3; every store is kept as a disk would.
struct office {
    std::map<chain_id, chain_row> rows{{c0, fresh_chain(c0, genesis)}};
    std::map<operation_id, operation> operations;
    std::map<node_name, node_row> nodes;
    coordinator core;

    explicit office(coordinator_settings s = {}) : core(s, {{fresh_chain(c0, genesis)}, {}, {}}) {
        for (const auto& n : {a, b, c})
            hear(n, node_hello{1, 0.0, {}});
        keep(core.assign(c0, {a, "gpu0"}));
        for (std::uint64_t i = 1; i <= 3; ++i)
            hear(a, commit_chain{c0, {epoch_no{1}, i, i == 1 ? genesis : number_digest(i - 1), number_digest(i)}});
        hear(a, chain_activated{c0, epoch_no{1}});
    }
    coordinator_commands keep(coordinator_commands commands) {
        for (const auto& x : commands) {
            if (const auto* s = std::get_if<store_rows>(&x)) {
                if (s->chain)
                    rows[s->chain->chain] = *s->chain;
                if (s->op)
                    operations[s->op->id] = *s->op;
                if (s->node)
                    nodes[s->node->node] = *s->node;
            } else if (const auto* r = std::get_if<store_record>(&x)) {
                rows[r->chain.chain] = r->chain;
            }
        }
        return commands;
    }
    coordinator_commands hear(const node_name& from, const to_coordinator& m, double now = 0.0) {
        const auto key = coordinator::record_needed(m);
        std::optional<digest> live;
        if (key && key->trajectory <= core.row(c0).last)
            live = number_digest(key->trajectory);
        return keep(core.on_message(from, m, live, now));
    }
    coordinator_commands migrate(const char* id, const placement& p) { return keep(core.request_migrate(operation_id{id}, c0, p, 1.0)); }
    /// What the next process would know.
    coordinator restarted() const {
        durable_rows d;
        for (const auto& [k, row] : rows)
            d.chains.push_back(row);
        for (const auto& [k, op] : operations)
            d.operations.push_back(op);
        for (const auto& [k, n] : nodes)
            d.nodes.push_back(n);
        return coordinator({}, d);
    }
    void seal() { hear(a, seal_claim{c0, epoch_no{1}, ref3}); }
    coordinator_commands offer(const char* id) { return hear(a, chain_offered{operation_id{id}, c0, epoch_no{1}, ref3}); }
    coordinator_commands prepared(const char* id, std::uint64_t incarnation = 1) {
        return hear(b, copy_prepared{operation_id{id}, c0, epoch_no{1}, ref3.file, incarnation});
    }
    operation_phase phase(const char* id) const { return core.operations().find(operation_id{id})->phase; }
};

} // namespace

TEST_CASE("a migration goes through its phases, and the ledger's write is the only point of no return") {
    office o;
    const auto begun = o.migrate("o1", to(b));
    REQUIRE(sent<drain_chain>(begun).size() == 1);
    CHECK(o.phase("o1") == operation_phase::draining);
    CHECK(o.rows.at(c0).row.open == operation_id{"o1"});
    o.seal();
    const auto preparing = sent<prepare_copy>(o.offer("o1"));
    REQUIRE(preparing.size() == 1);
    CHECK(preparing[0].first == b);
    CHECK(preparing[0].second.from == a);
    CHECK(o.rows.at(c0).row.owner->node == a);
    const auto moved = o.prepared("o1");
    CHECK(o.rows.at(c0).row.owner == place{b, "gpu0"});
    CHECK(o.rows.at(c0).row.epoch.value == 2);
    CHECK(o.rows.at(c0).row.sealed == at3);
    CHECK(sent<chain_granted>(moved).at(0).first == b);
    CHECK(sent<row_told>(moved).at(0).first == a);
    CHECK(o.phase("o1") == operation_phase::granted);
    const auto done = answer(o.hear(b, chain_activated{c0, epoch_no{2}}));
    REQUIRE(done);
    CHECK(done->phase == operation_phase::released);
    CHECK(done->answer.find("B/gpu0") != std::string::npos);
    // The former owner's commit meets another epoch.
    const auto late = sent<commit_judged>(o.hear(a, commit_chain{c0, {epoch_no{1}, 4, at3.head, number_digest(4)}}));
    CHECK(!late.at(0).second.accepted);
    CHECK(late.at(0).second.reason == errc::stale_epoch);
}

TEST_CASE("a repeated operation gets the first answer and does nothing else") {
    office o;
    o.migrate("o1", to(b));
    const auto again = o.migrate("o1", to(c));
    CHECK(again.size() == 1);
    CHECK(answer(again)->to.node == b);
    o.keep(o.core.on_phase_limit(operation_id{"o1"}, operation_phase::draining, 9.0));
    const auto after = o.migrate("o1", to(b));
    CHECK(after.size() == 1);
    CHECK(answer(after)->phase == operation_phase::aborted);
    CHECK(o.rows.at(c0).row.epoch.value == 2);
}

TEST_CASE("requests are refused in words: another is open, same place, placement, unknown chain, no owner, replay") {
    office o;
    const auto refused = [&](const char* id, const placement& p) { return answer(o.migrate(id, p)).value(); };
    placement same;
    same.kind = placement_kind::same_place;
    same.reason = "nothing to do";
    CHECK(refused("same", same).phase == operation_phase::released);
    CHECK(refused("same", same).answer == "nothing to do");
    placement no;
    no.reason = "device B/igpu has no fp64";
    no.alternatives = {{c, "gpu0"}};
    CHECK(refused("fp64", no).answer == "device B/igpu has no fp64; possible: C/gpu0");
    CHECK(answer(o.keep(o.core.request_migrate(operation_id{"x"}, chain_id{7}, to(b), 0.0)))->phase == operation_phase::refused);
    CHECK(refused("gone", to(node_name{"D"})).answer.find("not there") != std::string::npos);
    o.migrate("o1", to(b));
    CHECK(refused("o2", to(c)).answer.find("operation o1") != std::string::npos);
    o.keep(o.core.on_lease_out(a, 1.0)); // nobody else holds anything, but nothing is sealed: B begins again
    CHECK(o.core.row(c0).owner->node == b);
    CHECK(refused("o3", to(c)).answer.find("again after a restart") != std::string::npos);
}

TEST_CASE("each phase before the point of no return can be given up, and the source goes on with the next epoch") {
    for (const int way : {0, 1, 2, 3, 4}) {
        office o;
        o.migrate("o1", to(b));
        coordinator_commands said;
        if (way >= 2) {
            o.seal();
            o.offer("o1");
        }
        switch (way) {
        case 0: said = o.keep(o.core.on_phase_limit(operation_id{"o1"}, operation_phase::draining, 5.0)); break;
        case 1: said = o.hear(a, unable{operation_id{"o1"}, c0, epoch_no{1}, "the disk is full"}); break;
        case 2: said = o.keep(o.core.on_phase_limit(operation_id{"o1"}, operation_phase::preparing, 5.0)); break;
        case 3: said = o.keep(o.core.on_lease_out(b, 5.0)); break;
        case 4: said = o.hear(b, node_hello{2, 0.0, {}}); break;
        }
        INFO("way " << way);
        CHECK(o.phase("o1") == operation_phase::aborted);
        CHECK(o.rows.at(c0).row.owner->node == a);
        CHECK(o.rows.at(c0).row.epoch.value == 2);
        CHECK(o.rows.at(c0).row.cursor == at3);
        CHECK(!o.rows.at(c0).row.open);
        const auto granted = sent<chain_granted>(said);
        REQUIRE(!granted.empty());
        CHECK(granted[0].first == a);
        // What comes late moves nothing; the copy counts all the same.
        static_cast<void>(o.prepared("o1", way == 4 ? 2 : 1));
        CHECK(o.rows.at(c0).row.owner->node == a);
        CHECK(o.rows.at(c0).row.epoch.value == 2);
        if (way >= 2)
            CHECK(o.rows.at(c0).row.find(ref3.file)->on(b));
    }
}

TEST_CASE("a coordinator that starts again drains again before the write and grants again after it") {
    office o;
    o.migrate("o1", to(b));
    o.seal();
    o.offer("o1");
    auto before = o.restarted();
    const auto drains = sent<drain_chain>(before.begin(0.0));
    REQUIRE(drains.size() == 1);
    CHECK(drains[0].second.op == operation_id{"o1"});
    o.prepared("o1");
    auto after = o.restarted();
    const auto grants = sent<chain_granted>(after.begin(0.0));
    REQUIRE(grants.size() == 1);
    CHECK(grants[0] == std::pair{b, chain_granted{c0, epoch_no{2}}});
    CHECK(after.row(c0) == o.core.row(c0));
}

TEST_CASE("past the point of no return a silent target is `unknown`, and becomes released or overtaken") {
    for (const bool comes : {true, false}) {
        office o;
        o.migrate("o1", to(b));
        o.seal();
        o.offer("o1");
        o.prepared("o1");
        CHECK(answer(o.keep(o.core.on_phase_limit(operation_id{"o1"}, operation_phase::granted, 70.0)))->phase == operation_phase::unknown);
        CHECK(o.rows.at(c0).row.owner->node == b);
        if (comes)
            o.hear(b, chain_activated{c0, epoch_no{2}});
        else
            o.keep(o.core.on_lease_out(b, 80.0));
        CHECK(o.phase("o1") == (comes ? operation_phase::released : operation_phase::overtaken));
        if (!comes)
            CHECK(o.rows.at(c0).row.owner->node == a); // which holds the copy
    }
}

TEST_CASE("a device of the same node needs no copy") {
    office o;
    placement p = to(a);
    p.where.device = "gpu1";
    o.migrate("o1", p);
    o.seal();
    const auto said = o.offer("o1");
    CHECK(sent<prepare_copy>(said).empty());
    CHECK(o.rows.at(c0).row.owner == place{a, "gpu1"});
    CHECK(o.rows.at(c0).row.epoch.value == 2);
}

TEST_CASE("a seal is copied to a second node, and a node that comes back is taken at its word about its disk") {
    office o;
    const auto said = o.hear(a, seal_claim{c0, epoch_no{1}, ref3});
    REQUIRE(sent<prepare_copy>(said).size() == 1);
    const auto replica = sent<prepare_copy>(said)[0];
    CHECK(replica.first == b);
    CHECK(replica.second.op.value.empty());
    o.hear(b, copy_prepared{operation_id{}, c0, epoch_no{1}, ref3.file, 1});
    CHECK(o.rows.at(c0).row.sealed == at3);
    const auto back = o.hear(b, node_hello{2, 0.0, {{c0, {number_digest(9)}}}});
    CHECK(!o.rows.at(c0).row.find(ref3.file)->on(b));
    CHECK(sent<drop_copy>(back).at(0).second.file == number_digest(9));
    // What an earlier process says about its disk does not count.
    o.hear(b, copy_prepared{operation_id{}, c0, epoch_no{1}, ref3.file, 1});
    CHECK(!o.rows.at(c0).row.find(ref3.file)->on(b));
}

TEST_CASE("a lease that runs out hands the chain over, an owner that is back in time keeps it, too many times park it") {
    coordinator_settings s;
    s.restarts = {2, 60.0};
    office o(s);
    o.seal();
    o.hear(b, copy_prepared{operation_id{}, c0, epoch_no{1}, ref3.file, 1});
    o.core.on_down_hint(a);
    CHECK(o.keep(o.core.on_tick(14.0)).empty());
    o.hear(a, renew_lease{1, 14.0, {{c0, epoch_no{1}}}}, 14.0);
    o.hear(b, renew_lease{1, 14.0, {}}, 14.0);
    CHECK(o.core.row(c0).owner->node == a);
    o.keep(o.core.on_lease_out(a, 30.0));
    CHECK(o.core.row(c0).owner->node == b);
    CHECK(o.core.row(c0).cursor == at3);
    o.hear(b, node_hello{2, 0.0, {{c0, {ref3.file}}}}, 31.0);
    CHECK(o.core.row(c0).epoch.value == 3);
    o.hear(b, node_hello{3, 0.0, {{c0, {ref3.file}}}}, 32.0);
    CHECK(o.core.row(c0).parked.find("2 times") != std::string::npos);
    CHECK(answer(o.migrate("o1", to(c)))->answer.find("parked") != std::string::npos);
    const auto again = answer(o.keep(o.core.request_take_over(operation_id{"o2"}, c0, std::nullopt, false, 33.0)));
    CHECK(again->phase == operation_phase::released);
    CHECK(o.core.row(c0).parked.empty());
    const auto refused = answer(o.keep(o.core.request_take_over(operation_id{"o3"}, c0, std::nullopt, false, 33.0)));
    CHECK(refused->answer.find("holds c0") != std::string::npos);
    const auto nowhere = answer(o.keep(o.core.request_take_over(operation_id{"o4"}, c0, c, true, 33.0)));
    CHECK(nowhere->answer.find("sealed") != std::string::npos);
}
