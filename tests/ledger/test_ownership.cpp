// SPDX-License-Identifier: AGPL-3.0-only
// The rules of ownership without a database: they judge, the ledger stores.
#include "ledger_fixture.hpp"

#include "libactors/ledger/ownership.hpp"

using namespace forge;
using namespace forge::testing;

namespace {

constexpr chain_id chain{1};
constexpr segment_no segment{0};

digest number_digest(unsigned char v) {
    digest d{};
    d[0] = v;
    return d;
}

/// Epoch 3, five live records, the owner has gone back to trajectory 2.
chain_standing back_at_two() { return {{chain, epoch_no{3}, 2, 5}, number_digest(2)}; }

commit_request claim(std::uint64_t i, std::uint64_t epoch, unsigned char previous) {
    commit_request q;
    q.record = toy_record(chain, segment, i, number_digest(previous));
    q.epoch = epoch_no{epoch};
    return q;
}

} // namespace

TEST_CASE("a commit is judged by epoch, index, lineage and segment, in this order") {
    const auto at = back_at_two();
    const live_place here{segment, number_digest(3)};
    const auto code = [&](const commit_request& q, const live_place& place) {
        const auto v = judge_commit(at, q, number_digest(9), place);
        CHECK(v.kind == commit_kind::refused);
        CHECK(v.after.row == at.row);
        CHECK(v.after.head == at.head);
        return v.reason.value().code;
    };
    CHECK(code(claim(3, 2, 2), here) == errc::stale_epoch);
    CHECK(code(claim(3, 4, 2), here) == errc::stale_epoch);
    CHECK(code(claim(9, 2, 9), {}) == errc::stale_epoch);
    CHECK(code(claim(4, 3, 2), here) == errc::out_of_order);
    CHECK(code(claim(2, 3, 2), here) == errc::out_of_order);
    CHECK(code(claim(3, 3, 7), here) == errc::out_of_order);
    CHECK(code(claim(3, 3, 2), {segment_no{4}, std::nullopt}) == errc::invalid_argument);
    CHECK(code(claim(3, 3, 2), {std::nullopt, std::nullopt}) == errc::invalid_argument);
}

TEST_CASE("the same bits validate, other bits supersede, new ones extend") {
    const auto at = back_at_two();
    const auto same = judge_commit(at, claim(3, 3, 2), number_digest(3), {segment, number_digest(3)});
    CHECK(same.kind == commit_kind::validated);
    CHECK(same.after.row == chain_row{chain, epoch_no{3}, 3, 5});
    CHECK(same.after.head == number_digest(3));

    const auto other = judge_commit(at, claim(3, 3, 2), number_digest(9), {segment, number_digest(3)});
    CHECK(other.kind == commit_kind::superseded_older);
    CHECK(other.after.row == chain_row{chain, epoch_no{3}, 3, 3});
    CHECK(other.after.head == number_digest(9));

    const chain_standing end{{chain, epoch_no{3}, 5, 5}, number_digest(5)};
    const auto next = judge_commit(end, claim(6, 3, 5), number_digest(6), {segment, std::nullopt});
    CHECK(next.kind == commit_kind::committed);
    CHECK(next.after.row == chain_row{chain, epoch_no{3}, 6, 6});
}

TEST_CASE("a new owner stands at the last live record and may go back, never beyond") {
    const auto row = next_owner(back_at_two().row);
    CHECK(row == chain_row{chain, epoch_no{4}, 5, 5});
    CHECK(stand_at(row, epoch_no{4}, 0).or_throw().cursor == 0);
    CHECK(stand_at(row, epoch_no{4}, 5).or_throw() == row);
    CHECK(stand_at(row, epoch_no{4}, 6).reason().code == errc::out_of_order);
    CHECK(stand_at(row, epoch_no{3}, 1).reason().code == errc::stale_epoch);
}

TEST_CASE("a decision lies ahead of its owner") {
    const auto row = back_at_two().row;
    CHECK(refuse_segment(row, 2).value().code == errc::out_of_order);
    CHECK(!refuse_segment(row, 3));
    CHECK(!refuse_segment(row, 6));
}

TEST_CASE("a checkpoint is of the owner and of the live branch") {
    const auto row = back_at_two().row;
    checkpoint_row c;
    c.chain = chain;
    c.trajectory = 2;
    c.epoch = epoch_no{3};
    c.file = "checkpoints/c1-00000002.ckpt";
    c.head = number_digest(2);
    CHECK(!refuse_checkpoint(row, c, number_digest(2)));
    CHECK(refuse_checkpoint(row, c, number_digest(7)).value().code == errc::out_of_order);
    CHECK(refuse_checkpoint(row, c, std::nullopt).value().code == errc::out_of_order);
    auto nameless = c;
    nameless.file.clear();
    CHECK(refuse_checkpoint(row, nameless, number_digest(2)).value().code == errc::invalid_argument);
    c.epoch = epoch_no{2};
    CHECK(refuse_checkpoint(row, c, number_digest(2)).value().code == errc::stale_epoch);
}
