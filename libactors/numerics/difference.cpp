// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/numerics/difference.hpp"

#include "libactors/base/contract.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace forge {

difference_summary difference_of(std::span<const double> a, std::span<const double> b) {
    expects(a.size() == b.size(), "series of equal length");
    difference_summary s;
    s.n = a.size();
    double squares = 0.0;
    for (std::size_t k = 0; k < a.size(); ++k) {
        if (std::bit_cast<std::uint64_t>(a[k]) == std::bit_cast<std::uint64_t>(b[k])) {
            ++s.equal;
            continue;
        }
        double d = std::abs(a[k] - b[k]);
        if (std::isnan(d))
            d = std::numeric_limits<double>::infinity();
        squares += d * d;
        if (d > s.max) {
            s.max = d;
            s.worst = k;
        }
        if (d > 0.0) {
            const double decade = std::isinf(d) ? static_cast<double>(difference_summary::n_decades) : std::floor(std::log10(d)) - difference_summary::lowest_decade;
            ++s.decades[static_cast<std::size_t>(std::clamp(decade, 0.0, static_cast<double>(difference_summary::n_decades - 1)))];
        }
    }
    s.rms = s.n > 0 ? std::sqrt(squares / static_cast<double>(s.n)) : 0.0;
    return s;
}

} // namespace forge
