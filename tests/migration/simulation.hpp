// SPDX-License-Identifier: AGPL-3.0-only
// The whole control plane under virtual time and a seed.
#pragma once

#include "tests/migration/cluster.hpp"

namespace forge::migration::testing {

struct simulation_result {
    std::string violation; ///< empty: every invariant held, and the plan was completed after the heal
    std::vector<std::string> trace;
    std::size_t events = 0, moves = 0, takeovers = 0, crashes = 0, superseded = 0, validated = 0;
};

/// 3 nodes and 3 chains live through 120 s of virtual trouble, are healed, and have to complete their plan.
/// @param traced  fills `trace`; slower.
[[nodiscard]] simulation_result simulate(std::uint64_t seed, protocol_flaw flaw = {}, bool traced = false);

} // namespace forge::migration::testing
