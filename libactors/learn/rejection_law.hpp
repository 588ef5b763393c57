// SPDX-License-Identifier: AGPL-3.0-only
// Will the Metropolis test reject? Foreseen half-way through a trajectory from dH there and from the uniform that is drawn already.
#pragma once

#include <cstdint>
#include <optional>

namespace forge {

/// dH(end) ~ N(a + b dH(middle), s^2), learnt by least squares, one trajectory at a time.
///
/// Rejection is dH > -ln u. With u known: P = Phi((a + b dH(middle) + ln u) / s). Without: P = 1 - <min(1, e^-dH)> of that law.
/// Advice: a trajectory that is given up because of it breaks detailed balance, for the way back is given up with another probability.
/// Source: Gupta et al., Phys. Lett. B 242 (1990) 437, for the normal law of dH. Cost: O(1) and eight numbers.
class rejection_law {
public:
    static constexpr std::uint64_t rows_needed = 20; ///< fewer say nothing
    void learn(double middle, double end);
    [[nodiscard]] std::uint64_t rows() const { return rows_; }
    /// @return unset with fewer than rows_needed, or when neither number varied.
    [[nodiscard]] std::optional<double> correlation() const;
    [[nodiscard]] std::optional<double> sigma_middle() const;
    [[nodiscard]] std::optional<double> sigma_end() const;
    [[nodiscard]] std::optional<double> rejection(double middle, double minus_log_u) const;
    [[nodiscard]] std::optional<double> rejection_without_u(double middle) const;
    /// From u alone, dH(middle) unknown: what the look at the middle has to beat.
    [[nodiscard]] std::optional<double> rejection_without_middle(double minus_log_u) const;

private:
    struct law {
        double expected, sigma;
    };
    [[nodiscard]] bool known() const;
    [[nodiscard]] law at(double middle) const;
    std::uint64_t rows_ = 0;
    double x_ = 0.0, y_ = 0.0;                ///< means of middle and end
    double xx_ = 0.0, xy_ = 0.0, yy_ = 0.0;   ///< sums of products of deviations (Welford)
};

} // namespace forge
