// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/conductor/steering_study.hpp"

#include "libactors/control/beta_plan.hpp"
#include "libactors/numerics/counter_rng.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>

namespace forge {

namespace {

constexpr std::array<double, 5> widths{0.02, 0.035, 0.05, 0.08, 0.12};
constexpr int peak_grid = 160;
constexpr std::uint32_t first_points = 5;  // of the conductor
constexpr std::uint32_t stage_one = 7, stage_two = 4;

struct draws {
    std::uint64_t key;
    std::uint64_t n = 0;
    double operator()() { return angle_uniform(noise_block({key, n++, 0}, 0, noise_purpose::start, 0)); }
};

double mean_of(const std::vector<double>& x) {
    double m = 0.0;
    for (const double v : x)
        m += v / static_cast<double>(x.size());
    return m;
}

double variance_of(const std::vector<double>& x) {
    const double m = mean_of(x);
    double v = 0.0;
    for (const double y : x)
        v += (y - m) * (y - m) / static_cast<double>(x.size());
    return v;
}

/// A world with its transition moved by `offset`.
class scanned_world {
public:
    scanned_world(const std::vector<measured_series>& stock, const std::vector<double>& variance, double offset, double volume, std::uint64_t key)
        : stock_(&stock), variance_(&variance), offset_(offset), volume_(volume), draw_{key} {}

