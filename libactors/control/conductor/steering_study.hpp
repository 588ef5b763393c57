// SPDX-License-Identifier: AGPL-3.0-only
// Does it pay to steer a scan? Scans of measured chains, resampled: the conductor's choice against fixed grids.
#pragma once

#include "libactors/base/result.hpp"
#include "libactors/control/conductor/beta_search.hpp"
#include "libactors/control/conductor/peak_errors.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace forge {

/// |L| of equilibrated chains at one beta.
struct measured_series {
    double beta = 0.0;
    std::vector<std::vector<double>> chains; ///< each in order of its trajectories
};

struct steering_study_settings {
    double beta_min = 0.0;  ///< window of the scan; the measured betas must cover it by `offset` on both sides, or are held at the ends
    double beta_max = 0.0;
    double offset = 0.04;   ///< the transition is moved by a random number in [-offset, offset]: no grid may happen to sit on it
    double spatial_volume = 1.0;
    std::uint32_t overhead = 60; ///< trajectories of thermalisation that every new point costs
    std::uint32_t batch = 400;   ///< of the conductor's points, overhead included
    double target = 0.02;        ///< root mean square error of the peak's place that is asked for
    std::uint32_t seeds = 40;
    std::uint64_t seed = 1;
    std::vector<std::uint32_t> budgets; ///< trajectories in all, ascending
};

struct strategy_result {
    std::string name;
    std::vector<double> rmse;              ///< by budget, over the seeds
    std::vector<std::uint32_t> found;      ///< by budget: seeds in which a peak was found at all; others count with half the window as error
    std::optional<double> needed;          ///< trajectories for `target`, by interpolation of log rmse in log N; unset: more than the largest budget
};

struct steering_study {
    std::vector<strategy_result> strategies; ///< fixed grids first, then two-stage, conductor last
    std::string best_grid;                   ///< the fixed grid that needs least
    saving saved;                            ///< by the conductor against the best grid
    saving saved_two_stage;                  ///< against the two-stage scan
};

/// chi_L's peak from points, the same for every strategy: weighted least squares of c + a exp(-(beta - b)^2 / 2 w^2) over a grid of
/// (b, w), a >= 0, weights n / chi^2 (the relative error of a variance is the same everywhere).
/// @param n  trajectories of each point. @return unset with fewer than four points, or when the best b is at the window's edge.
[[nodiscard]] std::optional<double> fitted_peak(const std::vector<measured_point>& points, const std::vector<double>& n, double beta_min, double beta_max);

/// A scan in this study sees contiguous stretches of measured chains at the nearest measured beta, rescaled to the measured
/// chi_L(beta - offset) (linear in log chi between betas). What a strategy pays is trajectories, overhead included.
/// Limits: chains are drawn again and again from a finite stock, so that errors at large budgets are optimistic for every strategy alike;
/// all measure chi_L from |L| without reweighting.
/// @return errc::invalid_argument with fewer than five betas, empty series or no budgets. Cost: seconds.
[[nodiscard]] result<steering_study> study_steering(const std::vector<measured_series>& stock, const steering_study_settings& s);

} // namespace forge
