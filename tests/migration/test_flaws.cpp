// SPDX-License-Identifier: AGPL-3.0-only
// Known faults are planted one by one; the model check or the simulation has to find each.
#include "tests/migration/model_check.hpp"
#include "tests/migration/simulation.hpp"

#include <catch2/catch.hpp>
#include <cstdio>

using namespace forge;
using namespace forge::migration;
using namespace forge::migration::testing;

TEST_CASE("each of five planted faults is found") {
    for (const auto& [kind, name] : planted_flaws) {
        const auto flaw = flaw_planter::plant(kind);
        model_bounds b;
        b.trajectories = 1;
        b.epochs = 4;
        // The smallest bounds in which the fault can show: two owners need a lease that ends too early, a process that
        // meets its predecessor's commit needs its greeting to overtake that commit twice.
        b.crashes = kind == protocol_flaw::kind::epoch_not_checked ? 0 : 1;
        b.disturbances = kind == protocol_flaw::kind::restart_keeps_epoch ? 2 : kind == protocol_flaw::kind::epoch_not_checked ? 0 : 1;
        b.suspicions = kind == protocol_flaw::kind::epoch_not_checked ? 1 : 0;
        b.operations = kind == protocol_flaw::kind::restart_keeps_epoch || kind == protocol_flaw::kind::epoch_not_checked ? 0 : 1;
        b.states_max = 1'500'000;
        const auto m = check_model(b, flaw);
        std::uint64_t seed = 1;
        std::string by_seed;
        for (; seed <= 300 && by_seed.empty(); ++seed)
            by_seed = simulate(seed, flaw).violation;
        std::printf("planted: %s\n  model check: %s after %zu states, %zu steps\n  simulation: %s after %llu seeds\n", std::string(name).c_str(),
                    m.violation.empty() ? "not found" : m.violation.c_str(), m.states, m.trace.size(),
                    by_seed.empty() ? "not found" : by_seed.substr(0, by_seed.find('\n')).c_str(), static_cast<unsigned long long>(seed - 1));
        for (const auto& line : m.trace)
            std::printf("      %s\n", line.c_str());
        INFO(name);
        CHECK(!m.violation.empty());
        CHECK(!by_seed.empty());
    }
}
