// SPDX-License-Identifier: AGPL-3.0-only
// Every state that a coordinator, two nodes and a chain can reach within bounds.
#pragma once

#include "tests/migration/world.hpp"

namespace forge::model {

struct model_bounds {
    std::vector<std::uint32_t> plan{1, 1};    ///< measured trajectories of the chain's segments
    std::vector<operation_request> operations; ///< asked in this order, at any time
    unsigned crashes = 0;      ///< of nodes and of the coordinator's process or machine, together
    unsigned disturbances = 0; ///< connections lost though both ends live, requests repeated, writes that storage refuses
    bool timed_seals = true;   ///< the timer of checkpoints fires at any time; else seals are those of segment ends, stops and operators
    bool every_moment = false; ///< also the orders that make no difference: what the faster search leaves out is checked against this
    bool breadth_first = false; ///< shortest traces, more memory
    std::size_t states_max = 60'000'000;
};

struct model_result {
    std::size_t states = 0;
    std::size_t transitions = 0;
    std::size_t depth = 0;
    std::size_t stuck = 0;    ///< states from which no fair behaviour ends well
    std::size_t ended = 0;    ///< states in which every chain is well and no operation is open
    bool complete = false;    ///< every reachable state was visited
    double seconds = 0.0; ///< of processor time
    std::string violation;    ///< empty: every invariant held
    std::vector<std::string> trace;
};

[[nodiscard]] model_result check_model(const model_bounds& bounds, flaw planted = flaw::none);

} // namespace forge::model
