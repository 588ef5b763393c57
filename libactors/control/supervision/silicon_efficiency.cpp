// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/supervision/silicon_efficiency.hpp"

#include <fmt/format.h>

#include <cmath>

namespace forge {

namespace {

constexpr double shown_from = 50.0, better_from = 200.0, quoted_from = 500.0, compared_from = 1000.0; // N / tau

struct pair_of_sums {
    std::vector<double> a, b;
    void add(double x, double y) {
        a.push_back(x);
        b.push_back(y);
    }
};

figure ratio(const pair_of_sums& s) {
    double a = 0.0, b = 0.0;
    for (std::size_t k = 0; k < s.a.size(); ++k) {
        a += s.a[k];
        b += s.b[k];
    }
    figure f;
    f.n = s.a.size();
    if (!(b > 0.0))
        return f;
    f.value = a / b;
    if (f.n < 2)
        return f;
    double squares = 0.0;
    for (std::size_t k = 0; k < s.a.size(); ++k) {
        const double rest = s.a[k] - *f.value * s.b[k];
        squares += rest * rest;
    }
    const auto n = static_cast<double>(f.n);
    f.error = std::sqrt(n / (n - 1.0) * squares) / b;
    return f;
}

/// Joules of a block with their source; unset where they are not known in full.
std::optional<std::pair<double, energy_source>> joules_of(const efficiency_block& b) {
    if (b.joules && std::isfinite(*b.joules) && b.source != energy_source::none)
        return std::pair(*b.joules, b.source);
    if (b.joules || b.stages.empty())
        return std::nullopt;
    double sum = 0.0;
    for (const auto& s : b.stages) {
        if (!s.joules || !std::isfinite(*s.joules) || s.source == energy_source::none || s.source != b.stages.front().source)
            return std::nullopt;
        sum += *s.joules;
    }
    return std::pair(sum, b.stages.front().source);
}

quality_trust trust_of(double n_over_tau) {
    return n_over_tau < shown_from ? quality_trust::none
           : n_over_tau < quoted_from ? quality_trust::grey
           : n_over_tau < compared_from ? quality_trust::quotable : quality_trust::comparable;
}

figure per_quality(const figure& rate, const pooled_quality& q) {
    figure f;
    if (!rate.value || q.state != quality_state::known || !q.tau)
        return f;
    f.n = rate.n;
    f.value = *rate.value / (2.0 * *q.tau);
    if (rate.error && q.error && *rate.value > 0.0 && *q.effective > 0.0)
        f.error = *f.value * std::hypot(*rate.error / *rate.value, *q.error / *q.effective);
    return f;
}

} // namespace

pooled_quality pool_quality(std::span<const observable_series> observables) {
    pooled_quality least;
    bool unknown = observables.empty();
    for (const auto& o : observables) {
        double effective = 0.0, squares = 0.0;
        std::uint64_t n = 0;
        for (const auto& c : o.chains) {
            if (c.n >= frozen_from && c.variance == 0.0)
                return {quality_state::frozen, o.observable, std::nullopt, std::nullopt, c.n, std::nullopt, quality_trust::none};
            const auto own = c.effective_size();
            if (!own || !c.tau_int_error)
                continue;
            const double error = *own * *c.tau_int_error / *c.tau_int;
            effective += *own;
            squares += error * error;
            n += c.n;
        }
        if (!(effective > 0.0)) {
            unknown = true;
            continue;
        }
        if (least.effective && *least.effective <= effective)
            continue;
        const double tau = static_cast<double>(n) / (2.0 * effective);
        least = {quality_state::known, o.observable, effective, std::sqrt(squares), n, tau, trust_of(static_cast<double>(n) / tau)};
    }
    return unknown ? pooled_quality{} : least;
}

silicon_efficiency efficiency_of(std::span<const efficiency_block> blocks, const pooled_quality& quality) {
    silicon_efficiency e;
    e.quality = quality;
    pair_of_sums throughput, energy, power, per_joule;
    std::map<std::string, pair_of_sums> use;
    std::optional<energy_source> source;
    bool joules_known = true;
    for (const auto& b : blocks) {
        if (!(b.duration_s > 0.0) || !std::isfinite(b.duration_s))
            continue;
        ++e.blocks;
        e.seconds += b.duration_s;
        e.trajectories += b.trajectories;
        const auto n = static_cast<double>(b.trajectories);
        throughput.add(n, b.duration_s);
        const auto joules = joules_of(b);
        if (!joules || (source && *source != joules->second)) {
            joules_known = false;
        } else {
            source = joules->second;
            energy.add(joules->first, n);
            power.add(joules->first, b.duration_s);
            per_joule.add(n, joules->first);
        }
        std::map<std::string, double> busy;
        for (const auto& s : b.stages)
            busy[s.substrate] += s.busy * b.duration_s;
        for (const auto& [substrate, seconds] : busy)
            use[substrate].add(seconds, b.duration_s);
    }
    e.throughput_per_s = ratio(throughput);
    e.quality_per_s = per_quality(e.throughput_per_s, quality);
    for (const auto& [substrate, sums] : use)
        e.utilisation[substrate] = ratio(sums);
    if (joules_known && source) {
        e.source = *source;
        e.energy_per_result_j = ratio(energy);
        e.total_power_w = ratio(power);
        e.quality_per_j = per_quality(ratio(per_joule), quality);
    }
    return e;
}

std::string to_text(const figure& f) {
    if (!f.value)
        return "n/a";
    if (!f.error)
        return fmt::format("{:.4g} (n = {})", *f.value, f.n);
    return fmt::format("{:.4g} +- {:.2g} (n = {})", *f.value, *f.error, f.n);
}

std::string to_text(const pooled_quality& q) {
    if (q.state != quality_state::known)
        return q.state == quality_state::frozen ? "frozen" : "n/a";
    if (q.trust == quality_trust::none)
        return "-";
    if (q.trust == quality_trust::grey)
        return fmt::format("{:.3g} (>= {} %)", *q.effective, static_cast<double>(q.n) / *q.tau < better_from ? 34 : 20);
    return fmt::format("{:.4g} +- {:.2g}", *q.effective, *q.error);
}

std::string to_text(const figure& f, const pooled_quality& q) {
    if (q.state != quality_state::known || q.trust == quality_trust::none)
        return to_text(q);
    std::string text = to_text(f);
    if (q.trust == quality_trust::grey && f.value)
        text += fmt::format(", >= {} %", static_cast<double>(q.n) / *q.tau < better_from ? 34 : 20);
    return text;
}

} // namespace forge
