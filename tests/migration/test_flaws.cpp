// SPDX-License-Identifier: AGPL-3.0-only
// Known faults are planted one by one; the model check and the simulation have to find each.
#include "tests/migration/model_check.hpp"
#include "tests/migration/simulation.hpp"

#include <catch2/catch.hpp>
#include <cstdio>

using namespace forge;
using namespace forge::model;

namespace {

/// The smallest bounds in which the fault can show.
model_bounds bounds_for(flaw planted) {
    model_bounds b;
    b.plan = {1};
    b.breadth_first = true;
    b.timed_seals = false;
    b.states_max = 3'000'000;
    switch (planted) {
    case flaw::epoch_not_checked:
    case flaw::restart_keeps_epoch: // an old owner's commits that storage refused, while the next owner prepares
        b.plan = {2};
        b.crashes = b.disturbances = 1;
        break;
    case flaw::commit_before_verify: b.crashes = 1; break;
    case flaw::resend_without_id:
        b.disturbances = 1;
        b.operations = {{"m", operation_verb::migrate, "c0", "", false}};
        break;
    case flaw::late_result_taken: b.disturbances = 1; break;
    default: break;
    }
    return b;
}

} // namespace

TEST_CASE("each planted fault is found, by the model check and by the simulation") {
    for (const auto& [planted, name] : planted_flaws) {
        const auto bounds = bounds_for(planted);
        const auto healthy = check_model(bounds);
        const auto m = check_model(bounds, planted);
        std::uint64_t seed = 1;
        std::string by_seed;
        for (; seed <= 300 && by_seed.empty(); ++seed)
            by_seed = simulate(seed, planted).violation;
        std::printf("planted: %s\n  model check: %s after %zu states, %zu steps\n  simulation: %s after %llu seeds\n", std::string(name).c_str(),
                    m.violation.empty() ? "not found" : m.violation.c_str(), m.states, m.trace.size(), by_seed.empty() ? "not found" : by_seed.c_str(),
                    static_cast<unsigned long long>(seed - 1));
        for (const auto& line : m.trace)
            std::printf("      %s\n", line.c_str());
        INFO(name);
        CHECK(healthy.complete);
        CHECK(healthy.violation.empty());
        CHECK(!m.violation.empty());
        CHECK(!by_seed.empty());
    }
}
