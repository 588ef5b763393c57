// SPDX-License-Identifier: AGPL-3.0-only
// Where chains should measure next to learn where the transition is: the pure core of the Bayesian steerer.
#pragma once

#include "libactors/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace forge {

/// What a finished point says. Unset: not measured or not known.
struct steering_point {
    double beta = 0.0;
    std::optional<double> chi_polyakov; ///< V_s (<|L|^2> - <|L|>^2)
    std::optional<double> chi_error;
    std::optional<double> plaquette;
    std::optional<double> plaquette_error;
    friend bool operator==(const steering_point&, const steering_point&) = default;
};

struct steering_request {
    std::vector<steering_point> measured;
    std::vector<double> running; ///< betas that chains measure now: what they will say is counted before it is there
    double beta_min = 0.0;
    double beta_max = 0.0;
    std::uint32_t chains = 1;     ///< betas to choose now
    std::uint32_t candidates = 40;
    std::uint64_t seed = 1;
};

struct steering_choice {
    double beta = 0.0;
    std::optional<double> gain_bits; ///< expected information about the peak that this point adds to those before it
    std::string reason;              ///< one sentence, numbers inside
};

/// What the measured points say of the peak of chi_L.
struct peak_belief {
    double beta = 0.0;  ///< mean
    double error = 0.0; ///< standard deviation
    double bits = 0.0;  ///< entropy of its position among the candidates
};

struct steering_plan {
    std::vector<steering_choice> choices; ///< fewer than asked where candidates end
    std::optional<peak_belief> peak;      ///< unset with fewer than three usable chi_L
    bool saturated = false;               ///< the first choice is worth less than 0.05 bits
};

inline constexpr std::size_t steering_from_points = 3; ///< with fewer values of chi_L the plaquette or the largest gap decides
inline constexpr std::size_t steering_draws = 512;     ///< curves that stand for what may be true
inline constexpr std::size_t steering_outcomes = 64;   ///< of them, taken as truth in turn
inline constexpr double steering_unknown_error = 0.5;  ///< of log chi_L, for a value without error
inline constexpr double steering_saturated_bits = 0.05;

/// Greedy choice of several betas at once by expected information about the peak's position J.
///
/// log chi_L is a Gaussian process (Matern 5/2, errors d chi / chi) whose shape is averaged over the marginal likelihood on a fixed grid;
/// S curves f_s on the candidates' grid are drawn from it, J_s = argmax f_s. One of them after the other, q, is taken for the truth: a
/// point at x would then say y = f_q(x) + e z, and every other curve gets the weight exp(-(y - f_s(x))^2 / 2 e^2), e the median error
/// of the measured points, at least 0.15 of the curves' spread at x (S curves cannot tell more). With H the entropy of J:
/// gain(x) = H(J | points before) - mean over q of H(J | those and y). Running chains are points before. Candidates are evenly spaced
/// inside [beta_min, beta_max]; within 0.3 spacings of a measured, running or chosen one none is taken.
/// With fewer than three values of chi_L: the largest uncertainty of P(beta) (Gaussian process too, three values), else the middle of
/// the largest gap. @return errc::invalid_argument: an empty range, no candidate, a value that is not finite.
/// Cost: candidates * 64 * 512 exponentials for each chain (tens of milliseconds).
[[nodiscard]] result<steering_plan> steer(const steering_request& request);

/// The belief alone. @return unset with fewer than three usable values; errors as steer().
[[nodiscard]] result<std::optional<peak_belief>> believe_peak(const steering_request& request);

} // namespace forge
