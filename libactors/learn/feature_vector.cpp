// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/feature_vector.hpp"

#include "libactors/numerics/elementary.hpp"

#include <algorithm>
#include <cmath>

namespace forge {

namespace {

constexpr std::size_t history_max = 20;

void remember(std::deque<double>& all, double x) {
    all.push_back(x);
    if (all.size() > history_max)
        all.pop_front();
}

/// Mean of `n` values that end `back` before the newest.
double mean(const std::deque<double>& all, std::size_t n, std::size_t back) {
    double sum = 0.0;
    for (std::size_t k = all.size() - back - n; k < all.size() - back; ++k)
        sum += all[k];
    return sum / static_cast<double>(n);
}

double drift(const std::deque<double>& all) { return all.size() < 10 ? 0.0 : mean(all, 5, 0) - mean(all, 5, 5); }

double spread(const std::deque<double>& all) {
    if (all.size() < 10)
        return 0.0;
    const double m = mean(all, 10, 0);
    double sum = 0.0;
    for (std::size_t k = all.size() - 10; k < all.size(); ++k)
        sum += (all[k] - m) * (all[k] - m);
    return std::sqrt(sum / 9.0);
}

} // namespace

double metropolis_threshold(const noise_id& id) { return -det_log(open_uniform(noise_block(id, 0, noise_purpose::accept, 0))); }

double rejection_chance(double threshold, double mean_squared) {
    const double rms = std::sqrt(std::max(1e-12, mean_squared));
    return 0.5 * std::erfc((threshold - 0.5 * mean_squared) / (rms * std::sqrt(2.0)));
}

feature_builder::feature_builder(const extents& lattice)
    : plaquettes_(6.0 * static_cast<double>(lattice.volume())), spatial_volume_(static_cast<double>(lattice.volume()) / lattice.n[3]),
      volume_(static_cast<double>(lattice.volume())) {}

void feature_builder::reset() {
    p_.clear();
    l_.clear();
    accepted_.clear();
    squared_.clear();
}

std::optional<feature_vector> feature_builder::next(const trajectory_sample& s) {
    for (const double x : {s.beta, s.plaquette_spatial, s.plaquette_temporal, s.polyakov_re, s.polyakov_im, s.delta_h, s.threshold_next})
        if (!std::isfinite(x))
            return std::nullopt;
    const double p = 0.5 * (s.plaquette_spatial + s.plaquette_temporal);
    const double l = std::hypot(s.polyakov_re, s.polyakov_im);
    remember(p_, p);
    remember(l_, l);
    remember(accepted_, s.accepted ? 1.0 : 0.0);
    remember(squared_, std::min(s.delta_h * s.delta_h, 1e6)); // a start far from equilibrium must not drown the rest
    const double of_p = std::sqrt(plaquettes_);
    const double of_l = std::sqrt(spatial_volume_);
    const std::array<double, feature_count> raw{
        (s.beta - 5.7) / 0.3, (p - 0.55) / 0.025, (s.plaquette_temporal - s.plaquette_spatial) * of_p, (l - 0.1) / 0.1,
        l > 0.0 ? std::cos(3.0 * std::atan2(s.polyakov_im, s.polyakov_re)) : 0.0, std::tanh(0.5 * s.delta_h), s.accepted ? 1.0 : 0.0,
        mean(accepted_, accepted_.size(), 0), drift(p_) * of_p, spread(p_) * of_p, drift(l_) * of_l, spread(l_) * of_l, s.hot_start ? 1.0 : 0.0,
        std::log10(volume_) - 3.0, 4.0 * rejection_chance(s.threshold_next, mean(squared_, squared_.size(), 0)) - 1.0};
    feature_vector v{};
    std::transform(raw.begin(), raw.end(), v.begin(), [](double x) { return static_cast<float>(std::clamp(x, -feature_bound, feature_bound)); });
    return v;
}

} // namespace forge
