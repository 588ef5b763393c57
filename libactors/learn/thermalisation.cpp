// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/thermalisation.hpp"

#include "libactors/base/contract.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace forge {

namespace {

constexpr std::size_t mser_batch = 5;
constexpr std::size_t known_window = 5;

struct moments {
    double mean = 0.0;
    double variance = 0.0; ///< with n - 1
};

moments moments_of(std::span<const double> x) {
    moments m;
    for (const double v : x)
        m.mean += v / static_cast<double>(x.size());
    for (const double v : x)
        m.variance += (v - m.mean) * (v - m.mean);
    m.variance = x.size() > 1 ? m.variance / static_cast<double>(x.size() - 1) : 0.0;
    return m;
}

/// Written so that a value that is not a number is never near.
bool near(const std::optional<equilibrium_distance>& d, const thermalisation_settings& s) {
    return d && d->plaquette <= s.near_plaquette && d->polyakov <= s.near_polyakov;
}

} // namespace

std::string_view name_of(thermalisation_rule r) { return r == thermalisation_rule::bracket ? "bracket" : "network"; }

std::string_view name_of(stop_reason r) {
    static constexpr std::array<std::string_view, 3> names{"bracket", "network", "limit"};
    return names[static_cast<std::size_t>(r)];
}

bool bracket_closed(std::span<const double> hot, std::span<const double> cold, std::size_t window, double z) {
    if (window < 2 || hot.size() < window || cold.size() < window)
        return false;
    const auto h = moments_of(hot.last(window));
    const auto c = moments_of(cold.last(window));
    if (!(h.variance > 0.0) || !(c.variance > 0.0))
        return false;
    return c.mean - h.mean <= z * std::sqrt((h.variance + c.variance) / static_cast<double>(window));
}

std::size_t mser5(std::span<const double> series) {
    const std::size_t n = series.size() / mser_batch;
    if (n < 4)
        return 0;
    std::vector<double> batch(n);
    for (std::size_t b = 0; b < n; ++b)
        batch[b] = moments_of(series.subspan(b * mser_batch, mser_batch)).mean;
    std::size_t best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t d = 0; d <= n / 2; ++d) {
        const double kept = static_cast<double>(n - d);
        const auto m = moments_of(std::span<const double>(batch).subspan(d));
        const double score = m.variance * (kept - 1.0) / (kept * kept);
        if (score < least) {
            least = score;
            best = d;
        }
    }
    return best * mser_batch;
}

bool drift_absent(std::span<const double> series, std::size_t window, double z, double tau) {
    if (window < 4 || series.size() < window)
        return false;
    const auto newest = series.last(window);
    const auto first = moments_of(newest.first(window / 2));
    const auto second = moments_of(newest.last(window / 2));
    const auto all = moments_of(newest);
    if (!(all.variance > 0.0))
        return false;
    return std::abs(second.mean - first.mean) <= z * std::sqrt(all.variance * 8.0 * tau / static_cast<double>(window));
}

bool near_known(std::span<const double> series, double equilibrium, double sigma, double z) {
    return series.size() >= known_window && std::abs(moments_of(series.last(known_window)).mean - equilibrium) <= z * sigma;
}

thermalisation_monitor::thermalisation_monitor(const thermalisation_settings& settings) : settings_(settings) {
    expects(settings.window >= 2 && settings.at_least >= settings.window && settings.at_most >= settings.at_least,
            "a monitor compares at least two trajectories and waits for a whole window");
}

void thermalisation_monitor::add(bool hot, const thermalisation_point& point) {
    auto& h = hot ? hot_ : cold_;
    h.plaquette.push_back(point.plaquette);
    h.polyakov.push_back(point.polyakov);
    h.predicted.push_back(point.predicted);
    while (!verdict_ && judged_ < std::min(hot_.plaquette.size(), cold_.plaquette.size()))
        verdict_ = judge(++judged_);
}

std::optional<thermalisation_stop> thermalisation_monitor::judge(std::size_t t) const {
    const auto after = static_cast<std::uint32_t>(t);
    if (after < settings_.at_least)
        return std::nullopt;
    const auto first = [t](const std::vector<double>& all) { return std::span<const double>(all).first(t); };
    const auto& of_hot = hot_.predicted[t - 1];
    const auto& of_cold = cold_.predicted[t - 1];
    const bool asked = settings_.rule == thermalisation_rule::network && of_hot && of_cold;
    const double z = asked ? settings_.agree_z : settings_.z;
    const bool met = bracket_closed(first(hot_.plaquette), first(cold_.plaquette), settings_.window, z) &&
                     bracket_closed(first(hot_.polyakov), first(cold_.polyakov), settings_.window, z);
    if (met && (!asked || (near(of_hot, settings_) && near(of_cold, settings_))))
        return thermalisation_stop{after, asked ? stop_reason::network : stop_reason::bracket};
    return after >= settings_.at_most ? std::optional(thermalisation_stop{after, stop_reason::limit}) : std::nullopt;
}

} // namespace forge
