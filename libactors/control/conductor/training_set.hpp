// SPDX-License-Identifier: AGPL-3.0-only
// From the records of a chain to what the conductor's heads learn: samples, equilibrium values, targets, simple rules.
#pragma once

#include "libactors/hmc/params.hpp"
#include "libactors/hmc/record.hpp"
#include "libactors/learn/feature_vector.hpp"
#include "libactors/learn/heads.hpp"

#include <array>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace forge {

/// One segment of a chain, from a hot or cold start on.
struct chain_history {
    std::string run;       ///< name of the run it is from
    std::string partner;   ///< equal for the hot and the cold chain that belong together; no split may part them
    chain_id chain;
    extents lattice;
    double beta = 0.0;
    bool hot_start = false;
    std::uint32_t warmup = 0; ///< first trajectories, accepted without a test
    std::vector<trajectory_sample> samples;

    [[nodiscard]] std::vector<double> plaquettes() const;
    [[nodiscard]] std::vector<double> polyakovs() const; ///< |L|
};

/// What a model sees of a record; the only way from a record to a sample, in training and at work.
/// @param next  names the noise of the trajectory that will follow in this segment.
[[nodiscard]] trajectory_sample sample_of(const physics_record& r, double beta, bool hot_start, std::uint32_t in_segment, const noise_id& next);

/// @param records  live records of one segment, in order.
/// @return errc::invalid_argument when they are not of one segment or leave gaps.
[[nodiscard]] result<chain_history> history_of(std::span<const physics_record> records, const segment_params& params, const extents& lattice, bool hot_start,
                                               std::string_view campaign_seed);

/// Equilibrium at one beta, from the second halves of the training chains.
struct equilibrium_point {
    double beta = 0.0;
    std::size_t chains = 0;
    double plaquette = 0.0;
    double sigma_plaquette = 0.0;       ///< of one trajectory
    double mean_sigma_plaquette = 0.0;  ///< of a mean over 100 successive ones: sigma_M
    double polyakov = 0.0;              ///< |L|
    double sigma_polyakov = 0.0;
    double mean_sigma_polyakov = 0.0;
    double tau_polyakov = 0.5;          ///< integrated autocorrelation time of |L|; between chains counts, too
    double chi_polyakov = 0.0;          ///< V_s (<|L|^2> - <|L|>^2), means over all chains
    friend bool operator==(const equilibrium_point&, const equilibrium_point&) = default;
};

/// Equilibrium on one lattice, by beta. Never made from chains that it judges.
class equilibrium_table {
public:
    /// @return errc::invalid_argument without chains, for several lattices, or for chains of fewer than 100 trajectories.
    [[nodiscard]] static result<equilibrium_table> make(std::span<const chain_history* const> training);
    /// As it was. @return errc::invalid_argument when betas do not rise or a number is not finite or a spread not above 0.
    [[nodiscard]] static result<equilibrium_table> from_points(const extents& lattice, std::vector<equilibrium_point> points);
    [[nodiscard]] std::span<const equilibrium_point> points() const { return points_; }
    /// Linear between the betas, constant beyond.
    [[nodiscard]] equilibrium_point at(double beta) const;
    /// Where chi_L is largest (parabola through the three points around it), and |L| there; nothing when it grows to the edge,
    /// or on a lattice whose time is not its shortest extent: such a one does not deconfine.
    struct peak {
        double beta, polyakov;
    };
    [[nodiscard]] std::optional<peak> chi_peak() const { return peak_; }
    [[nodiscard]] const extents& lattice() const { return lattice_; }

private:
    void find_peak();
    extents lattice_;
    std::vector<equilibrium_point> points_;
    std::optional<peak> peak_;
};

inline constexpr std::size_t target_horizon = 25; ///< "the next 25" of heads.hpp

/// Targets of one row, by column (heads.hpp); not a number: there is none (no peak of chi_L on this lattice).
using target_row = std::array<double, target_columns>;
/// One example: what came after trajectory t (from 1) of the chain.
struct training_row {
    std::size_t t = 0;
    feature_vector features{};
    target_row targets{};
};

/// The rows of a chain that have a target: t = max(10, warmup) ... n - 25. Every trajectory is shown, rows or not:
/// @param step  called for each trajectory in order, with the row when there is one.
void each_row(const chain_history& h, const equilibrium_table& equilibrium, const std::function<void(const feature_vector&, const training_row*)>& step);

/// The simple rules of heads.hpp, with what they need from the training chains.
class simple_rules {
public:
    /// @param equilibrium  of the training chains
    simple_rules(std::span<const chain_history* const> training, const equilibrium_table& equilibrium);
    /// What they say after each row of the chain, in the order of each_row.
    [[nodiscard]] std::vector<target_row> predictions(const chain_history& h) const;
    /// Means of the targets over the training rows: the constant baseline.
    [[nodiscard]] const target_row& constants() const { return constants_; }

private:
    const equilibrium_table* equilibrium_;
    target_row constants_{};
    std::array<std::vector<std::array<double, 2>>, 2> distance_; ///< [hot][t]: mean of P's and of |L|'s
    std::array<double, 2> length_{};                             ///< [hot]: mean length of thermalisation
    std::array<double, 2> enough_{};                             ///< [hot]: t from which a chain counts as thermalised
};

} // namespace forge
