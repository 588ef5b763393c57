// SPDX-License-Identifier: AGPL-3.0-only
// What a model sees of a trajectory: one typed, versioned vector, built by one function in training and at work.
#pragma once

#include "libactors/lattice/extents.hpp"
#include "libactors/numerics/counter_rng.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

namespace forge {

/// What is known of one trajectory when it ends; every value as the ledger has it.
struct trajectory_sample {
    double beta = 0.0;
    double plaquette_spatial = 0.0;
    double plaquette_temporal = 0.0;
    double polyakov_re = 0.0;
    double polyakov_im = 0.0;
    double delta_h = 0.0;
    bool accepted = false;
    bool hot_start = false;       ///< of the segment's configuration, if it was a start; false when it goes on from another beta
    std::uint32_t in_segment = 0; ///< 1 for the segment's first
    double threshold_next = 0.0;  ///< -ln u of the next trajectory's Metropolis test (metropolis_threshold)
};

inline constexpr std::uint32_t feature_version = 2; ///< stored in every model; a model of another version is refused
inline constexpr std::size_t feature_count = 15;
inline constexpr double feature_bound = 4.0; ///< all are clamped to [-4, 4]
inline constexpr std::array<std::string_view, feature_count> feature_names{
    "beta", "plaquette", "anisotropy", "polyakov", "polyakov_phase", "delta_h", "accepted", "acceptance",
    "plaquette_drift", "plaquette_spread", "polyakov_drift", "polyakov_spread", "hot_start", "volume", "rejection_next"};

/// Trajectory `id` is accepted iff dH <= -ln u; this is that -ln u >= 0, the very number that the test uses.
[[nodiscard]] double metropolis_threshold(const noise_id& id);

/// P(dH > threshold) for normal dH of mean square `mean_squared`, mean mean_squared / 2.
[[nodiscard]] double rejection_chance(double threshold, double mean_squared);

using feature_vector = std::array<float, feature_count>;

/// Turns samples of one segment, in order, into vectors. Reset at every segment.
///
/// - beta: (beta - 5.7) / 0.3 (5.7 and 0.3 are units like those below, no critical coupling: inputs far below one drown in the others)
/// - plaquette (P - 0.55) / 0.025, anisotropy (P_t - P_s) sqrt(N_p), with N_p = 6 V the number of plaquettes
/// - polyakov (|L| - 0.1) / 0.1, polyakov_phase cos(3 arg L) (the centre's sectors are one)
/// - delta_h: tanh(dH / 2); accepted 0/1; acceptance: mean of the last 20
/// - drift: mean of the last 5 minus mean of the 5 before, times sqrt(N_p) (P) or sqrt(V_s) (L); spread: standard deviation of
///   the last 10, scaled alike: in equilibrium both are of order one on any volume
/// - hot_start 0/1; volume: log10(V) - 3
/// - rejection_next: 4 P - 1 with P = P(dH > -ln u) for the known u of the next test and normal dH with the rms of the last 20 and
///   the mean rms^2 / 2 (Creutz: <exp(-dH)> = 1). Random numbers are named, not drawn, so u is known before the trajectory begins;
///   -ln u itself serves a linear readout worse: what decides happens in its lowest tenth
/// All clamped to [-feature_bound, feature_bound]; what needs more history than there is, is 0.
class feature_builder {
public:
    explicit feature_builder(const extents& lattice);
    /// @return nothing when a value of the sample is not finite: then no model is asked.
    [[nodiscard]] std::optional<feature_vector> next(const trajectory_sample& s);
    void reset();

private:
    double plaquettes_;
    double spatial_volume_;
    double volume_;
    std::deque<double> p_, l_, accepted_, squared_; ///< newest last, bounded; squared_: dH^2
};

} // namespace forge
