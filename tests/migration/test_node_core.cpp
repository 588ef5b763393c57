// SPDX-License-Identifier: AGPL-3.0-only
// A node, one event at a time.
#include "libactors/control/migration/node_core.hpp"
#include "tests/migration/cluster.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace forge;
using namespace forge::migration;
using forge::migration::testing::number_digest;

namespace {

const node_name a{"A"}, b{"B"};
constexpr chain_id c0{0};
const digest genesis = number_digest(1000);

template <class M>
std::vector<M> said(const node_commands& commands) {
    std::vector<M> out;
    for (const auto& x : commands)
        if (const auto* s = std::get_if<send_to_coordinator>(&x))
            if (const auto* m = std::get_if<M>(&s->message))
                out.push_back(*m);
    return out;
}
template <class C>
std::size_t count(const node_commands& commands) {
    return static_cast<std::size_t>(std::count_if(commands.begin(), commands.end(), [](const auto& x) { return std::holds_alternative<C>(x); }));
}

chain_ownership row_of(const node_name& owner, std::uint64_t epoch, std::uint64_t i) {
    chain_ownership row;
    row.owner = place{owner, "gpu0"};
    row.epoch = epoch_no{epoch};
    row.cursor = {i, i == 0 ? genesis : number_digest(i)};
    row.last = i;
    return row;
}

node_core fresh(std::map<chain_id, std::vector<checkpoint_ref>> files = {}) { return node_core(a, 1, std::move(files), {{15.0, 3.0, 2.0}, 4, {}}); }

/// A owns c0 with epoch 1 from the beginning and has a lease until 15.
node_core owner() {
    auto n = fresh();
    static_cast<void>(n.on_message(lease_renewed{1, 0.0, {}}));
    static_cast<void>(n.on_message(chain_granted{c0, epoch_no{1}}));
    static_cast<void>(n.on_message(row_told{c0, row_of(a, 1, 0)}));
    static_cast<void>(n.on_loaded(c0, true));
    return n;
}
node_commands compute(node_core& n, std::uint64_t i) {
    REQUIRE(n.may_start(c0, 0.0));
    n.on_started(c0);
    return n.on_finished(c0, {i, number_digest(i)});
}
void committed(node_core& n, std::uint64_t i, std::uint64_t epoch = 1) {
    static_cast<void>(n.on_message(commit_judged{c0, {epoch_no{epoch}, i, i == 1 ? genesis : number_digest(i - 1), number_digest(i)}, true, errc::internal}));
}
const checkpoint_ref ref2{{2, number_digest(2)}, number_digest(502), 10};

} // namespace

TEST_CASE("a process listens when it is welcomed, reads the row before it starts, and starts where the cursor stands") {
    auto n = fresh({{c0, {ref2}}});
    const auto hello = said<node_hello>(n.on_renew_due(0.0));
    REQUIRE(hello.size() == 1);
    CHECK(hello[0].holds == std::vector<held_files>{{c0, {ref2.file}}});
    CHECK(n.on_message(chain_granted{c0, epoch_no{3}}).empty());
    CHECK(n.on_message(lease_renewed{9, 0.0, {}}).empty());
    CHECK(!n.welcomed());
    static_cast<void>(n.on_message(lease_renewed{1, 0.0, {}}));
    CHECK(said<ask_row>(n.on_message(chain_granted{c0, epoch_no{3}})).size() == 1);
    CHECK(n.on_message(row_told{c0, row_of(b, 2, 2)}).empty()); // older than the grant
    CHECK(count<load_state>(n.on_message(row_told{c0, row_of(a, 3, 2)})) == 1);
    const auto begun = n.on_loaded(c0, true);
    CHECK(count<start_chain>(begun) == 1);
    CHECK(said<chain_activated>(begun).at(0).epoch.value == 3);
    CHECK(n.seats().at(c0).owner->computed().trajectory == 2);
    CHECK(said<renew_lease>(n.on_renew_due(1.0)).at(0).seats.size() == 1);
}

