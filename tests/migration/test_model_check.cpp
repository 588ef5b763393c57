// SPDX-License-Identifier: AGPL-3.0-only
// The composed cores, exhaustively within bounds.
#include "tests/migration/model_check.hpp"

#include <catch2/catch.hpp>

#include <cstdio>

using namespace forge;
using namespace forge::migration;
using namespace forge::migration::testing;

namespace {

void print(const char* what, const model_result& r) {
    std::printf("model check, %s: %zu states, %zu transitions, depth %zu, %.1f s%s%s\n", what, r.states, r.transitions, r.depth, r.seconds,
                r.violation.empty() ? "" : ": ", r.violation.c_str());
    for (const auto& line : r.trace)
        std::printf("    %s\n", line.c_str());
    std::fflush(stdout);
}

model_bounds bounds(std::uint64_t trajectories, std::uint64_t epochs, unsigned crashes, unsigned disturbances, unsigned suspicions, unsigned operations) {
    model_bounds b;
    b.trajectories = trajectories;
    b.epochs = epochs;
    b.crashes = crashes;
    b.disturbances = disturbances;
    b.suspicions = suspicions;
    b.operations = operations;
    return b;
}

void holds(const char* what, const model_bounds& b) {
    const auto r = check_model(b);
    print(what, r);
    CHECK(r.complete);
    CHECK(r.violation.empty());
    CHECK(r.stuck == 0);
    CHECK(r.lively > 1000);
}

} // namespace

TEST_CASE("no reachable state breaks an invariant, and a running owner can be reached from each") {
    holds("2 trajectories, calm", bounds(2, 4, 0, 0, 0, 1));
    holds("2 crashes", bounds(1, 4, 2, 0, 0, 1));
    holds("2 disturbed messages", bounds(1, 3, 0, 2, 0, 1));
    holds("1 crash, 1 disturbed message", bounds(1, 3, 1, 1, 0, 1));
    holds("1 lease that ends too early", bounds(1, 4, 0, 0, 1, 1));
}

TEST_CASE("wider bounds of the model check", "[slow]") {
    holds("2 crashes, 1 disturbed message", bounds(1, 3, 2, 1, 0, 1));
    holds("1 crash, 2 disturbed messages", bounds(1, 3, 1, 2, 0, 1));
    holds("1 crash, 1 lease that ends too early", bounds(1, 4, 1, 0, 1, 1));
}
