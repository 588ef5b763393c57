// SPDX-License-Identifier: AGPL-3.0-only
// When is a chain in equilibrium? Stopping rules as pure values, and the monitor of a hot and a cold chain.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace forge {

/// How far from equilibrium a model takes a chain to be: the expected mean of the trajectories to come, minus the
/// equilibrium value, times +1 for a cold and -1 for a hot start, in units of the standard deviation in equilibrium.
struct equilibrium_distance {
    double plaquette = 0.0;
    double polyakov = 0.0; ///< of |L|
    friend bool operator==(const equilibrium_distance&, const equilibrium_distance&) = default;
};

/// What a stopping rule sees of one trajectory.
struct thermalisation_point {
    double plaquette = 0.0;
    double polyakov = 0.0; ///< |L|
    std::optional<equilibrium_distance> predicted; ///< none: no model was asked, or it is not trusted
    friend bool operator==(const thermalisation_point&, const thermalisation_point&) = default;
};

/// Stored on disk by number: append only.
enum class thermalisation_rule : std::uint8_t {
    bracket = 0, ///< the hot and the cold chain have met
    network = 1, ///< the model calls both chains near to equilibrium, and they agree
};
[[nodiscard]] std::string_view name_of(thermalisation_rule r);

struct thermalisation_settings {
    thermalisation_rule rule = thermalisation_rule::bracket;
    std::uint32_t window = 10;     ///< trajectories whose means are compared, 2 ...
    double z = 2.0;                ///< bracket: standard errors (of independent values) that the cold mean may be above the hot one
    double agree_z = 8.0;          ///< network: the same, wider, for the model judges the rest; guards against metastable chains
    double near_plaquette = 0.2;   ///< network: distances below these count as equilibrium
    double near_polyakov = 0.2;
    std::uint32_t at_least = 15;   ///< never stops before: trajectories accepted without a test sample nothing
    std::uint32_t at_most = 200;   ///< gives up after
    friend bool operator==(const thermalisation_settings&, const thermalisation_settings&) = default;
};

enum class stop_reason { bracket, network, limit };
[[nodiscard]] std::string_view name_of(stop_reason r);

struct thermalisation_stop {
    std::uint32_t after = 0; ///< trajectories of each chain that belong to thermalisation
    stop_reason by = stop_reason::limit;
    friend bool operator==(const thermalisation_stop&, const thermalisation_stop&) = default;
};

/// Do a hot and a cold chain agree? Newest `window` values each: mean(cold) - mean(hot) <= z sqrt((s_h^2 + s_c^2) / window).
///
/// One-sided: a hot start comes from below and a cold one from above, in P and in |L|. Autocorrelation is not in the error,
/// so z is a setting to calibrate, not a significance. Never true while a series has not moved at all (a chain that rejects everything).
/// @param hot, cold  at least `window` values; else false.
[[nodiscard]] bool bracket_closed(std::span<const double> hot, std::span<const double> cold, std::size_t window, double z);

/// Where a finished series is best cut: MSER-5 (White, Simulation 69 (1997) 323). Batches of 5; the cut d (a multiple of 5,
/// at most half of the series) that makes sum (y - mean)^2 / (n - d)^2 of the batches after it least.
/// @return 0 with fewer than 4 batches.
[[nodiscard]] std::size_t mser5(std::span<const double> series);

/// No drift in the newest `window` values: |mean of the second half - mean of the first| <= z s sqrt(8 tau / window), s their standard
/// deviation, tau the integrated autocorrelation time that is assumed. False with fewer values.
[[nodiscard]] bool drift_absent(std::span<const double> series, std::size_t window, double z, double tau);

/// |mean of the newest 5 - equilibrium| <= z sigma. False with fewer values.
[[nodiscard]] bool near_known(std::span<const double> series, double equilibrium, double sigma, double z);

/// Watches a hot and a cold chain at one beta (and one lattice) and says when both are thermalised.
///
/// The verdict is the first number t of trajectories at which the rule holds on the first t points of both chains, for P and
/// for |L|: a function of the two histories, not of the order in which they arrived. A chain that stays metastable alone is
/// seen because its partner is elsewhere. A rule that asks a model falls back to the bracket where a point has no prediction.
class thermalisation_monitor {
public:
    explicit thermalisation_monitor(const thermalisation_settings& settings);
    /// The next trajectory of the hot or the cold chain, each in order. Points that are not finite end all agreement for a window.
    void add(bool hot, const thermalisation_point& point);
    /// Set once, then final. stop_reason::limit: not thermalised after `at_most`, to be reported as such.
    [[nodiscard]] std::optional<thermalisation_stop> verdict() const { return verdict_; }
    [[nodiscard]] std::size_t seen(bool hot) const { return (hot ? hot_ : cold_).plaquette.size(); }
    [[nodiscard]] const thermalisation_settings& settings() const { return settings_; }

private:
    struct history {
        std::vector<double> plaquette, polyakov;
        std::vector<std::optional<equilibrium_distance>> predicted;
    };
    [[nodiscard]] std::optional<thermalisation_stop> judge(std::size_t t) const;
    thermalisation_settings settings_;
    history hot_, cold_;
    std::size_t judged_ = 0;
    std::optional<thermalisation_stop> verdict_;
};

} // namespace forge
