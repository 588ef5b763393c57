// SPDX-License-Identifier: AGPL-3.0-only
// Random trouble under virtual time.
#include "tests/migration/simulation.hpp"

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <ctime>

using namespace forge;
using namespace forge::model;

namespace {

void print_trace(std::uint64_t seed) {
    const auto r = simulate(seed, flaw::none, true);
    std::printf("seed %llu: %s; the last of %zu lines:\n", static_cast<unsigned long long>(seed), r.violation.c_str(), r.trace.size());
    for (std::size_t i = r.trace.size() > 150 ? r.trace.size() - 150 : 0; i < r.trace.size(); ++i)
        std::printf("    %s\n", r.trace[i].c_str());
}

void run_seeds(std::uint64_t first, std::uint64_t count) {
    const auto began = std::clock();
    simulation_result sum;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        const auto r = simulate(seed);
        if (!r.violation.empty()) {
            print_trace(seed);
            FAIL("seed " << seed << ": " << r.violation);
        }
        sum.steps += r.steps, sum.requests += r.requests, sum.repeated += r.repeated, sum.cuts += r.cuts, sum.disk_full += r.disk_full;
        sum.seen.crashes += r.seen.crashes, sum.seen.moves += r.seen.moves, sum.seen.restarts += r.seen.restarts, sum.seen.seals += r.seen.seals;
        sum.seen.commits += r.seen.commits, sum.seen.superseded += r.seen.superseded, sum.seen.validated += r.seen.validated;
        sum.seen.late_refused += r.seen.late_refused, sum.virtual_s += r.virtual_s;
    }
    std::printf("simulation: %llu seeds, %zu steps, %.0f virtual hours, %zu commits (%zu validated, %zu superseded), %zu seals, %zu crashes, %zu lost connections, "
                "%zu restarts, %zu migrations, %zu late answers refused, %zu operations, %zu repeated, disk full %zu times, %.1f s of processor time\n",
                static_cast<unsigned long long>(count), sum.steps, sum.virtual_s / 3600.0, sum.seen.commits, sum.seen.validated, sum.seen.superseded, sum.seen.seals,
                sum.seen.crashes, sum.cuts, sum.seen.restarts, sum.seen.moves, sum.seen.late_refused, sum.requests, sum.repeated, sum.disk_full,
                static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC);
    // The trouble reached what it is meant to reach.
    CHECK(sum.seen.crashes > count);
    CHECK(sum.seen.moves > count / 2);
    CHECK(sum.seen.restarts > count);
    CHECK(sum.seen.superseded > count / 10);
    CHECK(sum.seen.validated > count / 10);
    CHECK(sum.seen.late_refused > count / 10);
    CHECK(sum.disk_full > count);
}

} // namespace

TEST_CASE("300 seeded runs keep every invariant and complete their plan after the heal") { run_seeds(1, 300); }

TEST_CASE("20000 seeded runs keep every invariant and complete their plan after the heal", "[slow]") { run_seeds(1'000'000, 20000); }

TEST_CASE("a seed runs the same way twice; FORGE_SEED=n prints its trace") {
    const char* wanted = std::getenv("FORGE_SEED");
    const std::uint64_t seed = wanted ? std::strtoull(wanted, nullptr, 10) : 7;
    const auto first = simulate(seed, flaw::none, true);
    CHECK(first.trace == simulate(seed, flaw::none, true).trace);
    CHECK(first.trace.size() > 500);
    if (wanted)
        print_trace(seed);
}
