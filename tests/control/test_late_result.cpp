// SPDX-License-Identifier: AGPL-3.0-only
// Results of an owner that is no longer the owner.
#include "libactors/control/migration/late_result.hpp"

#include <catch2/catch.hpp>

using namespace forge;

TEST_CASE("a late result is refused with both epochs and the place where the chain is now") {
    const auto e = refuse_late({chain_id{1}, epoch_no{3}, 17}, epoch_no{4}, "lab2/opencl:0.0");
    CHECK(e.code == errc::stale_epoch);
    CHECK(e.what == "trajectory 17 of c1, computed under epoch 3, is refused: c1 is at epoch 4 on lab2/opencl:0.0");
    CHECK(e.where == "c1");
    CHECK(!e.hint.empty());
    CHECK(refuse_late({chain_id{0}, epoch_no{1}, 2}, epoch_no{2}, "").what ==
          "trajectory 2 of c0, computed under epoch 1, is refused: c0 is at epoch 2");
}

TEST_CASE("only the chain's own epoch passes the fence") {
    const late_result r{chain_id{2}, epoch_no{5}, 9};
    CHECK(!judge_late(r, epoch_no{5}, "opencl:0"));
    for (const std::uint64_t current : {4u, 6u, 40u}) { // an epoch from the future is as foreign as one from the past
        const auto refused = judge_late(r, epoch_no{current}, "opencl:0");
        REQUIRE(refused);
        CHECK(*refused == refuse_late(r, epoch_no{current}, "opencl:0"));
    }
}
