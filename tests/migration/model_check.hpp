// SPDX-License-Identifier: AGPL-3.0-only
// Every state that two nodes, one chain and a coordinator can reach within bounds.
#pragma once

#include "tests/migration/state_code.hpp"

namespace forge::migration::testing {

struct model_bounds {
    std::uint64_t trajectories = 2;
    std::uint64_t epochs = 4;      ///< states beyond are reached, not left
    unsigned crashes = 2;          ///< of nodes and of the coordinator together
    unsigned disturbances = 2;     ///< messages lost, doubled or overtaken, requests repeated, copies corrupted
    unsigned suspicions = 1;       ///< leases that end though the node may live
    unsigned operations = 1;       ///< A to B; with 2 also back
    std::size_t states_max = 40'000'000;
};

struct model_result {
    std::size_t states = 0;
    std::size_t transitions = 0;
    std::size_t depth = 0;
    std::size_t stuck = 0;     ///< states from which no fair behaviour leads to a running owner or out of the bounds
    std::size_t lively = 0;    ///< states within the bounds, which were asked
    bool complete = false;     ///< every reachable state was visited
    double seconds = 0.0;
    std::string violation;     ///< empty: every invariant held
    std::vector<std::string> trace;
};

[[nodiscard]] model_result check_model(const model_bounds& bounds, protocol_flaw flaw = {});

} // namespace forge::migration::testing
