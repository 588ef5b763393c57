// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/conductor/training_set.hpp"

#include "libactors/learn/thermalisation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace forge {

namespace {

constexpr std::size_t first_row = 10;  ///< before, most features are 0 for want of history
constexpr std::size_t mser_span = 200; ///< of a chain, for its own length of thermalisation
constexpr double length_unit = 200.0;
constexpr double rms_wanted = 0.507; ///< of dH: erfc(rms / sqrt 8) = 0.8
constexpr double near = 0.5;         ///< standard deviations
constexpr double none = std::numeric_limits<double>::quiet_NaN();

std::size_t column(head_id id) { return *column_of(id); }

/// Mean of f over samples first ... first + n - 1.
template <class F>
double mean_over(const std::vector<trajectory_sample>& s, std::size_t first, std::size_t n, F f) {
    double sum = 0.0;
    for (std::size_t k = first; k < first + n; ++k)
        sum += f(s[k]);
    return sum / static_cast<double>(n);
}

double plaquette_of(const trajectory_sample& s) { return 0.5 * (s.plaquette_spatial + s.plaquette_temporal); }
double polyakov_of(const trajectory_sample& s) { return std::hypot(s.polyakov_re, s.polyakov_im); }
double accepted_of(const trajectory_sample& s) { return s.accepted ? 1.0 : 0.0; }
double squared_dh(const trajectory_sample& s) { return s.delta_h * s.delta_h; }

/// sqrt(wanted / rms), within what a step may sensibly change by.
double step_factor(double mean_squared) { return std::clamp(std::sqrt(rms_wanted / std::max(1e-12, std::sqrt(mean_squared))), 0.1, 4.0); }

double thermalisation_length(const chain_history& h) {
    const auto p = h.plaquettes();
    const auto l = h.polyakovs();
    const auto n = std::min(mser_span, p.size());
    return static_cast<double>(std::max(mser5(std::span<const double>(p).first(n)), mser5(std::span<const double>(l).first(n))));
}

std::size_t first_row_of(const chain_history& h) { return std::max<std::size_t>(first_row, h.warmup); }
std::size_t last_row_of(const chain_history& h) { return h.samples.size() < target_horizon ? 0 : h.samples.size() - target_horizon; }

/// t counts from 1; samples[t] is the one that comes next.
target_row targets_at(const chain_history& h, std::size_t t, double length, const equilibrium_table& equilibrium, const equilibrium_point& here, double chi_max) {
    const auto& s = h.samples;
    target_row y{};
    const double sign = h.hot_start ? -1.0 : 1.0;
    const double p = mean_over(s, t, target_horizon, plaquette_of);
    const double l = mean_over(s, t, target_horizon, polyakov_of);
    const double of_p = sign * (p - here.plaquette) / here.sigma_plaquette;
    const double of_l = sign * (l - here.polyakov) / here.sigma_polyakov;
    y[column(head_id::beta_priority)] = here.chi_polyakov / chi_max;
    y[column(head_id::parameter_suggestion)] = step_factor(mean_over(s, t, target_horizon, squared_dh));
    y[column(head_id::thermalisation)] = of_p;
    y[column(head_id::thermalisation) + 1] = of_l;
    y[column(head_id::rejection)] = 1.0 - accepted_of(s[t]);
    y[column(head_id::phase)] = equilibrium.chi_peak() ? (l > equilibrium.chi_peak()->polyakov ? 1.0 : 0.0) : none;
    y[column(head_id::quality)] = mean_over(s, t, target_horizon, accepted_of);
    y[column(head_id::anomaly)] = mean_over(s, t, 10, accepted_of) < 0.5 ? 1.0 : 0.0;
    y[column(head_id::next_run)] = std::log10(200.0 * here.tau_polyakov);
    y[column(head_id::quenched_length)] = std::max(0.0, length - static_cast<double>(t)) / length_unit;
    y[column(head_id::quenched_thermalisation)] = of_p < near && of_l < near ? 1.0 : 0.0;
    y[column(head_id::deconfinement)] = l;
    return y;
}

double largest_chi(const equilibrium_table& e) {
    double chi = 0.0;
    for (const auto& p : e.points())
        chi = std::max(chi, p.chi_polyakov);
    return chi;
}

} // namespace

std::vector<double> chain_history::plaquettes() const {
    std::vector<double> p(samples.size());
    std::transform(samples.begin(), samples.end(), p.begin(), plaquette_of);
    return p;
}

std::vector<double> chain_history::polyakovs() const {
    std::vector<double> l(samples.size());
    std::transform(samples.begin(), samples.end(), l.begin(), polyakov_of);
    return l;
}

trajectory_sample sample_of(const physics_record& r, double beta, bool hot_start, std::uint32_t in_segment, const noise_id& next) {
    const auto& o = r.observed;
    return {beta, o.plaquette_spatial, o.plaquette_temporal, o.polyakov_re, o.polyakov_im, o.delta_h, o.accepted, hot_start, in_segment, metropolis_threshold(next)};
}

result<chain_history> history_of(std::span<const physics_record> records, const segment_params& params, const extents& lattice, bool hot_start,
                                 std::string_view campaign_seed) {
    chain_history h;
    h.lattice = lattice;
    h.beta = params.beta;
    h.hot_start = hot_start;
    h.warmup = params.n_warmup;
    if (records.empty())
        return h;
    h.chain = records.front().chain;
    const auto key = rng_key(campaign_seed, h.chain);
    for (std::size_t k = 0; k < records.size(); ++k) {
        const auto& r = records[k];
        if (r.chain != h.chain || r.segment != records.front().segment || r.trajectory != records.front().trajectory + k)
            return error{errc::invalid_argument, "the records are not one segment without gaps",
                         fmt::format("{} trajectory {}", to_text(r.chain), r.trajectory), "forge ledger check"};
        h.samples.push_back(sample_of(r, params.beta, hot_start, static_cast<std::uint32_t>(k + 1), {key, r.trajectory + 1, r.segment.value}));
    }
    return h;
}