TEST_CASE("without the state where the cursor stands, or with one that does not load, the node says so") {
    auto n = fresh({{c0, {ref2}}});
    static_cast<void>(n.on_message(lease_renewed{1, 0.0, {}}));
    static_cast<void>(n.on_message(chain_granted{c0, epoch_no{3}}));
    const auto nothing = said<cannot_start>(n.on_message(row_told{c0, row_of(a, 3, 7)}));
    REQUIRE(nothing.size() == 1);
    CHECK(nothing[0].files == std::vector{ref2.file});
    static_cast<void>(n.on_message(chain_granted{c0, epoch_no{4}}));
    static_cast<void>(n.on_message(row_told{c0, row_of(a, 4, 2)}));
    const auto broken = n.on_loaded(c0, false);
    CHECK(count<delete_copy>(broken) == 1);
    CHECK(said<cannot_start>(broken).at(0).files.empty());
}

TEST_CASE("the owner starts nothing in the last two seconds of its lease, too far ahead, or in doubt") {
    auto n = owner();
    CHECK(n.may_start(c0, 12.9));
    CHECK(!n.may_start(c0, 13.0));
    static_cast<void>(n.on_message(lease_renewed{1, 10.0, {}}));
    CHECK(n.may_start(c0, 22.9));
    for (std::uint64_t i = 1; i <= 4; ++i)
        static_cast<void>(compute(n, i));
    CHECK(!n.may_start(c0, 0.0));
    committed(n, 1);
    CHECK(n.may_start(c0, 0.0));
    const auto refused = n.on_message(commit_judged{c0, {epoch_no{1}, 3, number_digest(2), number_digest(3)}, false, errc::out_of_order});
    CHECK(said<ask_row>(refused).size() == 1);
    CHECK(!n.may_start(c0, 0.0));
    const auto again = n.on_message(row_told{c0, row_of(a, 1, 2)});
    CHECK(said<commit_chain>(again).size() == 2); // 3 and 4
    CHECK(n.may_start(c0, 0.0));
}

TEST_CASE("a drain finishes the trajectory, commits, makes a checkpoint durable, seals, and then offers") {
    auto n = owner();
    static_cast<void>(compute(n, 1));
    committed(n, 1);
    n.on_started(c0);
    CHECK(n.on_message(drain_chain{operation_id{"o1"}, c0, epoch_no{1}}).empty());
    CHECK(!n.may_start(c0, 0.0));
    CHECK(count<write_snapshot>(n.on_finished(c0, {2, number_digest(2)})) == 0);
    const auto saving = n.on_message(commit_judged{c0, {epoch_no{1}, 2, number_digest(1), number_digest(2)}, true, errc::internal});
    CHECK(count<write_snapshot>(saving) == 1);
    CHECK(count<sync_copy>(n.on_written(c0, ref2)) == 1);
    CHECK(said<seal_claim>(n.on_durable(c0, ref2.file, true)).size() == 1);
    const auto offered = said<chain_offered>(n.on_message(seal_judged{c0, epoch_no{1}, ref2.file, true, errc::internal}));
    REQUIRE(offered.size() == 1);
    CHECK(offered[0].ref == ref2);
    CHECK(n.seats().at(c0).owner->view().phase == owner_phase::frozen);
    CHECK(said<chain_offered>(n.on_resend_due()).size() == 1); // and nothing local unfreezes it

    SECTION("given up: it goes on with the next epoch from memory") {
        CHECK(said<ask_row>(n.on_message(chain_granted{c0, epoch_no{2}})).size() == 1);
        const auto on = n.on_message(row_told{c0, row_of(a, 2, 2)});
        CHECK(count<resume_chain>(on) == 1);
        CHECK(count<load_state>(on) == 0);
        CHECK(n.may_start(c0, 0.0));
    }
    SECTION("moved: it retires and sends callers on, once") {
        CHECK(count<stop_chain>(n.on_message(row_told{c0, row_of(b, 2, 2)})) == 1);
        const auto& tombstone = *n.seats().at(c0).owner;
        CHECK(tombstone.redirect(0) == chain_moved{c0, epoch_no{2}, b});
        CHECK(!tombstone.redirect(1));
        CHECK(!n.may_start(c0, 0.0));
        CHECK(n.on_resend_due().empty());
    }
    SECTION("the disk is full: the coordinator hears of it") {
        auto m = owner();
        static_cast<void>(compute(m, 1));
        committed(m, 1);
        CHECK(count<write_snapshot>(m.on_message(drain_chain{operation_id{"o1"}, c0, epoch_no{1}})) == 1);
        CHECK(said<unable>(m.on_write_failed(c0, "no space")).at(0).why == "no space");
        CHECK(m.seats().at(c0).owner->view().phase == owner_phase::draining);
    }
}

