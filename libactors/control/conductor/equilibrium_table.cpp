// SPDX-License-Identifier: AGPL-3.0-only
// The equilibrium_table of training_set.hpp.
#include "libactors/control/conductor/beta_search.hpp"
#include "libactors/control/conductor/training_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace forge {

namespace {

constexpr std::size_t shortest = 100;
constexpr std::size_t mean_length = 100; ///< of the means that sigma_M is for

struct series_estimate {
    double mean = 0.0;
    double sigma = 0.0;
    double mean_sigma = 0.0;
    double tau = 0.5;
    double variance = 0.0;
};

/// Pooled over chains around their common mean, so that chains which sit at different places count as fluctuation.
/// Gamma(t) with the window of numerics/statistics.hpp: W the first t with exp(-t/tau) < tau / sqrt(t n).
series_estimate pooled(const std::vector<std::vector<double>>& chains) {
    series_estimate e;
    double n = 0.0;
    std::size_t longest = 0;
    for (const auto& c : chains) {
        for (const double x : c)
            e.mean += x;
        n += static_cast<double>(c.size());
        longest = std::max(longest, c.size());
    }
    e.mean /= n;
    std::vector<double> gamma;
    double tau = 0.5;
    for (std::size_t lag = 0; lag < longest / 2; ++lag) {
        double sum = 0.0;
        double pairs = 0.0;
        for (const auto& c : chains)
            for (std::size_t t = 0; t + lag < c.size(); ++t) {
                sum += (c[t] - e.mean) * (c[t + lag] - e.mean);
                pairs += 1.0;
            }
        gamma.push_back(sum / pairs);
        if (lag == 0)
            continue;
        if (!(gamma[0] > 0.0))
            break;
        tau += gamma[lag] / gamma[0];
        const double decay = tau <= 0.5 ? 1e-3 : 1.5 / std::log((2.0 * tau + 1.0) / (2.0 * tau - 1.0));
        if (std::exp(-static_cast<double>(lag) / decay) < decay / std::sqrt(static_cast<double>(lag) * n))
            break;
    }
    e.variance = gamma.front();
    e.sigma = std::sqrt(std::max(0.0, e.variance));
    e.tau = std::max(0.5, tau);
    double squared = gamma.front();
    for (std::size_t lag = 1; lag < std::min(gamma.size(), mean_length); ++lag)
        squared += 2.0 * (1.0 - static_cast<double>(lag) / mean_length) * gamma[lag];
    e.mean_sigma = std::sqrt(std::max(squared, gamma.front()) / mean_length);
    return e;
}

double between(double a, double b, double share) { return a + share * (b - a); }

} // namespace

result<equilibrium_table> equilibrium_table::make(std::span<const chain_history* const> training) {
    const auto refuse = [](std::string what) { return error{errc::invalid_argument, std::move(what), "equilibrium values", "more or longer runs of one lattice"}; };
    if (training.empty())
        return refuse("there are no chains to learn equilibrium values from");
    equilibrium_table table;
    table.lattice_ = training.front()->lattice;
    std::map<double, std::array<std::vector<std::vector<double>>, 2>> by_beta;
    for (const auto* h : training) {
        if (!(h->lattice == table.lattice_))
            return refuse("chains of " + to_text(h->lattice) + " and " + to_text(table.lattice_) + " in one table: P and |L| depend on the volume");
        if (h->samples.size() < shortest)
            return refuse(fmt::format("{} of run {} has {} trajectories; {} are needed", to_text(h->chain), h->run, h->samples.size(), shortest));
        const auto half = static_cast<std::ptrdiff_t>(h->samples.size() / 2);
        const auto p = h->plaquettes();
        const auto l = h->polyakovs();
        by_beta[h->beta][0].emplace_back(p.begin() + half, p.end());
        by_beta[h->beta][1].emplace_back(l.begin() + half, l.end());
    }
    const double spatial = static_cast<double>(table.lattice_.volume()) / table.lattice_.n[3];
    for (const auto& [beta, series] : by_beta) {
        const auto p = pooled(series[0]);
        const auto l = pooled(series[1]);
        if (!(p.sigma > 0.0) || !(l.sigma > 0.0))
            return refuse(fmt::format("nothing fluctuates at beta {}", beta));
        table.points_.push_back({beta, series[0].size(), p.mean, p.sigma, p.mean_sigma, l.mean, l.sigma, l.mean_sigma, l.tau, spatial * l.variance});
    }
    table.find_peak();
    return table;
}

void equilibrium_table::find_peak() {
    peak_.reset();
    if (points_.empty())
        return;
    const auto& n = lattice_.n;
    if (n[3] >= std::min({n[0], n[1], n[2]}))
        return;
    std::vector<measured_point> chi;
    for (const auto& p : points_)
        chi.push_back({p.beta, p.chi_polyakov, std::nullopt});
    if (const auto beta = peak_of(chi))
        peak_ = {*beta, at(*beta).polyakov};
}

result<equilibrium_table> equilibrium_table::from_points(const extents& lattice, std::vector<equilibrium_point> points) {
    double last = -1e300;
    for (const auto& p : points) {
        const bool finite = std::isfinite(p.beta) && std::isfinite(p.plaquette) && std::isfinite(p.polyakov) && std::isfinite(p.chi_polyakov) &&
                            std::isfinite(p.tau_polyakov);
        const bool spread = p.sigma_plaquette > 0.0 && p.mean_sigma_plaquette > 0.0 && p.sigma_polyakov > 0.0 && p.mean_sigma_polyakov > 0.0;
        if (!finite || !spread || !(p.beta > last))
            return error{errc::invalid_argument, fmt::format("the equilibrium values at beta {} cannot be", p.beta), "equilibrium values", "train again"};
        last = p.beta;
    }
    if (points.empty())
        return error{errc::invalid_argument, "a table without betas", "equilibrium values", "train again"};
    equilibrium_table table;
    table.lattice_ = lattice;
    table.points_ = std::move(points);
    table.find_peak();
    return table;
}

equilibrium_point equilibrium_table::at(double beta) const {
    const auto after = std::lower_bound(points_.begin(), points_.end(), beta, [](const auto& p, double b) { return p.beta < b; });
    if (after == points_.begin())
        return points_.front();
    if (after == points_.end())
        return points_.back();
    const auto& a = *(after - 1);
    const auto& b = *after;
    const double share = (beta - a.beta) / (b.beta - a.beta);
    return {beta, std::min(a.chains, b.chains), between(a.plaquette, b.plaquette, share), between(a.sigma_plaquette, b.sigma_plaquette, share),
            between(a.mean_sigma_plaquette, b.mean_sigma_plaquette, share), between(a.polyakov, b.polyakov, share),
            between(a.sigma_polyakov, b.sigma_polyakov, share), between(a.mean_sigma_polyakov, b.mean_sigma_polyakov, share),
            between(a.tau_polyakov, b.tau_polyakov, share), between(a.chi_polyakov, b.chi_polyakov, share)};
}

} // namespace forge
