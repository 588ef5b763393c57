// SPDX-License-Identifier: AGPL-3.0-only
// Random trouble under virtual time.
#include "tests/migration/simulation.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>

using namespace forge;
using namespace forge::migration;
using namespace forge::migration::testing;

namespace {

void print_trace(std::uint64_t seed, protocol_flaw flaw) {
    const auto r = simulate(seed, flaw, true);
    std::printf("seed %llu: %s; the last of %zu lines:\n", static_cast<unsigned long long>(seed), r.violation.c_str(), r.trace.size());
    for (std::size_t i = r.trace.size() > 120 ? r.trace.size() - 120 : 0; i < r.trace.size(); ++i)
        std::printf("    %s\n", r.trace[i].c_str());
}

void run_seeds(std::uint64_t first, std::uint64_t count) {
    const auto began = std::chrono::steady_clock::now();
    simulation_result sum;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        const auto r = simulate(seed);
        if (!r.violation.empty()) {
            print_trace(seed, {});
            FAIL("seed " << seed << ": " << r.violation);
        }
        sum.events += r.events, sum.moves += r.moves, sum.takeovers += r.takeovers, sum.crashes += r.crashes;
        sum.superseded += r.superseded, sum.validated += r.validated;
    }
    std::printf("simulation: %llu seeds, %zu events, %zu migrations, %zu lease actions, %zu crashes, %zu records superseded, %zu validated, %.1f s\n",
                static_cast<unsigned long long>(count), sum.events, sum.moves, sum.takeovers, sum.crashes, sum.superseded, sum.validated,
                std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
    // The trouble reached what it is meant to reach.
    CHECK(sum.moves > count / 2);
    CHECK(sum.takeovers > count / 4);
    CHECK(sum.superseded > 0);
    CHECK(sum.validated > 0);
}

} // namespace

TEST_CASE("300 seeded runs keep every invariant and complete their plan after the heal") { run_seeds(1, 300); }

TEST_CASE("20000 seeded runs keep every invariant and complete their plan after the heal", "[slow]") { run_seeds(1'000'000, 20000); }

TEST_CASE("a seed runs the same way twice; FORGE_SEED=n prints its trace") {
    const char* wanted = std::getenv("FORGE_SEED");
    const std::uint64_t seed = wanted ? std::strtoull(wanted, nullptr, 10) : 7;
    const auto first = simulate(seed, {}, true);
    CHECK(first.trace == simulate(seed, {}, true).trace);
    CHECK(first.trace.size() > 1000);
    if (wanted)
        print_trace(seed, {});
}
