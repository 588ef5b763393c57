// SPDX-License-Identifier: AGPL-3.0-only
// The cores that run, in every order of events within bounds.
#include "tests/migration/model_check.hpp"

#include <catch2/catch.hpp>

#include <cstdio>

using namespace forge;
using namespace forge::model;

namespace {

void print(const char* what, const model_result& r) {
    std::printf("model check, %s: %zu states, %zu transitions, depth %zu, %.1f s of processor time%s%s\n", what, r.states, r.transitions, r.depth, r.seconds,
                r.violation.empty() ? "" : ": ", r.violation.c_str());
    for (const auto& line : r.trace)
        std::printf("    %s\n", line.c_str());
    std::fflush(stdout);
}

operation_request ask(const char* id, operation_verb verb, const char* object = "c0", const char* target = "") { return {id, verb, object, target, false}; }

void holds(const char* what, unsigned crashes, unsigned disturbances, std::vector<operation_request> operations, std::vector<std::uint32_t> plan = {1, 1},
           bool timed_seals = true, bool every_moment = false) {
    model_bounds b;
    b.plan = std::move(plan);
    b.crashes = crashes;
    b.disturbances = disturbances;
    b.operations = std::move(operations);
    b.timed_seals = timed_seals;
    b.every_moment = every_moment;
    const auto r = check_model(b);
    print(what, r);
    CHECK(r.complete);
    CHECK(r.violation.empty());
    CHECK(r.stuck == 0);
    CHECK(r.ended > 0);
}

const std::vector<operation_request> migration{ask("m", operation_verb::migrate)};

} // namespace

TEST_CASE("no reachable state breaks an invariant, and from each the chain runs again and operations close") {
    holds("2 crashes, a migration", 2, 0, migration);
    holds("2 disturbances, a migration", 0, 2, migration);
    holds("1 crash, 1 disturbance, a migration, one trajectory", 1, 1, migration, {1});
    holds("1 crash, 1 disturbance, a migration, two segments", 1, 1, migration);
    holds("1 crash, 1 disturbance, a segment of two trajectories", 1, 1, migration, {2});
    holds("1 crash, three seals, so that the oldest generation goes", 1, 0, {}, {1, 1, 1});
}

TEST_CASE("operators in every order with a crash") {
    holds("a stop, its resumption", 1, 0, {ask("s", operation_verb::stop), ask("r", operation_verb::resume)});
    holds("a pause, a checkpoint, a resumption", 1, 0, {ask("p", operation_verb::pause), ask("c", operation_verb::checkpoint), ask("r", operation_verb::resume)});
    holds("both nodes drain, one comes back", 1, 0,
          {ask("d", operation_verb::drain, "a"), ask("e", operation_verb::drain, "b"), ask("u", operation_verb::undrain, "a")});
    holds("a migration there and one back", 1, 0, {ask("m", operation_verb::migrate, "c0", "b/gpu"), ask("n", operation_verb::migrate, "c0", "a/gpu")});
}

TEST_CASE("a repeated operator's request with a crash") {
    holds("a checkpoint", 1, 1, {ask("c", operation_verb::checkpoint)}, {1});
    holds("a stop", 1, 1, {ask("s", operation_verb::stop)}, {1});
}

TEST_CASE("the orders that the search leaves out find nothing more") {
    holds("every moment, 1 crash, a migration", 1, 0, migration, {1, 1}, true, true);
    holds("every moment, 1 disturbance, a migration", 0, 1, migration, {1, 1}, true, true);
}

TEST_CASE("the orders that the search leaves out, with a crash and a disturbance", "[slow]") {
    holds("every moment, 1 crash, 1 disturbance, a migration, no timer", 1, 1, migration, {1, 1}, false, true);
}

TEST_CASE("two crashes and two disturbances", "[slow]") {
    holds("2 crashes, 2 disturbances, a migration, one trajectory", 2, 2, migration, {1}, false);
}

// 62 million states, five minutes and 6 GB: by name only.
TEST_CASE("two crashes and two disturbances over two segments", "[slow][huge]") {
    holds("2 crashes, 2 disturbances, a migration, two segments", 2, 2, migration, {1, 1}, false);
}

TEST_CASE("wider bounds of the model check", "[slow]") {
    holds("1 crash, 1 disturbance, a stop", 1, 1, {ask("s", operation_verb::stop)});
    holds("1 crash, 1 disturbance, a checkpoint", 1, 1, {ask("c", operation_verb::checkpoint)});
    holds("2 crashes, 1 disturbance, a migration, no timer", 2, 1, migration, {1, 1}, false);
    holds("1 crash, 2 disturbances, a migration, no timer", 1, 2, migration, {1, 1}, false);
}
