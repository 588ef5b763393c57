// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/conductor/mid_trajectory_watch.hpp"

#include <cmath>

namespace forge {

std::optional<double> mid_trajectory_standing::balanced_accuracy() const {
    const std::uint64_t accepted = judged - rejected;
    if (rejected == 0 || accepted == 0)
        return std::nullopt;
    const double hits = static_cast<double>(right) / static_cast<double>(rejected);
    const double passes = static_cast<double>(accepted - (advised - right)) / static_cast<double>(accepted);
    return 0.5 * (hits + passes);
}

void mid_trajectory_watch::on_trajectory(rejection_law& law, const trajectory_probe& seen, const trajectory_observables& end) {
    if (!seen.delta_h_middle || !std::isfinite(*seen.delta_h_middle) || !std::isfinite(end.delta_h))
        return;
    if (const auto p = law.rejection(*seen.delta_h_middle, seen.minus_log_u)) {
        const bool says = *p > 0.5;
        ++sums_.judged;
        sums_.rejected += end.accepted ? 0 : 1;
        sums_.advised += says ? 1 : 0;
        sums_.right += says && !end.accepted ? 1 : 0;
        gate_.observe(*p, end.accepted ? 0.0 : 1.0);
    }
    law.learn(*seen.delta_h_middle, end.delta_h);
}

mid_trajectory_standing mid_trajectory_watch::standing() const {
    auto s = sums_;
    s.score = gate_.score();
    s.trusted = gate_.trusted();
    return s;
}

} // namespace forge
