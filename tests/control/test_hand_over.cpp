// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/migration/hand_over.hpp"

#include <catch2/catch.hpp>

using namespace forge;

namespace {
constexpr chain_id c0{0};
const state_hash sealed{1, 2};
const state_hash other{3, 4};
using way = hand_over_book::way;
} // namespace

TEST_CASE("a state that went ahead is claimed by its owner, once", "[hand_over]") {
    hand_over_book b;
    CHECK(b.on_load(c0, std::nullopt) == way::send);
    const auto there = b.on_loaded(c0, sealed);
    CHECK_FALSE(there.serve);
    CHECK_FALSE(there.unload);
    CHECK(b.on_load(c0, sealed) == way::claim);
    CHECK(b.on_load(c0, sealed) == way::send); // whoever comes next is another owner
}

TEST_CASE("an owner that comes before its state waits for it, and is served whatever becomes of it", "[hand_over]") {
    for (const bool arrives : {true, false}) {
        hand_over_book b;
        (void)b.on_load(c0, std::nullopt);
        CHECK(b.on_load(c0, sealed) == way::wait);
        CHECK(b.on_loaded(c0, arrives ? std::optional(sealed) : std::nullopt).serve);
        CHECK(b.on_load(c0, sealed) == (arrives ? way::claim : way::send));
    }
}

TEST_CASE("another state than the expected one is never claimed", "[hand_over]") {
    hand_over_book b;
    CHECK(b.on_load(c0, sealed) == way::send); // nothing is known
    (void)b.on_load(c0, std::nullopt);
    (void)b.on_loaded(c0, other);
    CHECK(b.on_load(c0, sealed) == way::send);
    (void)b.on_load(c0, std::nullopt);
    (void)b.on_loaded(c0, sealed);
    b.on_run(c0); // it has been computed on
    CHECK(b.on_load(c0, sealed) == way::send);
    (void)b.on_load(c0, std::nullopt);
    (void)b.on_loaded(c0, sealed);
    b.on_unload(c0);
    CHECK(b.on_load(c0, sealed) == way::send);
}

TEST_CASE("what was unloaded on its way is unloaded again when it is there, unless an owner came meanwhile", "[hand_over]") {
    hand_over_book b;
    (void)b.on_load(c0, std::nullopt);
    b.on_unload(c0);
    CHECK(b.on_loaded(c0, sealed).unload);
    CHECK_FALSE(b.on_loaded(c0, sealed).unload); // once
    (void)b.on_load(c0, std::nullopt);
    b.on_unload(c0);
    CHECK(b.on_load(c0, sealed) == way::send); // its own copy follows
    const auto late = b.on_loaded(c0, sealed);
    CHECK_FALSE(late.unload);
    CHECK_FALSE(late.serve);
}
