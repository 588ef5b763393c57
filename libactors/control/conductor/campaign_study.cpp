// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/conductor/campaign_study.hpp"

#include "libactors/control/conductor/steering_study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace forge {

namespace {

constexpr double refined = 0.02; // half width in beta of the second look of the joint fit, whose first step is coarser than its error
const std::string two_stage = "two-stage";

error bad(std::string what) {
    return {errc::invalid_argument, std::move(what), "campaigns in pairs", "complete pairs of scripts/steering-pairs"};
}

const scanned_campaign* find(const campaign_pair& p, const std::string& strategy, std::uint32_t part) {
    const auto at = std::find_if(p.campaigns.begin(), p.campaigns.end(), [&](const auto& c) { return c.strategy == strategy && c.part == part; });
    return at == p.campaigns.end() ? nullptr : &*at;
}

struct pooled {
    double beta_min = std::numeric_limits<double>::infinity(), beta_max = -beta_min;
    std::vector<measured_point> points;
    std::vector<double> n;
};

/// All points of all pairs at their largest budgets, without the pair `left_out`.
pooled pool(const std::vector<campaign_pair>& pairs, double volume, std::size_t left_out) {
    pooled all;
    for (std::size_t k = 0; k < pairs.size(); ++k) {
        if (k == left_out)
            continue;
        all.beta_min = std::min(all.beta_min, pairs[k].beta_min);
        all.beta_max = std::max(all.beta_max, pairs[k].beta_max);
        for (const auto& c : pairs[k].campaigns) {
            if (c.part != 1)
                continue;
            const auto scan = points_of(c, volume);
            all.points.insert(all.points.end(), scan.points.begin(), scan.points.end());
            all.n.insert(all.n.end(), scan.n.begin(), scan.n.end());
        }
    }
    return all;
}

std::optional<double> joint_peak(const pooled& all) {
    const auto coarse = fitted_peak(all.points, all.n, all.beta_min, all.beta_max);
    return coarse ? fitted_peak(all.points, all.n, *coarse - refined, *coarse + refined) : std::nullopt;
}

/// Names in order, grids first; every pair has each of them with every part that it needs.
result<std::vector<std::pair<std::string, bool>>> strategies_of(const std::vector<campaign_pair>& pairs, const std::vector<std::uint32_t>& parts) {
    std::vector<std::pair<std::string, bool>> all;
    for (const auto& c : pairs.front().campaigns)
        if (std::find(all.begin(), all.end(), std::pair(c.strategy, c.grid)) == all.end())
            all.emplace_back(c.strategy, c.grid);
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.second && !b.second; });
    for (const auto& p : pairs) {
        std::size_t expected = 0;
        for (const auto& [name, grid] : all)
            for (const auto part : parts) {
                if (grid && part != 1)
                    continue;
                ++expected;
                if (find(p, name, part) == nullptr)
                    return bad(fmt::format("{} has no {} with 1/{} of the budget", p.name, name, part));
            }
        if (expected != p.campaigns.size())
            return bad(fmt::format("{} has {} campaigns, {} has {}", p.name, p.campaigns.size(), pairs.front().name, expected));
    }
    if (all.empty() || !all.front().second)
        return bad("there is no fixed grid");
    return all;
}

campaign_strategy judge(const std::vector<campaign_pair>& pairs, const campaign_study_settings& s, const std::string& name, bool grid, double truth) {
    campaign_strategy r;
    r.errors.name = name;
    r.grid = grid;
    for (const auto part : s.parts) {
        std::vector<double> spent, squared;
        std::uint32_t found = 0;
        double bias = 0.0;
        for (const auto& p : pairs) {
            const auto scan = points_of(*find(p, name, grid ? 1 : part), s.spatial_volume, grid ? part : 1);
            const auto peak = fitted_peak(scan.points, scan.n, p.beta_min, p.beta_max);
            const double miss = peak ? *peak - truth : 0.5 * (p.beta_max - p.beta_min);
            found += peak ? 1 : 0;
            bias += peak ? miss : 0.0;
            spent.push_back(scan.spent);
            squared.push_back(miss * miss);
        }
        r.errors.spent.push_back(std::move(spent));
        r.errors.squared.push_back(std::move(squared));
        r.found.push_back(found);
        r.bias.push_back(found > 0 ? bias / found : std::numeric_limits<double>::quiet_NaN());
    }
    const auto all = every_pair(pairs.size());
    r.spent = spent_of(r.errors, all);
    r.rmse = rmse_of(r.errors, all);
    return r;
}

} // namespace

