// SPDX-License-Identifier: AGPL-3.0-only
// The whole control plane under virtual time and a seed.
#pragma once

#include "tests/migration/world.hpp"

namespace forge::model {

struct simulation_result {
    std::string violation; ///< empty: every invariant held, and the campaign was completed after the heal
    std::vector<std::string> trace;
    std::size_t steps = 0, requests = 0, repeated = 0, cuts = 0, disk_full = 0;
    counters seen;
    double virtual_s = 0.0;
};

/// Three nodes and three chains live through crashes, lost connections, a full disk and operators, are healed, and have to
/// complete their plan.
/// @param traced  fills `trace`; slower.
[[nodiscard]] simulation_result simulate(std::uint64_t seed, flaw planted = flaw::none, bool traced = false);

} // namespace forge::model
