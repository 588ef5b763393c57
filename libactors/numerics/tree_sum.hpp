// SPDX-License-Identifier: AGPL-3.0-only
// Sums whose rounding depends on the number of terms only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

namespace forge {

/// Terms that one work-item adds in sequence; part of the tree's shape, so a change raises the numerics version.
inline constexpr std::size_t tree_chunk = 32;

/// Pairwise sum: the halves (the first one floor(n/2) long) are summed alone, then added.
[[nodiscard]] inline double pairwise_sum(std::span<const double> terms) {
    if (terms.empty())
        return 0.0;
    if (terms.size() == 1)
        return terms[0];
    const std::size_t half = terms.size() / 2;
    return pairwise_sum(terms.first(half)) + pairwise_sum(terms.subspan(half));
}

/// Sum of one chunk: left to right.
[[nodiscard]] inline double chunk_sum(std::span<const double> terms) {
    double sum = 0.0;
    for (const double t : terms)
        sum += t;
    return sum;
}

} // namespace forge
