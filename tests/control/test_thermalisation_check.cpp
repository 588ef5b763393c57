// SPDX-License-Identifier: AGPL-3.0-only
// A chain that asks whether it has thermalised: what an early end changes, and what it must not.
#include "tests/control/chain_rig.hpp"

using namespace forge;
using namespace forge::testing;

namespace {
std::size_t measured_in(const std::vector<physics_record>& records, std::uint32_t segment) {
    return static_cast<std::size_t>(std::count_if(records.begin(), records.end(), [=](const auto& r) { return r.measured && r.segment.value == segment; }));
}
} // namespace

TEST_CASE("a chain asks every so often while it thermalises, and measures in full from where the answer was yes") {
    chain_rig rig(beginning(), 64, {segment_of(50, 20), segment_of(50, 20)}, 10);
    rig.thermalised = [](const check_command& c) { return c.ordinal == 0 && c.done == 30; };
    rig.carry_out(rig.core.begin());
    rig.run_to_end();
    std::vector<std::pair<std::uint32_t, std::uint32_t>> asked;
    for (const auto& c : rig.checks)
        asked.emplace_back(c.ordinal, c.done);
    CHECK(asked == std::vector<std::pair<std::uint32_t, std::uint32_t>>{{0, 10}, {0, 20}, {0, 30}, {1, 10}, {1, 20}, {1, 30}, {1, 40}});
    CHECK(rig.offered.size() == 30 + 20 + 50 + 20);
    CHECK(measured_in(rig.offered, 1) == 20); // measurement is never cut
    CHECK(measured_in(rig.offered, 2) == 20);
    CHECK_FALSE(rig.offered[29].measured);
    CHECK(rig.offered[30].measured);
}

TEST_CASE("a chain that never asks is what it was") {
    chain_rig never(beginning(), 64, {segment_of(20, 5)});
    chain_rig no(beginning(), 64, {segment_of(20, 5)}, 3);
    no.thermalised = [](const check_command&) { return false; };
    for (auto* rig : {&never, &no}) {
        rig->carry_out(rig->core.begin());
        rig->run_to_end();
    }
    CHECK(never.checks.empty());
    CHECK(no.checks.size() == 6);
    CHECK(never.offered == no.offered);
}

TEST_CASE("a chain that waits for an answer can be stopped, paused and sealed; a late answer changes nothing") {
    for (const std::string what : {"stop", "pause", "seal"}) {
        CAPTURE(what);
        chain_rig rig(beginning(), 64, {segment_of(20, 5)}, 10);
        std::optional<check_command> open;
        rig.thermalised = [&open](const check_command& c) -> std::optional<bool> {
            open = c;
            return std::nullopt;
        };
        rig.carry_out(rig.core.begin());
        rig.run_to_end();
        REQUIRE(open);
        CHECK(rig.offered.size() == 10);
        CHECK(rig.core.phase() == chain_phase::thermalising);
        if (what == "stop") {
            rig.carry_out(rig.core.on_stop());
            rig.run_to_end();
            REQUIRE(rig.done);
            CHECK_FALSE(rig.done->finished);
            CHECK(rig.core.sealed() == 10);
            CHECK(rig.core.on_checked(10, true).empty());
        } else if (what == "seal") {
            rig.carry_out(rig.core.on_seal_now());
            CHECK(rig.core.sealed() == 10);
        } else {
            rig.carry_out(rig.core.on_pause("by hand"));
            rig.carry_out(rig.core.on_checked(10, true));
            rig.run_to_end();
            CHECK(rig.offered.size() == 10); // paused: nothing starts
            rig.carry_out(rig.core.on_resume());
            rig.run_to_end();
            CHECK(rig.offered.size() == 15); // the answer is kept: 10 + 5 measured
        }
    }
}

TEST_CASE("a replay that begins anywhere meets the same records") {
    const auto says = [](const check_command& c) { return c.done == 20; };
    chain_rig whole(beginning(), 64, {segment_of(40, 15)}, 10);
    whole.thermalised = says;
    whole.carry_out(whole.core.begin());
    whole.run_to_end();
    REQUIRE(whole.offered.size() == 35);
    for (std::uint64_t at = 1; at < 35; ++at) {
        CAPTURE(at);
        chain_start start = beginning();
        start.trajectory = at;
        start.head = hash_of(whole.offered[at - 1]);
        start.state = fake_state(at);
        start.segment = opened_segment{segment_no{1}, 0, 1, segment_of(40, 15)};
        start.next_ordinal = 1;
        for (std::uint64_t k = 0; k < at; ++k)
            if (whole.offered[k].measured) {
                if (start.measured.empty())
                    start.thermalised_after = static_cast<std::uint32_t>(k);
                start.measured.push_back(whole.offered[k].observed.plaquette());
            }
        chain_rig again(start, 64, {segment_of(40, 15)}, 10);
        again.thermalised = says;
        again.carry_out(again.core.begin());
        again.run_to_end();
        REQUIRE(again.offered.size() == 35 - at);
        for (std::size_t k = 0; k < again.offered.size(); ++k)
            CHECK(hash_of(again.offered[k]) == hash_of(whole.offered[at + k]));
    }
}
