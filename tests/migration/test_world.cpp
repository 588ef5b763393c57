// SPDX-License-Identifier: AGPL-3.0-only
// The world itself: a disk that forgets what it should, and a campaign that ends when nothing goes wrong.
#include "tests/migration/model_steps.hpp"

#include <catch2/catch.hpp>

using namespace forge;
using namespace forge::model;

namespace {

constexpr chain_id c0{0};

sealed_state state_at(std::uint64_t trajectory, std::uint8_t bits) {
    sealed_state s;
    s.chain = c0;
    s.trajectory = trajectory;
    s.head[0] = bits;
    s.state = s.links = {bits, bits};
    return s;
}

} // namespace

TEST_CASE("a name survives a power cut only with its folder synced, a process's death always") {
    folder f;
    f.rename_over(state_at(3, 1), true);
    CHECK(!f.safe(c0, 3, state_at(3, 1).head));
    auto killed = f, cut = f, lucky = f;
    killed.crash(crash_kind::process);
    CHECK(killed.read(c0, 3) != nullptr);
    cut.crash(crash_kind::names_lost);
    CHECK(cut.read(c0, 3) == nullptr);
    lucky.crash(crash_kind::data_torn);
    CHECK(lucky.read(c0, 3) != nullptr); // the name happened to get there, the bytes were synced
    f.sync();
    CHECK(f.safe(c0, 3, state_at(3, 1).head));
    f.crash(crash_kind::names_lost);
    CHECK(f.read(c0, 3) != nullptr);
}

TEST_CASE("a rename over a name keeps the old file for a power cut until the folder is synced") {
    folder f;
    f.rename_over(state_at(3, 1), true);
    f.sync();
    f.rename_over(state_at(3, 2), true);
    CHECK(f.read(c0, 3)->head == state_at(3, 2).head);
    CHECK(!f.safe(c0, 3, state_at(3, 1).head));
    CHECK(!f.safe(c0, 3, state_at(3, 2).head));
    f.crash(crash_kind::names_lost);
    CHECK(f.read(c0, 3)->head == state_at(3, 1).head);
}

TEST_CASE("a removed name may come back, unsynced bytes do not") {
    folder f;
    f.rename_over(state_at(1, 1), true);
    f.sync();
    f.unlink(c0, 1);
    CHECK(f.read(c0, 1) == nullptr);
    f.crash(crash_kind::names_lost);
    CHECK(f.read(c0, 1) != nullptr);
    f.rename_over(state_at(2, 2), false);
    f.crash(crash_kind::data_torn);
    CHECK(f.read(c0, 2) == nullptr);
}

TEST_CASE("links that do not fit their record are no checkpoint") {
    folder f;
    auto wrong = state_at(1, 1);
    wrong.links = {9, 9};
    f.rename_over(wrong, true);
    f.sync();
    CHECK(f.read(c0, 1) == nullptr);
    CHECK(!f.safe(c0, 1, wrong.head));
}

TEST_CASE("a campaign that nobody disturbs runs to its end, first come first served") {
    settings s;
    s.chains = 2;
    s.plan = {2, 3, 2};
    auto w = begun(s);
    std::vector<action> all;
    for (int k = 0; k < 2000; ++k) {
        collect(w, false, all);
        std::erase_if(all, [](const action& a) { return a.what == act::seal_due; });
        if (all.empty())
            break;
        static_cast<void>(apply(w, all[static_cast<std::size_t>(k) % all.size()], 0.1 * k, nullptr));
        REQUIRE(broken_invariant(w).empty());
    }
    CHECK(all.empty());
    REQUIRE(w.boss);
    CHECK(w.boss->over);
    CHECK(well(w));
    for (const auto& b : w.books) {
        CHECK(b->live.size() == 7);
        CHECK(b->sealed.size() == 7);
        CHECK(b->row.epoch.value <= 2); // the second node took one chain over when it came
        CHECK(b->checkpoints.size() == s.keep_checkpoints);
        CHECK(b->superseded == 0);
    }
}

TEST_CASE("worlds that differ in the names of bits and epochs only have one code") {
    settings plain, other;
    other.bits = [](std::size_t node, epoch_no epoch) { return 7000 + node + 31 * epoch.value; };
    auto a = begun(plain), b = begun(other);
    std::vector<action> all;
    for (int k = 0; k < 30; ++k) {
        collect(a, false, all);
        if (all.empty())
            break;
        static_cast<void>(apply(a, all.front(), 0.0, nullptr));
        static_cast<void>(apply(b, all.front(), 0.0, nullptr));
        CHECK(code_of(a) == code_of(b));
    }
    const auto before = code_of(a);
    control_plane(a).crash_node(0);
    CHECK(!(code_of(a) == before));
}
