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

void holds(const char* what, unsigned crashes, unsigned disturbances, std::vector<operation_request> operations, std::vector<std::uint32_t> plan = {1, 1},
           bool timed_seals = true) {
    model_bounds b;
    b.plan = std::move(plan);
    b.crashes = crashes;
    b.disturbances = disturbances;
    b.operations = std::move(operations);
    b.timed_seals = timed_seals;
    const auto r = check_model(b);
    print(what, r);
    CHECK(r.complete);
    CHECK(r.violation.empty());
    CHECK(r.stuck == 0);
    CHECK(r.ended > 0);
}

} // namespace

TEST_CASE("no reachable state breaks an invariant, and from each the chain runs again and operations close") {
    holds("2 crashes, no operation", 2, 0, {});
    holds("2 disturbances, no operation", 0, 2, {});
    holds("1 crash, 1 disturbance, a migration", 1, 1, {ask("m", operation_verb::migrate)});
    holds("1 crash, 1 disturbance, a migration, no timer", 1, 1, {ask("m", operation_verb::migrate)}, {1, 1}, false);
    holds("1 crash, 1 disturbance, a migration, no timer, 1", 1, 1, {ask("m", operation_verb::migrate)}, {1}, false);
    holds("1 crash, 1 disturbance, a migration, timer, 2", 1, 1, {ask("m", operation_verb::migrate)}, {2}, true);
    holds("2 crash, 1 disturbance, a migration, no timer", 2, 1, {ask("m", operation_verb::migrate)}, {1, 1}, false);
    holds("1 crash, pause checkpoint resume", 1, 0, {ask("p", operation_verb::pause), ask("c", operation_verb::checkpoint), ask("r", operation_verb::resume)});
    holds("1 crash, drain", 1, 0, {ask("d", operation_verb::drain, "a"), ask("e", operation_verb::drain, "b")});
    holds("1 crash, stop resume", 1, 0, {ask("d", operation_verb::stop), ask("e", operation_verb::resume)});
}
