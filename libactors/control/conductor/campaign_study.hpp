// SPDX-License-Identifier: AGPL-3.0-only
// Whole campaigns in pairs, analysed: where each strategy put the chi_L peak, what that cost, and what one saves against another.
#pragma once

#include "libactors/control/conductor/beta_search.hpp"
#include "libactors/control/conductor/peak_errors.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace forge {

/// A segment of a finished campaign.
struct scanned_segment {
    double beta = 0.0;
    std::uint64_t thermalised = 0; ///< trajectories before the first measured one
    std::vector<double> polyakov;  ///< |L| of the measured ones, in order
};

/// What one strategy did with one budget of one pair, from every campaign that it took.
struct scanned_campaign {
    std::string strategy;
    bool grid = false;      ///< a fixed grid of one campaign: a shorter one is the same with less measured at every point
    std::uint32_t part = 1; ///< ran with 1 / part of the largest budget
    std::vector<scanned_segment> segments;
};

/// One seed and one window; all strategies scanned it.
struct campaign_pair {
    std::string name;
    double beta_min = 0.0, beta_max = 0.0;
    std::vector<scanned_campaign> campaigns;
};

struct campaign_study_settings {
    double spatial_volume = 1.0;
    std::vector<std::uint32_t> parts{4, 2, 1}; ///< budgets, as parts of the largest; what the grids are cut to
    std::optional<double> target;              ///< error that is asked for; unset: the smallest that the conductor and some grid both keep at their largest budgets
    std::uint64_t seed = 1;                    ///< of the bootstrap
};

struct campaign_strategy {
    strategy_errors errors;
    bool grid = false;
    std::vector<double> spent, rmse, bias; ///< by budget: means over the pairs, bias signed (of the pairs with a peak)
    std::vector<std::uint32_t> found;      ///< by budget: pairs with a peak; others count with half of the window as error
    std::optional<double> needed;          ///< trajectories for `target`
};

/// What `ours` saves against the best grid and against the two-stage scan.
struct campaign_saving {
    std::string ours;
    saving against_grid;
    saving against_two_stage;
    saving against_grid_by_law; ///< square_root_saving_of, from all budgets
};

struct campaign_study {
    std::size_t pairs = 0;
    double peak = 0.0;       ///< the joint fit of all points of all pairs at their largest budgets
    double peak_error = 0.0; ///< jackknife over the pairs
    std::uint64_t trajectories = 0; ///< measured ones behind the joint fit
    double target = 0.0;
    std::vector<campaign_strategy> strategies; ///< grids first
    std::string best_grid;                     ///< needs least
    std::vector<campaign_saving> saved;
};

/// chi_L points of a campaign, pooled by beta, from the first 1/cut of what every segment measured.
struct scan_points {
    std::vector<measured_point> points;
    std::vector<double> n; ///< measured trajectories of each
    double spent = 0.0;    ///< trajectories, thermalisation of every segment included
};
/// chi_L = V_s (<|L|^2> - <|L|>^2) over all chains at one beta together. Points with fewer than two measured trajectories are left out, not their cost.
[[nodiscard]] scan_points points_of(const scanned_campaign& c, double spatial_volume, std::uint32_t cut = 1);

/// Errors of fitted_peak (steering_study.hpp), the same for every strategy, against the joint fit.
///
/// Strategies are found by their names: "two-stage" is the baseline beside the grids, every other one that is no grid is judged against
/// both. A grid is cut to each part after the fact (what it costs less is measurement, its thermalisation stays); every other strategy
/// must have run with each part, for where its points are depends on what it had seen.
/// Limits: the joint fit contains each pair's own data; with n pairs that hides 1/n of an error. Its shape is the fit's own, so a
/// bias that all windows share is not seen.
/// @return errc::invalid_argument with fewer than two pairs, pairs of different strategies, no grid, or no peak in all data together.
[[nodiscard]] result<campaign_study> study_campaigns(const std::vector<campaign_pair>& pairs, const campaign_study_settings& s);

} // namespace forge
