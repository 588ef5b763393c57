// SPDX-License-Identifier: AGPL-3.0-only
// How far two series of numbers are apart.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace forge {

/// |a_k - b_k| over all k: largest, root mean square, and how often each power of ten occurs.
struct difference_summary {
    std::uint64_t n = 0;
    std::uint64_t equal = 0; ///< same bits
    double max = 0.0;        ///< infinity when a difference is not a number
    double rms = 0.0;
    std::uint64_t worst = 0; ///< index of the largest
    static constexpr int lowest_decade = -20;
    static constexpr std::size_t n_decades = 22;
    /// decades[d] counts differences in [10^(lowest_decade + d), 10^(lowest_decade + d + 1)), ends included in the outer ones;
    /// exact zeros are not in it.
    std::array<std::uint64_t, n_decades> decades{};
};

/// Precondition: equal lengths.
[[nodiscard]] difference_summary difference_of(std::span<const double> a, std::span<const double> b);

} // namespace forge
