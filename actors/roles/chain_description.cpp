// SPDX-License-Identifier: AGPL-3.0-only
// What people see of a chain's segment.
#include "actors/roles/roles.hpp"

#include "libactors/numerics/statistics.hpp"

#include <algorithm>

namespace forge {

void describe_segment(const chain_core& core, const std::vector<std::uint8_t>& accepted, double seconds_per_trajectory, chain_status& s) {
    if (core.segment()) {
        const auto& p = core.segment()->params;
        s.ordinal = core.segment()->ordinal;
        s.beta = p.beta;
        if (s.segments_total > 0) // points that the conductor added come behind the plan's
            s.segments_total = std::max(s.segments_total, core.segment()->ordinal + 1);
        s.n_thermalise = core.thermalisation();
        s.n_measure = p.n_measure;
        const auto g = gamma_method(core.measured());
        if (g.n > 0)
            s.plaquette = g.mean;
        if (g.n > 1)
            s.plaquette_error = g.error;
        if (!accepted.empty()) {
            double sum = 0.0;
            for (const auto a : accepted)
                sum += a;
            s.acceptance = sum / static_cast<double>(accepted.size());
        }
        if (seconds_per_trajectory > 0.0) {
            s.trajectories_per_s = 1.0 / seconds_per_trajectory;
            const double per_segment = core.thermalisation() + static_cast<double>(p.n_measure);
            const double later = s.segments_total > core.segment()->ordinal + 1
                                     ? per_segment * (s.segments_total - core.segment()->ordinal - 1) : 0.0;
            if (s.segments_total > 0)
                s.eta_s = seconds_per_trajectory * (std::max(per_segment - core.done_in_segment(), 0.0) + later);
        }
    }
}

} // namespace forge
