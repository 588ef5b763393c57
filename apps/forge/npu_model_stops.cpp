// SPDX-License-Identifier: AGPL-3.0-only
// Stopping rules on pairs of finished chains.
#include "apps/forge/npu_model_study.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace forge::app {

namespace {

constexpr std::size_t judged = 100;   ///< trajectories after the stop whose mean is judged
constexpr std::size_t mser_span = 200;
constexpr double never = std::numeric_limits<double>::infinity();
constexpr std::size_t drift_window = 40;
constexpr double drift_tau = 5.0;
const thermalisation_settings defaults;

/// How many standard errors the cold mean of the window is above the hot one: what bracket_closed compares with z.
double bracket_score(std::span<const double> hot, std::span<const double> cold) {
    const std::size_t w = defaults.window;
    double mean[2] = {0.0, 0.0};
    double squared = 0.0;
    const std::span<const double> of[2] = {hot.last(w), cold.last(w)};
    for (int k = 0; k < 2; ++k) {
        for (const double x : of[k])
            mean[k] += x / static_cast<double>(w);
        double own = 0.0;
        for (const double x : of[k])
            own += (x - mean[k]) * (x - mean[k]);
        if (!(own > 0.0))
            return never;
        squared += own / static_cast<double>(w - 1);
    }
    return (mean[1] - mean[0]) / std::sqrt(squared / static_cast<double>(w));
}

double mean5(std::span<const double> x) {
    double m = 0.0;
    for (const double v : x.last(5))
        m += v / 5.0;
    return m;
}

/// |difference of the halves' means| in the errors of drift_absent.
double drift_score(std::span<const double> x) {
    const auto w = x.last(drift_window);
    double half[2] = {0.0, 0.0};
    for (std::size_t k = 0; k < drift_window; ++k)
        half[k < drift_window / 2 ? 0 : 1] += w[k] / (drift_window / 2.0);
    const double mean = 0.5 * (half[0] + half[1]);
    double variance = 0.0;
    for (const double v : w)
        variance += (v - mean) * (v - mean) / (drift_window - 1.0);
    return variance > 0.0 ? std::abs(half[1] - half[0]) / std::sqrt(variance * 8.0 * drift_tau / drift_window) : never;
}

std::vector<double> running(const std::vector<double>& x) {
    std::vector<double> s(x.size() + 1, 0.0);
    for (std::size_t k = 0; k < x.size(); ++k)
        s[k + 1] = s[k] + x[k];
    return s;
}

result<void> score(stop_pair& pair, const echo_state_network* network, const echo_state_network* int4) {
    const std::array<std::vector<double>, 4> series{pair.hot->plaquettes(), pair.cold->plaquettes(), pair.hot->polyakovs(), pair.cold->polyakovs()};
    const std::size_t n = std::min(series[0].size(), series[1].size());
    pair.rule.assign(scored_rules, std::vector<double>(n, never));
    const auto here = pair.equilibrium->at(pair.hot->beta);
    const auto distance = *column_of(head_id::thermalisation);
    std::array<std::vector<target_row>, 4> said; // network hot, cold; int4 hot, cold
    for (std::size_t k = 0; k < 2; ++k)
        if (const auto* model = k == 0 ? network : int4)
            for (std::size_t c = 0; c < 2; ++c) {
                auto p = predict_chain(*model, c == 0 ? *pair.hot : *pair.cold);
                if (!p)
                    return p.reason();
                said[2 * k + c] = std::move(*p);
            }
    for (std::size_t t = defaults.at_least; t <= n; ++t) {
        std::array<std::span<const double>, 4> s;
        for (std::size_t k = 0; k < 4; ++k)
            s[k] = std::span<const double>(series[k]).first(t);
        const double bracket = std::max(bracket_score(s[0], s[1]), bracket_score(s[2], s[3]));
        pair.rule[0][t - 1] = bracket;
        double known = 0.0;
        double drift = t < drift_window ? never : 0.0;
        for (std::size_t k = 0; k < 4; ++k) {
            known = std::max(known, k < 2 ? std::abs(mean5(s[k]) - here.plaquette) / here.sigma_plaquette : std::abs(mean5(s[k]) - here.polyakov) / here.sigma_polyakov);
            if (t >= drift_window)
                drift = std::max(drift, drift_score(s[k]));
        }
        pair.rule[1][t - 1] = known;
        pair.rule[2][t - 1] = drift;
        for (std::size_t k = 0; k < 2; ++k) {
            if (said[2 * k].empty())
                continue;
            double largest = -never;
            for (std::size_t c = 0; c < 2; ++c)
                for (std::size_t d = 0; d < 2; ++d)
                    largest = std::max(largest, said[2 * k + c][t - 1][distance + d]);
            pair.rule[3 + k][t - 1] = bracket <= defaults.agree_z && std::isfinite(largest) ? largest : never;
        }
    }
    for (std::size_t k = 0; k < 4; ++k)
        pair.sums[k] = running(series[k]);
    const auto cut = [&series](std::size_t k) { return mser5(std::span<const double>(series[k]).first(std::min(mser_span, series[k].size()))); };
    pair.mser_hot = std::max(cut(0), cut(2));
    pair.mser_cold = std::max(cut(1), cut(3));
    return {};
}

} // namespace

