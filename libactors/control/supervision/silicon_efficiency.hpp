// SPDX-License-Identifier: AGPL-3.0-only
// What an ordering gives for its seconds and joules, each figure with n, error and energy source.
#pragma once

#include "libactors/base/energy.hpp"
#include "libactors/numerics/statistics.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace forge {

/// A measured number; everything unset: n/a.
struct figure {
    std::optional<double> value;
    std::optional<double> error; ///< one standard deviation; unset from a single block
    std::uint64_t n = 0;         ///< blocks that it comes from
    friend bool operator==(const figure&, const figure&) = default;
};

/// One stage during one block.
struct stage_use {
    std::string stage;
    std::string substrate;
    double busy = 0.0; ///< fraction of the block
    std::optional<double> joules;
    energy_source source = energy_source::none;
};

/// One block of an ordering. Joules: all of the node, idle, rejected and validating included; what the stages say is used where the
/// node says nothing and every stage says something.
struct efficiency_block {
    double duration_s = 0.0;
    std::uint64_t trajectories = 0; ///< committed
    std::optional<double> joules;
    energy_source source = energy_source::none;
    std::vector<stage_use> stages;
};

enum class quality_state : std::uint8_t {
    unknown, ///< n/a: nothing measured, or a series too short to say
    frozen,  ///< an observable did not move: no number, however many trajectories
    known,
};

/// How far a figure that rests on tau_int may be used (integrated autocorrelation times in the series, simulation of AR(1)).
enum class quality_trust : std::uint8_t {
    none,       ///< N < 50 tau: print "-"
    grey,       ///< below 500 tau: print with the least relative error that it has
    quotable,   ///< 500 tau
    comparable, ///< 1,000 tau: "X is better per joule" may be said
};

/// Independent configurations in correlated series, pooled over chains of equal action, beta, volume and algorithm.
struct pooled_quality {
    quality_state state = quality_state::unknown;
    std::string observable;             ///< the one with the fewest
    std::optional<double> effective;    ///< sum over chains of n / (2 tau_int)
    std::optional<double> error;
    std::uint64_t n = 0;                ///< measurements
    std::optional<double> tau;          ///< n / (2 effective)
    quality_trust trust = quality_trust::none;
    friend bool operator==(const pooled_quality&, const pooled_quality&) = default;
};

/// One declared observable, one estimate for each chain.
struct observable_series {
    std::string observable;
    std::vector<gamma_estimate> chains;
};

inline constexpr std::size_t frozen_from = 50; ///< measurements without any change, and a chain counts as frozen

/// The minimum over observables of the pooled effective size: effective = sum n_i / (2 tau_i), error^2 = sum (n_i / (2 tau_i) *
/// d tau_i / tau_i)^2. One frozen chain in one observable: frozen. A chain shorter than 50 tau counts for nothing and its n not either;
/// an observable without any other is unknown, and so is the whole.
[[nodiscard]] pooled_quality pool_quality(std::span<const observable_series> observables);

struct silicon_efficiency {
    std::uint64_t blocks = 0;
    double seconds = 0.0;
    std::uint64_t trajectories = 0;
    figure throughput_per_s;      ///< trajectories per second
    figure energy_per_result_j;
    figure total_power_w;
    energy_source source = energy_source::none; ///< of every joule here; none where blocks disagree
    std::map<std::string, figure> utilisation;  ///< by substrate: busy seconds / seconds; above 1 where stages share it
    pooled_quality quality;       ///< of the Markov chain, the same for every legal ordering
    figure quality_per_s;         ///< independent configurations per second: throughput / (2 tau)
    figure quality_per_j;         ///< and per joule
};

/// Ratios of sums over blocks, R = sum a / sum b, with the error of a ratio of means over n blocks,
/// s^2 = n / (n - 1) * sum (a_i - R b_i)^2 / (sum b)^2. quality_per_* = R / (2 tau), relative errors of R and tau in quadrature.
/// Joules count only where every block has them and all of one source; else energy figures are n/a. Blocks without duration are passed by.
[[nodiscard]] silicon_efficiency efficiency_of(std::span<const efficiency_block> blocks, const pooled_quality& quality);

/// "12.3 +- 0.4 (n = 8)", "12.3 (n = 1)", "n/a".
[[nodiscard]] std::string to_text(const figure& f);
/// "n/a", "frozen", "-" (short), "120 (>= 34 %)" (grey), "1200 +- 100".
[[nodiscard]] std::string to_text(const pooled_quality& q);
/// A figure that rests on tau, shown as far as `q` allows: "frozen", "-", or the figure.
[[nodiscard]] std::string to_text(const figure& f, const pooled_quality& q);

} // namespace forge