scan_points points_of(const scanned_campaign& c, double spatial_volume, std::uint32_t cut) {
    std::map<double, std::vector<double>> by_beta;
    scan_points out;
    for (const auto& segment : c.segments) {
        const auto kept = segment.polyakov.size() / cut;
        auto& at = by_beta[segment.beta];
        at.insert(at.end(), segment.polyakov.begin(), segment.polyakov.begin() + static_cast<std::ptrdiff_t>(kept));
        out.spent += static_cast<double>(segment.thermalised + kept);
    }
    for (const auto& [beta, series] : by_beta) {
        if (series.size() < 2)
            continue;
        const auto n = static_cast<double>(series.size());
        double mean = 0.0, variance = 0.0;
        for (const double v : series)
            mean += v / n;
        for (const double v : series)
            variance += (v - mean) * (v - mean) / n;
        out.points.push_back({beta, spatial_volume * variance, std::nullopt});
        out.n.push_back(n);
    }
    return out;
}

result<campaign_study> study_campaigns(const std::vector<campaign_pair>& pairs, const campaign_study_settings& s) {
    if (pairs.size() < 2 || s.parts.empty() || s.parts.back() != 1 || !std::is_sorted(s.parts.rbegin(), s.parts.rend()))
        return bad("fewer than two pairs, or budgets that do not grow to the whole");
    const auto strategies = strategies_of(pairs, s.parts);
    if (!strategies)
        return strategies.reason();
    campaign_study out;
    out.pairs = pairs.size();
    const auto everything = pool(pairs, s.spatial_volume, pairs.size());
    const auto truth = joint_peak(everything);
    if (!truth)
        return bad("chi_L of all pairs together has no peak inside their windows");
    out.peak = *truth;
    for (const double n : everything.n)
        out.trajectories += static_cast<std::uint64_t>(n);
    std::vector<double> without;
    double mean = 0.0;
    for (std::size_t k = 0; k < pairs.size(); ++k) {
        const auto peak = joint_peak(pool(pairs, s.spatial_volume, k));
        if (!peak)
            return bad(fmt::format("without {} the data have no peak", pairs[k].name));
        without.push_back(*peak);
        mean += *peak / static_cast<double>(pairs.size());
    }
    double spread = 0.0;
    for (const double v : without)
        spread += (v - mean) * (v - mean);
    const auto n = static_cast<double>(pairs.size());
    out.peak_error = std::sqrt((n - 1.0) / n * spread);

    for (const auto& [name, grid] : *strategies)
        out.strategies.push_back(judge(pairs, s, name, grid, out.peak));
    const auto end_of_grids = std::find_if(out.strategies.begin(), out.strategies.end(), [](const auto& r) { return !r.grid; });
    if (s.target) {
        out.target = *s.target;
    } else {
        double best_grid = std::numeric_limits<double>::infinity();
        for (auto r = out.strategies.begin(); r != end_of_grids; ++r)
            best_grid = std::min(best_grid, r->rmse.back());
        out.target = best_grid;
        for (auto r = end_of_grids; r != out.strategies.end(); ++r)
            if (r->errors.name != two_stage)
                out.target = std::max(out.target, r->rmse.back());
    }
    for (auto& r : out.strategies)
        r.needed = trajectories_needed(r.spent, r.rmse, out.target);
    const auto best = std::min_element(out.strategies.begin(), end_of_grids, [](const auto& a, const auto& b) { return a.needed.value_or(1e300) < b.needed.value_or(1e300); });
    out.best_grid = best->errors.name;
    const auto stages = std::find_if(end_of_grids, out.strategies.end(), [](const auto& r) { return r.errors.name == two_stage; });
    for (auto r = end_of_grids; r != out.strategies.end(); ++r)
        if (r != stages)
            out.saved.push_back({r->errors.name, saving_of(r->errors, best->errors, out.target, s.seed),
                                 stages == out.strategies.end() ? saving{} : saving_of(r->errors, stages->errors, out.target, s.seed),
                                 square_root_saving_of(r->errors, best->errors, s.seed)});
    return out;
}

} // namespace forge