TEST_CASE("an owner that slept through its lease finds its commit refused, asks, and gives up with the reason") {
    auto n = owner();
    static_cast<void>(compute(n, 1));
    CHECK(said<ask_row>(n.on_message(commit_judged{c0, {epoch_no{1}, 1, genesis, number_digest(1)}, false, errc::stale_epoch})).size() == 1);
    const auto over = n.on_message(row_told{c0, row_of(b, 2, 0)});
    REQUIRE(count<stop_chain>(over) == 1);
    CHECK(std::get<stop_chain>(over.front()).why == "epoch 1 is over: B owns c0 with epoch 2; 1 trajectories that were not committed are discarded");
}

TEST_CASE("a row that is not in memory makes the owner load from the disk") {
    auto n = owner();
    static_cast<void>(compute(n, 1));
    committed(n, 1);
    const auto reload = n.on_message(row_told{c0, row_of(a, 2, 0)}); // rewound
    CHECK(count<stop_chain>(reload) == 1);
    CHECK(said<ask_row>(reload).size() == 1);
    CHECK(!n.seats().at(c0).owns());
}

TEST_CASE("a copy is reported when it is verified and durable, and only then") {
    auto n = fresh();
    static_cast<void>(n.on_message(lease_renewed{1, 0.0, {}}));
    const prepare_copy wish{operation_id{"o1"}, c0, epoch_no{1}, ref2, b};
    CHECK(count<start_pull>(n.on_message(wish)) == 1);
    CHECK(n.on_message(wish).empty()); // it is under way
    const auto pulled = n.on_pulled(c0, ref2.file, true);
    CHECK(count<verify_copy>(pulled) == 1);
    CHECK(said<copy_prepared>(pulled).empty());
    const auto verified = n.on_verified(c0, ref2.file, true);
    CHECK(count<sync_copy>(verified) == 1);
    CHECK(said<copy_prepared>(verified).empty());
    CHECK(said<copy_prepared>(n.on_durable(c0, ref2.file, true)).size() == 1);
    CHECK(said<copy_prepared>(n.on_message(wish)).size() == 1); // again without a pull
    CHECK(n.on_message(drop_copy{c0, ref2.file, 7, epoch_no{9}}).empty()); // for another incarnation
    CHECK(n.on_message(drop_copy{c0, ref2.file, 1, epoch_no{1}}).empty()); // written in a later epoch than meant
    CHECK(count<delete_copy>(n.on_message(drop_copy{c0, ref2.file, 1, epoch_no{2}})) == 1);
    for (const int fails : {0, 1, 2}) {
        auto m = fresh();
        static_cast<void>(m.on_message(lease_renewed{1, 0.0, {}}));
        static_cast<void>(m.on_message(wish));
        auto last = m.on_pulled(c0, ref2.file, fails != 0);
        if (fails >= 1)
            last = m.on_verified(c0, ref2.file, fails != 1);
        if (fails == 2)
            last = m.on_durable(c0, ref2.file, false);
        INFO("fails at " << fails);
        CHECK(said<unable>(last).size() == 1);
        CHECK(!m.seats().at(c0).adopter.holds(ref2.file));
    }
}
