// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/ledger/ledger_fixture.hpp"

#include <set>

using namespace forge;
using namespace forge::testing;

namespace {

/// 10 trajectories in segment 0, 10 in segment 1 (from 11), 5 in segment 2 (from 21).
struct three_segments {
    run_folder run;
    ledger book = must(ledger::create_or_open(run.ledger(), toy_campaign()));
    toy_chain chain = toy_chain::start(book, {0});
    std::vector<commit_request> all;

    three_segments() {
        extend(10);
        chain.segment = must(book.open_segment({0}, chain.epoch, 11, toy_params(5.8), "plan")).number;
        extend(10);
        chain.segment = must(book.open_segment({0}, chain.epoch, 21, toy_params(5.9), "plan")).number;
        extend(5);
    }
    void extend(std::size_t n) {
        auto some = chain.next(n);
        REQUIRE(must(book.commit(some)).all_accepted());
        all.insert(all.end(), some.begin(), some.end());
    }
    /// A new owner that goes on from the checkpoint at `trajectory`.
    void restart_at(std::uint64_t trajectory) {
        chain.epoch = must(book.take_epoch({0}));
        must(book.begin_at({0}, chain.epoch, trajectory));
        chain.trajectory = trajectory;
        chain.head =
            trajectory == 0 ? genesis_hash(book.identity().campaign_seed, {0}) : hash_of(all.at(trajectory - 1).record);
        chain.segment = all.at(trajectory == 0 ? 0 : trajectory - 1).record.segment;
    }
};

} // namespace

TEST_CASE("segments are numbered along the chain and the earlier ones are finished") {
    three_segments t;
    const auto rows = must(t.book.segments({0}));
    REQUIRE(rows.size() == 3);
    for (std::uint32_t s = 0; s < 3; ++s) {
        CHECK(rows[s].number.value == s);
        CHECK(rows[s].ordinal == s);
        CHECK(rows[s].first_trajectory == 1 + 10 * s);
        CHECK(rows[s].finished == (s < 2));
        CHECK(rows[s].live);
    }
    CHECK(rows[1].params == toy_params(5.8));
    CHECK(rows[1].reason == "plan");
    must(t.book.finish_segment({0}, t.chain.epoch, {2}));
    CHECK(must(t.book.segments({0}))[2].finished);
    CHECK(t.book.finish_segment({0}, t.chain.epoch, {3}).reason().code == errc::not_found);
    CHECK(t.book.finish_segment({0}, {9}, {2}).reason().code == errc::stale_epoch);
    CHECK(must(t.book.check()).ok());
}

TEST_CASE("a replay meets the decision that was taken, whatever it asks for") {
    three_segments t;
    t.restart_at(8);
    for (int k = 0; k < 2; ++k)
        CHECK(kind_of(t.book, t.chain.next()) == commit_kind::validated);
    const auto met = must(t.book.open_segment({0}, t.chain.epoch, 11, toy_params(6.5), "steered"));
    CHECK(met.number.value == 1);
    CHECK(met.params == toy_params(5.8));
    CHECK(met.reason == "plan");
    t.chain.segment = met.number;
    CHECK(kind_of(t.book, t.chain.next()) == commit_kind::validated);
    CHECK(must(t.book.segments({0}, false)).size() == 3);
    CHECK(must(t.book.count({0})) == 25);
}

TEST_CASE("records that are superseded take the later segments with them, whose numbers are never used again") {
    three_segments t;
    must(t.book.finish_segment({0}, t.chain.epoch, {2}));
    t.restart_at(8);
    t.chain.branch = 1;
    CHECK(kind_of(t.book, t.chain.next()) == commit_kind::superseded_older);
    auto live = must(t.book.segments({0}));
    REQUIRE(live.size() == 1);
    CHECK(live[0].number.value == 0);
    CHECK_FALSE(live[0].finished); // its last records are gone
    CHECK(must(t.book.segments({0}, false)).size() == 3);
    CHECK(must(t.book.check()).ok());

    CHECK(kind_of(t.book, t.chain.next()) == commit_kind::committed);
    const auto next = must(t.book.open_segment({0}, t.chain.epoch, 11, toy_params(5.8), "plan"));
    CHECK(next.number.value == 3);
    CHECK(next.ordinal == 1);
    t.chain.segment = next.number;
    CHECK(kind_of(t.book, t.chain.next()) == commit_kind::committed);
    CHECK(must(t.book.check()).ok());
}

TEST_CASE("the segment that starts at a superseded record stays: its decision lies before it") {
    three_segments t;
    t.restart_at(10);
    t.chain.branch = 1;
    const auto s = must(t.book.open_segment({0}, t.chain.epoch, 11, toy_params(), "plan"));
    CHECK(s.number.value == 1);
    t.chain.segment = s.number;
    CHECK(kind_of(t.book, t.chain.next()) == commit_kind::superseded_older);
    const auto live = must(t.book.segments({0}));
    REQUIRE(live.size() == 2);
    CHECK(live[0].finished);
    CHECK_FALSE(live[1].finished);
    CHECK(must(t.book.check()).ok());
}

TEST_CASE("a new decision in the past supersedes what came after it") {
    three_segments t;
    t.restart_at(15);
    const auto s = must(t.book.open_segment({0}, t.chain.epoch, 16, toy_params(6.0), "steered"));
    CHECK(s.number.value == 3);
    CHECK(s.ordinal == 2);
    CHECK(must(t.book.count({0})) == 15);
    CHECK(must(t.book.count({0}, false)) == 25);
    CHECK(must(t.book.check()).ok());
    t.chain.segment = s.number;
    CHECK(kind_of(t.book, t.chain.next()) == commit_kind::committed);
    CHECK(must(t.book.check()).ok());
}

