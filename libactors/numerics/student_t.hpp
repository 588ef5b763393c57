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

/// A mean of few numbers with the error that they, or others of the same noise, say. Bounds are mean -+ t(p, degrees) error.
struct small_sample {
    std::size_t n = 0;
    double mean = 0.0;
    std::optional<double> error; ///< one standard deviation of the mean; unset where nothing says it
    std::size_t degrees = 0;     ///< of freedom in `error`

    /// The truth is above it with probability p. Unset without an error.
    [[nodiscard]] std::optional<double> lower(double p) const;
    [[nodiscard]] std::optional<double> upper(double p) const;
    friend bool operator==(const small_sample&, const small_sample&) = default;
};

/// Of independent numbers: error = s / sqrt(n), s^2 = sum (x - mean)^2 / (n - 1), n - 1 degrees; no error for n < 2.
[[nodiscard]] small_sample small_sample_of(std::span<const double> values);

} // namespace forge
