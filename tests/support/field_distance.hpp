// SPDX-License-Identifier: AGPL-3.0-only
// How far two fields are apart.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace forge::testing {

/// max |a_k - b_k|; infinite where sizes differ or a number is not finite, so that no bound passes by accident.
inline double distance(std::span<const double> a, std::span<const double> b) {
    if (a.size() != b.size())
        return std::numeric_limits<double>::infinity();
    double worst = 0.0;
    for (std::size_t k = 0; k < a.size(); ++k) {
        const double d = std::abs(a[k] - b[k]);
        if (!std::isfinite(d))
            return std::numeric_limits<double>::infinity();
        worst = std::max(worst, d);
    }
    return worst;
}

inline double largest(std::span<const double> a) {
    double worst = 0.0;
    for (const double v : a)
        worst = std::max(worst, std::abs(v));
    return worst;
}

} // namespace forge::testing