void each_row(const chain_history& h, const equilibrium_table& equilibrium, const std::function<void(const feature_vector&, const training_row*)>& step) {
    feature_builder features(h.lattice);
    const auto here = equilibrium.at(h.beta);
    const double chi_max = largest_chi(equilibrium);
    const double length = thermalisation_length(h);
    for (std::size_t t = 1; t <= h.samples.size(); ++t) {
        const auto v = features.next(h.samples[t - 1]);
        if (!v)
            return; // a number that is none: nothing after it can be trusted
        if (t < first_row_of(h) || t > last_row_of(h)) {
            step(*v, nullptr);
            continue;
        }
        const training_row row{t, *v, targets_at(h, t, length, equilibrium, here, chi_max)};
        step(*v, &row);
    }
}

simple_rules::simple_rules(std::span<const chain_history* const> training, const equilibrium_table& equilibrium) : equilibrium_(&equilibrium) {
    std::size_t rows = 0;
    std::array<double, 2> chains{};
    struct seen {
        double ones = 0.0, all = 0.0;
    };
    std::array<std::vector<seen>, 2> thermal;
    std::array<std::vector<double>, 2> counted;
    for (const auto* h : training) {
        const std::size_t hot = h->hot_start ? 1 : 0;
        const auto needed = h->samples.size() + 1;
        if (distance_[hot].size() < needed) {
            distance_[hot].resize(needed);
            thermal[hot].resize(needed);
            counted[hot].resize(needed);
        }
        length_[hot] += thermalisation_length(*h);
        chains[hot] += 1.0;
        each_row(*h, equilibrium, [&](const feature_vector&, const training_row* row) {
            if (row == nullptr)
                return;
            ++rows;
            for (std::size_t c = 0; c < target_columns; ++c)
                constants_[c] += row->targets[c];
            for (std::size_t k = 0; k < 2; ++k)
                distance_[hot][row->t][k] += row->targets[column(head_id::thermalisation) + k];
            counted[hot][row->t] += 1.0;
            thermal[hot][row->t].ones += row->targets[column(head_id::quenched_thermalisation)];
            thermal[hot][row->t].all += 1.0;
        });
    }
    for (auto& c : constants_)
        c /= std::max(1.0, static_cast<double>(rows));
    for (std::size_t hot = 0; hot < 2; ++hot) {
        length_[hot] /= std::max(1.0, chains[hot]);
        for (std::size_t t = 0; t < distance_[hot].size(); ++t)
            for (auto& d : distance_[hot][t])
                d /= std::max(1.0, counted[hot][t]);
        // "Thermalised from t on": the t with the best balanced accuracy on the training rows.
        double ones = 0.0;
        double all = 0.0;
        for (const auto& s : thermal[hot]) {
            ones += s.ones;
            all += s.all;
        }
        double ones_before = 0.0;
        double all_before = 0.0;
        double best = -1.0;
        for (std::size_t t = 0; t < thermal[hot].size(); ++t) {
            const double zeros = all - ones;
            const double score = (ones > 0.0 ? (ones - ones_before) / ones : 0.0) + (zeros > 0.0 ? (all_before - ones_before) / zeros : 0.0);
            if (score > best) {
                best = score;
                enough_[hot] = static_cast<double>(t);
            }
            ones_before += thermal[hot][t].ones;
            all_before += thermal[hot][t].all;
        }
    }
}

std::vector<target_row> simple_rules::predictions(const chain_history& h) const {
    std::vector<target_row> all;
    const auto& s = h.samples;
    const std::size_t hot = h.hot_start ? 1 : 0;
    const auto here = equilibrium_->at(h.beta);
    const double chi_max = largest_chi(*equilibrium_);
    const auto ago = [&s](std::size_t t, std::size_t n, auto f) { return mean_over(s, t - std::min(n, t), std::min(n, t), f); };
    for (std::size_t t = first_row_of(h); t <= last_row_of(h); ++t) {
        target_row y{};
        const double rms2 = ago(t, 20, squared_dh);
        const double l = ago(t, 10, polyakov_of);
        const double since = static_cast<double>(t);
        y[column(head_id::beta_priority)] = here.chi_polyakov / chi_max;
        y[column(head_id::parameter_suggestion)] = step_factor(rms2);
        for (std::size_t k = 0; k < 2; ++k)
            y[column(head_id::thermalisation) + k] = t < distance_[hot].size() ? distance_[hot][t][k] : 0.0;
        y[column(head_id::rejection)] = std::exp(-s[t - 1].threshold_next);
        y[column(head_id::phase)] = equilibrium_->chi_peak() ? 1.0 / (1.0 + std::exp((equilibrium_->chi_peak()->polyakov - l) / 0.02)) : none;
        y[column(head_id::quality)] = ago(t, 20, accepted_of);
        y[column(head_id::anomaly)] = 1.0 - ago(t, 10, accepted_of);
        y[column(head_id::next_run)] = std::log10(200.0 * here.tau_polyakov);
        y[column(head_id::quenched_length)] = std::max(0.0, length_[hot] - since) / length_unit;
        y[column(head_id::quenched_thermalisation)] = since / (since + std::max(1.0, enough_[hot]) - 0.5); // above 1/2 from `enough_` on
        y[column(head_id::deconfinement)] = l;
        all.push_back(y);
    }
    return all;
}

} // namespace forge
