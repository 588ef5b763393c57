// SPDX-License-Identifier: AGPL-3.0-only
// Bounds from few numbers: Student's t.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace forge {

/// t with P(T < t) = p for T = (mean - truth) / (s / sqrt(n)), n normal numbers, n - 1 degrees of freedom.
/// @param p  in (0, 1). @param degrees  at least 1.
[[nodiscard]] double student_t_quantile(double p, std::size_t degrees);

/// A mean of few independent numbers. Bounds are mean -+ t(p, n - 1) error; they need two numbers.
struct small_sample {
    std::size_t n = 0;
    double mean = 0.0;
    std::optional<double> error; ///< s / sqrt(n), s^2 = sum (x - mean)^2 / (n - 1); unset for n < 2

    /// The truth is above it with probability p. Unset for n < 2.
    [[nodiscard]] std::optional<double> lower(double p) const;
    [[nodiscard]] std::optional<double> upper(double p) const;
    friend bool operator==(const small_sample&, const small_sample&) = default;
};

[[nodiscard]] small_sample small_sample_of(std::span<const double> values);

} // namespace forge
