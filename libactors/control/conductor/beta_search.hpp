// SPDX-License-Identifier: AGPL-3.0-only
// Where to measure next: the conductor's surrogate of chi_L(beta) and its score.
#pragma once

#include "libactors/base/result.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace forge {

/// What a finished point of the scan says of the transition.
struct measured_point {
    double beta = 0.0;
    double chi_polyakov = 0.0; ///< V_s (<|L|^2> - <|L|>^2)
    std::optional<double> chi_error;
    friend bool operator==(const measured_point&, const measured_point&) = default;
};

struct beta_search_request {
    std::vector<measured_point> measured;
    std::vector<double> planned; ///< given out or waiting: as good as measured where a new point would go
    double beta_min = 0.0;
    double beta_max = 0.0;
    std::uint32_t candidates = 40;
    std::uint64_t seed = 1; ///< of the surrogate's reservoirs
};

/// A proposal with what it rests on; everything unset where the surrogate has no say.
struct beta_proposal {
    std::optional<double> beta;       ///< unset: nothing is worth a point
    std::optional<double> priority;   ///< expected chi_L over the largest measured one
    std::optional<double> uncertainty; ///< one standard deviation of it
    std::string reason;               ///< one sentence
};

inline constexpr std::size_t search_from_points = 3;   ///< fewer measured points: the middle of the largest gap
inline constexpr double search_exclusion = 0.3;        ///< of the candidates' spacing, around every measured or planned point
inline constexpr double search_uncertainty_weight = 0.5;
inline constexpr double search_saturated_score = 0.15; ///< with at least five points

/// The candidate with the largest priority + 0.5 uncertainty.
///
/// `candidates` values, evenly spaced inside [beta_min, beta_max]: spacing (beta_max - beta_min) / (candidates + 1). The surrogate is an
/// ensemble of five echo-state reservoirs driven by beta, a ridge readout on chi_L / max chi_L, its penalty chosen by leaving points
/// out: mean = priority, ensemble spread and ridge variance = uncertainty. No critical coupling is built in; what is known of the peak
/// was measured. With fewer than three points, or a surrogate that cannot be solved: the middle of the largest gap.
/// Nothing is proposed when every candidate is excluded, or with five points and more when the gaps are below 5 % of the range
/// or no score reaches 0.15.
/// @return errc::invalid_argument for an empty range or values that are not finite. Cost: about a millisecond.
[[nodiscard]] result<beta_proposal> search_beta(const beta_search_request& request);

/// chi_L's peak by a parabola through the three points around the largest value, weighted by nothing.
/// @return unset with fewer than three points or when the largest is at an end.
[[nodiscard]] std::optional<double> peak_of(std::span<const measured_point> points);

} // namespace forge