    /// chi_L of n fresh trajectories at this beta.
    double measure(double beta, std::size_t n) {
        const auto& stock = *stock_;
        std::size_t at = 0;
        for (std::size_t k = 1; k < stock.size(); ++k)
            if (std::abs(stock[k].beta - beta + offset_) < std::abs(stock[at].beta - beta + offset_))
                at = k;
        std::vector<double> seen;
        seen.reserve(n);
        while (seen.size() < n) {
            const auto& chains = stock[at].chains;
            const auto& chain = chains[std::min(chains.size() - 1, static_cast<std::size_t>(draw_() * static_cast<double>(chains.size())))];
            const auto want = std::min(n - seen.size(), chain.size());
            const auto from = static_cast<std::size_t>(draw_() * static_cast<double>(chain.size() - want + 1));
            seen.insert(seen.end(), chain.begin() + static_cast<std::ptrdiff_t>(from), chain.begin() + static_cast<std::ptrdiff_t>(from + want));
        }
        return volume_ * variance_of(seen) * chi(beta - offset_) / (*variance_)[at];
    }

private:
    [[nodiscard]] double chi(double beta) const {
        const auto& s = *stock_;
        if (beta <= s.front().beta)
            return variance_->front();
        for (std::size_t k = 1; k < s.size(); ++k)
            if (beta <= s[k].beta) {
                const double x = (beta - s[k - 1].beta) / (s[k].beta - s[k - 1].beta);
                return std::exp((1.0 - x) * std::log((*variance_)[k - 1]) + x * std::log((*variance_)[k]));
            }
        return variance_->back();
    }
    const std::vector<measured_series>* stock_;
    const std::vector<double>* variance_;
    double offset_, volume_;
    draws draw_;
};

struct scan {
    std::vector<measured_point> points;
    std::vector<double> n;
    void add(scanned_world& w, double beta, std::uint32_t trajectories, std::uint32_t overhead) {
        const auto kept = static_cast<std::size_t>(trajectories > overhead + 2 ? trajectories - overhead : 2);
        points.push_back({beta, w.measure(beta, kept), std::nullopt});
        n.push_back(static_cast<double>(kept));
    }
};

using strategy = std::function<scan(scanned_world&, std::uint32_t budget, std::uint64_t seed)>;

scan uniform(scanned_world& w, const steering_study_settings& s, std::uint32_t k, std::uint32_t budget) {
    scan all;
    for (const double beta : beta_grid(s.beta_min, s.beta_max, k))
        all.add(w, beta, budget / k, s.overhead);
    return all;
}

scan two_stage(scanned_world& w, const steering_study_settings& s, std::uint32_t budget) {
    const auto per_point = budget / (stage_one + stage_two);
    scan all = uniform(w, s, stage_one, per_point * stage_one);
    const auto top = std::max_element(all.points.begin(), all.points.end(), [](const auto& a, const auto& b) { return a.chi_polyakov < b.chi_polyakov; })->beta;
    const double step = (s.beta_max - s.beta_min) / (stage_one - 1);
    for (std::uint32_t k = 0; k < stage_two; ++k)
        all.add(w, std::clamp(top + step * (-0.6 + 0.4 * k), s.beta_min, s.beta_max), per_point, s.overhead);
    return all;
}

scan conducted(scanned_world& w, const steering_study_settings& s, std::uint32_t budget, std::uint64_t seed) {
    // As many points as the batch allows, the first ones on a coarse grid.
    const auto in_all = std::max(first_points + 1, budget / s.batch);
    const auto per_point = budget / in_all;
    scan all = uniform(w, s, first_points, per_point * first_points);
    while (all.points.size() < in_all) {
        const auto next = search_beta({all.points, {}, s.beta_min, s.beta_max, 40, seed});
        if (!next || !next->beta) { // saturated: what is left makes the largest point longer
            const auto top = std::max_element(all.points.begin(), all.points.end(), [](const auto& a, const auto& b) { return a.chi_polyakov < b.chi_polyakov; });
            all.add(w, top->beta, per_point, s.overhead);
            continue;
        }
        all.add(w, *next->beta, per_point, s.overhead);
    }
    return all;
}

} // namespace

std::optional<double> fitted_peak(const std::vector<measured_point>& points, const std::vector<double>& n, double beta_min, double beta_max) {
    if (points.size() < 4 || n.size() != points.size())
        return std::nullopt;
    double best = std::numeric_limits<double>::infinity();
    int best_at = -1;
    for (int k = 0; k <= peak_grid; ++k) {
        const double b = beta_min + (beta_max - beta_min) * k / peak_grid;
        for (const double w : widths) {
            double s1 = 0, sg = 0, sgg = 0, sy = 0, sgy = 0, syy = 0;
            for (std::size_t p = 0; p < points.size(); ++p) {
                const double y = points[p].chi_polyakov;
                const double weight = n[p] / std::max(y * y, 1e-12);
                const double g = std::exp(-(points[p].beta - b) * (points[p].beta - b) / (2.0 * w * w));
                s1 += weight, sg += weight * g, sgg += weight * g * g, sy += weight * y, sgy += weight * g * y, syy += weight * y * y;
            }
            const double det = s1 * sgg - sg * sg;
            double a = det > 1e-12 * s1 * sgg ? (s1 * sgy - sg * sy) / det : 0.0;
            a = std::max(a, 0.0);
            const double c = (sy - a * sg) / s1;
            const double residual = syy - 2 * a * sgy - 2 * c * sy + a * a * sgg + 2 * a * c * sg + c * c * s1;
            if (a > 0.0 && residual < best) {
                best = residual;
                best_at = k;
            }
        }
    }
    if (best_at <= 0 || best_at >= peak_grid)
        return std::nullopt;
    return beta_min + (beta_max - beta_min) * best_at / peak_grid;
}

result<steering_study> study_steering(const std::vector<measured_series>& stock, const steering_study_settings& s) {
    const auto bad = [](const char* what) {
        return error{errc::invalid_argument, what, "steering study", "runs of at least five betas on one lattice, all thermalised"};
    };
    if (stock.size() < 5 || s.budgets.empty() || s.seeds < 2)
        return bad("fewer than five betas, two seeds or one budget");
    std::vector<double> variance;
    for (const auto& series : stock) {
        std::vector<double> all;
        for (const auto& chain : series.chains)
            all.insert(all.end(), chain.begin(), chain.end());
        if (all.size() < 100 || !(variance_of(all) > 0.0) || std::any_of(series.chains.begin(), series.chains.end(), [](const auto& c) { return c.empty(); }))
            return bad("a beta with fewer than 100 trajectories or without fluctuations");
        variance.push_back(variance_of(all));
    }
    // The truth: the same fit on all that was measured.
    std::vector<measured_point> whole;
    for (std::size_t k = 0; k < stock.size(); ++k)
        whole.push_back({stock[k].beta, s.spatial_volume * variance[k], std::nullopt});
    const auto truth = fitted_peak(whole, std::vector<double>(whole.size(), 1.0), stock.front().beta, stock.back().beta);
    if (!truth)
        return bad("chi_L of the whole stock has no peak inside its range");

    std::vector<std::pair<std::string, strategy>> strategies;
    for (const std::uint32_t k : {5u, 7u, 9u, 13u, 17u, 25u})
        strategies.emplace_back(fmt::format("uniform {}", k), [k, &s](scanned_world& w, std::uint32_t budget, std::uint64_t) { return uniform(w, s, k, budget); });
    const auto grids = strategies.size();
    strategies.emplace_back(fmt::format("two-stage {}+{}", stage_one, stage_two),
                            [&s](scanned_world& w, std::uint32_t budget, std::uint64_t) { return two_stage(w, s, budget); });
    strategies.emplace_back("conductor", [&s](scanned_world& w, std::uint32_t budget, std::uint64_t seed) { return conducted(w, s, budget, seed); });

    steering_study out;
    std::vector<strategy_errors> errors;
    const auto all = every_pair(s.seeds);
    for (const auto& [name, plan] : strategies) {
        strategy_errors table{name, {}, {}};
        strategy_result r{name, {}, {}, std::nullopt};
        for (const auto budget : s.budgets) {
            std::vector<double> row;
            std::uint32_t found = 0;
            for (std::uint32_t seed = 0; seed < s.seeds; ++seed) {
                draws place{s.seed * 1000003 + seed};
                const double offset = s.offset * (2.0 * place() - 1.0); // paired: every strategy and budget meets the same world
                scanned_world w(stock, variance, offset, s.spatial_volume, s.seed * 7919 + seed * 131 + 1);
                const auto scanned = plan(w, budget, s.seed + seed);
                const auto peak = fitted_peak(scanned.points, scanned.n, s.beta_min, s.beta_max);
                found += peak ? 1 : 0;
                const double miss = peak ? *peak - (*truth + offset) : 0.5 * (s.beta_max - s.beta_min);
                row.push_back(miss * miss);
            }
            table.spent.emplace_back(s.seeds, static_cast<double>(budget));
            table.squared.push_back(std::move(row));
            r.found.push_back(found);
        }
        r.rmse = rmse_of(table, all);
        r.needed = trajectories_needed(spent_of(table, all), r.rmse, s.target);
        errors.push_back(std::move(table));
        out.strategies.push_back(std::move(r));
    }
    std::size_t best = 0;
    for (std::size_t k = 1; k < grids; ++k)
        if (out.strategies[k].needed.value_or(1e300) < out.strategies[best].needed.value_or(1e300))
            best = k;
    out.best_grid = out.strategies[best].name;
    const auto key = s.seed ^ 0x9e3779b97f4a7c15ull;
    out.saved = saving_of(errors.back(), errors[best], s.target, key);
    out.saved_two_stage = saving_of(errors.back(), errors[grids], s.target, key);
    return out;
}

} // namespace forge