std::string_view name_of(rule_kind k) {
    static constexpr std::array<std::string_view, 7> names{
        "fixed cut", "MSER-5 afterwards + k", "hot/cold bracket", "equilibrium known", "drift test", "network", "network, int4 weights"};
    return names[static_cast<std::size_t>(k)];
}

std::vector<double> thresholds_of(rule_kind k) {
    const auto range = [](double from, double to, double step) { // loosest first
        std::vector<double> all;
        for (double x = from; step > 0.0 ? x <= to + 1e-9 : x >= to - 1e-9; x += step)
            all.push_back(x);
        return all;
    };
    switch (k) {
    case rule_kind::fixed:
        return range(15.0, 200.0, 1.0);
    case rule_kind::mser_after:
        return range(-30.0, 120.0, 2.0);
    case rule_kind::bracket:
        return range(12.0, -6.0, -0.25);
    case rule_kind::known:
        return range(3.0, 0.1, -0.05);
    case rule_kind::drift:
        return range(4.0, 0.02, -0.04);
    default:
        return range(2.0, -0.6, -0.025);
    }
}

stop_bias bias_of(const stop_pair& pair, rule_kind kind, double threshold) {
    const std::size_t n = std::min(pair.sums[0].size(), pair.sums[1].size()) - 1;
    const std::size_t latest = std::min<std::size_t>(defaults.at_most, n - judged);
    std::size_t cut[2] = {latest, latest};
    if (kind == rule_kind::fixed) {
        cut[0] = cut[1] = std::min(latest, static_cast<std::size_t>(threshold));
    } else if (kind == rule_kind::mser_after) {
        const auto plus = [&](std::size_t c) {
            return std::min(latest, static_cast<std::size_t>(std::max(static_cast<double>(defaults.at_least), static_cast<double>(c) + threshold)));
        };
        cut[0] = plus(pair.mser_hot);
        cut[1] = plus(pair.mser_cold);
    } else {
        const auto& s = pair.rule[static_cast<std::size_t>(kind) - static_cast<std::size_t>(rule_kind::bracket)];
        for (std::size_t t = defaults.at_least; t < latest; ++t)
            if (s[t - 1] <= threshold) {
                cut[0] = cut[1] = t;
                break;
            }
    }
    const auto here = pair.equilibrium->at(pair.hot->beta);
    stop_bias b;
    for (std::size_t c = 0; c < 2; ++c) {
        const double sign = c == 0 ? -1.0 : 1.0;
        const auto mean = [&](std::size_t k) { return (pair.sums[k][cut[c] + judged] - pair.sums[k][cut[c]]) / static_cast<double>(judged); };
        b.cut += 0.5 * static_cast<double>(cut[c]);
        b.plaquette += 0.5 * sign * (mean(c) - here.plaquette) / here.mean_sigma_plaquette;
        b.polyakov += 0.5 * sign * (mean(2 + c) - here.polyakov) / here.mean_sigma_polyakov;
    }
    return b;
}

result<std::vector<stop_pair>> pairs_of(const chain_view& chains, const equilibrium_table& equilibrium, const echo_state_network* network,
                                        const echo_state_network* int4) {
    std::map<std::string, stop_pair> by_partner;
    for (const auto* h : chains) {
        auto& pair = by_partner[h->partner];
        (h->hot_start ? pair.hot : pair.cold) = h;
    }
    std::vector<stop_pair> all;
    for (auto& [name, pair] : by_partner) {
        if (pair.hot == nullptr || pair.cold == nullptr)
            continue;
        if (std::min(pair.hot->samples.size(), pair.cold->samples.size()) < mser_span)
            return error{errc::invalid_argument, "a chain of the pair has fewer than 200 trajectories", name, "longer runs: 100 after the stop are judged"};
        pair.equilibrium = &equilibrium;
        if (auto done = score(pair, network, int4); !done)
            return done.reason();
        all.push_back(std::move(pair));
    }
    return all;
}

error no_pairs() {
    return {errc::invalid_argument, "there is no hot and cold chain at one beta that belong together", "thermalisation",
            "runs of one campaign with start \"hot\" and \"cold\", names alike but for these words"};
}

double choose_threshold(const std::vector<stop_pair>& training, rule_kind kind, double bias) {
    const auto all = thresholds_of(kind);
    for (const double x : all) {
        double p = 0.0;
        double l = 0.0;
        for (const auto& pair : training) {
            const auto b = bias_of(pair, kind, x);
            p += b.plaquette / static_cast<double>(training.size());
            l += b.polyakov / static_cast<double>(training.size());
        }
        if (std::max(p, l) <= bias)
            return x;
    }
    return all.back();
}

stop_targets stop_targets_of(const extents& lattice) {
    constexpr std::uint64_t small = 512;
    return lattice.volume() <= small ? stop_targets{0.05, 0.10, 0.15} : stop_targets{0.10, 0.20, 0.30};
}

} // namespace forge::app
