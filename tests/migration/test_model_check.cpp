// SPDX-License-Identifier: AGPL-3.0-only
// The cores that run, in every order of events within bounds.
#include "tests/migration/model_check.hpp"

#include <catch2/catch.hpp>

#include <cstdio>

using namespace forge;
using namespace forge::model;

namespace {

void print(const char* what, const model_result& r) {
    std::printf("model check, %s: %zu states, %zu transitions, depth %zu, %.1f s%s%s\n", what, r.states, r.transitions, r.depth, r.seconds,
                r.violation.empty() ? "" : ": ", r.violation.c_str());
    for (const auto& line : r.trace)
        std::printf("    %s\n", line.c_str());
    std::fflush(stdout);
}

operation_request ask(const char* id, operation_verb verb, const char* object = "c0", const char* target = "") { return {id, verb, object, target, false}; }

void holds(const char* what, unsigned crashes, unsigned disturbances, std::vector<operation_request> operations, std::vector<std::uint32_t> plan = {1, 1}) {
    model_bounds b;
    b.plan = std::move(plan);
    b.crashes = crashes;
    b.disturbances = disturbances;
    b.operations = std::move(operations);
    const auto r = check_model(b);
    print(what, r);
    CHECK(r.complete);
    CHECK(r.violation.empty());
    CHECK(r.stuck == 0);
    CHECK(r.ended > 0);
}

} // namespace

TEST_CASE("no reachable state breaks an invariant, and from each the chain runs again and operations close") {
    holds("calm, a migration", 0, 0, {ask("m", operation_verb::migrate)});
    holds("1 crash, a migration", 1, 0, {ask("m", operation_verb::migrate)});
    holds("1 disturbance, a migration", 0, 1, {ask("m", operation_verb::migrate)});
}
