// SPDX-License-Identifier: AGPL-3.0-only
// Two answers to the same questions: is one better?
#pragma once

#include <cstdint>
#include <span>

namespace forge {

/// A share k/n with Wilson's 95 % interval, which holds for k = 0 and k = n, too.
struct rate {
    std::uint64_t k = 0;
    std::uint64_t n = 0;
    [[nodiscard]] double value() const { return n > 0 ? static_cast<double>(k) / static_cast<double>(n) : 0.0; }
    [[nodiscard]] double low() const;
    [[nodiscard]] double high() const;
};

/// Paired correctness of a and b on the same samples.
struct paired_difference {
    std::uint64_t n = 0;
    std::uint64_t groups = 0;
    std::uint64_t only_a = 0; ///< samples that a alone gets right
    std::uint64_t only_b = 0;
    double difference = 0.0; ///< accuracy of a minus that of b
    /// Half widths of the 95 % interval of the difference: as if samples were independent, and with whole groups (chains) as the
    /// independent units (sandwich estimate; 0 below two groups). The second is the honest one where a group has many samples.
    double half_width = 0.0;
    double half_width_by_group = 0.0;
    double p_value = 1.0; ///< McNemar's exact test, two-sided: min(1, 2 P(X <= min(only_a, only_b))), X ~ Bin(only_a + only_b, 1/2)
};

/// Var of the difference: (b + c - (b - c)^2 / n) / n^2 with b = only_a, c = only_b; by group: G/(G-1) sum_g (D_g - d n_g)^2 / n^2.
/// Source: McNemar, Psychometrika 12 (1947) 153; Liang and Zeger, Biometrika 73 (1986) 13.
/// @param group  of every sample. Precondition: three spans of one length.
[[nodiscard]] paired_difference compare_paired(std::span<const std::uint8_t> a_right, std::span<const std::uint8_t> b_right,
                                               std::span<const std::uint64_t> group);

} // namespace forge