TEST_CASE("open_segment refuses stale owners, the past, and parameters that make no chain") {
    three_segments t;
    CHECK(t.book.open_segment({0}, {9}, 26, toy_params(), "x").reason().code == errc::stale_epoch);
    CHECK(t.book.open_segment({0}, t.chain.epoch, 25, toy_params(), "x").reason().code == errc::out_of_order);
    CHECK(t.book.open_segment({0}, t.chain.epoch, 0, toy_params(), "x").reason().code == errc::invalid_argument);
    CHECK(t.book.open_segment({5}, t.chain.epoch, 1, toy_params(), "x").reason().code == errc::not_found);
    auto p = toy_params();
    p.n_steps = 0;
    CHECK(t.book.open_segment({0}, t.chain.epoch, 26, p, "x").reason().code == errc::invalid_argument);
    CHECK(t.book.open_segment({0}, t.chain.epoch, 26, toy_params(std::nan("")), "x").reason().code ==
          errc::invalid_argument);
    CHECK(must(t.book.segments({0}, false)).size() == 3);
}

TEST_CASE("segment numbers are never reused, over any history of restarts") {
    three_segments t;
    std::set<std::uint32_t> seen{0, 1, 2};
    for (std::uint64_t back = 1; back <= 8; ++back) {
        t.restart_at(9 - back);
        t.chain.branch = static_cast<unsigned>(back);
        REQUIRE(kind_of(t.book, t.chain.next()) == commit_kind::superseded_older);
        const auto s = must(t.book.open_segment({0}, t.chain.epoch, t.chain.trajectory + 1, toy_params(), "plan"));
        CHECK(seen.insert(s.number.value).second);
        t.chain.segment = s.number;
        t.chain.next();
    }
    CHECK(seen.size() == 11);
    CHECK(must(t.book.check()).ok());
}

TEST_CASE("checkpoints are rows of the live branch, newest first") {
    three_segments t;
    const auto row_at = [&](std::uint64_t i) {
        checkpoint_row row;
        row.chain = {0};
        row.trajectory = i;
        row.epoch = t.chain.epoch;
        row.file = fmt::format("c0-{:08}.ckpt", i);
        row.file_hash = sha256_of(row.file);
        row.bytes = 1000 + i;
        row.state = {UINT64_MAX - i, i};
        row.head = i == 0 ? genesis_hash(t.book.identity().campaign_seed, {0}) : hash_of(t.all.at(i - 1).record);
        row.utc = "2024-01-01T00:00:00Z";
        return row;
    };
    CHECK_FALSE(must(t.book.sealed({0})).has_value());
    for (std::uint64_t i : {0u, 5u, 20u, 12u})
        must(t.book.add_checkpoint(row_at(i)));
    must(t.book.add_checkpoint(row_at(12))); // the same file again
    auto rows = must(t.book.checkpoints({0}));
    REQUIRE(rows.size() == 4);
    CHECK(rows[0].trajectory == 20);
    CHECK(rows[1].trajectory == 12);
    CHECK(rows[3].trajectory == 0);
    CHECK(rows[0].file_hash == sha256_of(rows[0].file));
    CHECK(rows[0].state == state_hash{UINT64_MAX - 20, 20});
    CHECK(rows[0].bytes == 1020);
    CHECK(must(t.book.sealed({0})) == 20u);

    auto wrong = row_at(7);
    wrong.head[3] ^= 4;
    CHECK(t.book.add_checkpoint(wrong).reason().code == errc::out_of_order);
    auto early = row_at(25);
    early.trajectory = 26;
    CHECK(t.book.add_checkpoint(early).reason().code == errc::out_of_order);
    auto stale = row_at(7);
    stale.epoch.value = 0;
    CHECK(t.book.add_checkpoint(stale).reason().code == errc::stale_epoch);

    t.restart_at(12);
    t.chain.branch = 1;
    REQUIRE(kind_of(t.book, t.chain.next()) == commit_kind::superseded_older);
    rows = must(t.book.checkpoints({0}));
    CHECK_FALSE(rows[0].live); // 20 is of the branch that was left
    CHECK(rows[1].live);
    CHECK(rows[3].live);
    CHECK(must(t.book.sealed({0})) == 12u);
    must(t.book.forget_checkpoint({0}, rows[0].file));
    CHECK(t.book.forget_checkpoint({0}, rows[0].file).reason().code == errc::not_found);
    CHECK(must(t.book.checkpoints({0})).size() == 3);
    CHECK(must(t.book.check()).ok());
}

TEST_CASE("events come back in order") {
    run_folder run;
    auto book = must(ledger::create_or_open(run.ledger(), toy_campaign()));
    must(book.add_event({0, "2024-01-01T00:00:00Z", "start", std::nullopt, std::nullopt, "the campaign starts", ""}));
    must(book.add_event({0, "2024-01-01T00:00:01Z", "steer", chain_id{2}, 40u, "beta 5.7 to 5.8", R"({"beta":5.8})"}));
    const auto all = must(book.events());
    REQUIRE(all.size() == 2);
    CHECK(all[0].kind == "start");
    CHECK_FALSE(all[0].chain.has_value());
    CHECK(all[1].chain == chain_id{2});
    CHECK(all[1].trajectory == 40u);
    CHECK(all[1].json == R"({"beta":5.8})");
    CHECK(must(book.events(all[0].id)).size() == 1);
    CHECK(must(book.check()).ok());
}
