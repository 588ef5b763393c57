// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/supervision/calibration.hpp"

#include "libactors/numerics/counter_rng.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace forge {

std::vector<std::size_t> calibration::order(std::uint64_t seed, std::uint32_t look, std::uint32_t round) const {
    std::vector<std::size_t> arms;
    for (std::size_t a = 0; a < in_race_.size(); ++a)
        if (in_race_[a])
            arms.push_back(a);
    const std::array<std::uint32_t, 2> key{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
    for (std::size_t k = arms.size(); k > 1; --k) {
        const auto word = philox4x32({static_cast<std::uint32_t>(k), round, look, 0x0a7d}, key)[0];
        const auto j = static_cast<std::size_t>((static_cast<std::uint64_t>(word) * k) >> 32);
        std::swap(arms[k - 1], arms[j]);
    }
    return arms;
}

comparison_basis calibration::basis(const policy_settings& s) const {
    if (s.objective == ordering_objective::per_second)
        return {ordering_objective::per_second, energy_source::none, true, "trajectories per second, as asked"};
    std::set<energy_source> sources;
    bool every = !rounds_.empty();
    for (const auto& round : rounds_)
        for (const auto& [arm, v] : round)
            if (v.log_per_j)
                sources.insert(v.source);
            else
                every = false;
    if (!every || sources.size() != 1)
        return {ordering_objective::per_second, energy_source::none, true,
                sources.size() > 1 ? "trajectories per second: joules come from different sources" : "trajectories per second: joules are unknown"};
    const auto source = *sources.begin();
    const bool trusted = is_measured(source) || (source == energy_source::model && s.watts_configured);
    if (trusted)
        return {ordering_objective::per_joule, source, true, "trajectories per joule, source " + std::string(name_of(source))};
    if (s.objective == ordering_objective::per_joule)
        return {ordering_objective::per_joule, source, false, "trajectories per joule of a model nobody configured: advice only"};
    return {ordering_objective::per_second, energy_source::none, true, "trajectories per second: the joules are a model nobody configured"};
}

std::optional<double> calibration::value(std::size_t round, std::size_t arm, ordering_objective o) const {
    const auto found = rounds_[round].find(arm);
    if (found == rounds_[round].end())
        return std::nullopt;
    return o == ordering_objective::per_joule ? found->second.log_per_j : std::optional(found->second.log_per_s);
}

std::optional<calibration::scatter> calibration::common_scatter(ordering_objective o) const {
    std::vector<std::vector<double>> arms; // log x by round; every arm of the race is in every round
    for (std::size_t a = 0; a < in_race_.size(); ++a) {
        if (!in_race_[a])
            continue;
        auto& rounds = arms.emplace_back();
        for (std::size_t k = 0; k < rounds_.size(); ++k)
            if (const auto x = value(k, a, o))
                rounds.push_back(*x);
        if (rounds.size() != rounds_.size())
            return std::nullopt;
    }
    if (arms.size() < 2 || rounds_.size() < 2)
        return std::nullopt;
    const auto n = static_cast<double>(rounds_.size()), arms_n = static_cast<double>(arms.size());
    for (std::size_t k = 0; k < rounds_.size(); ++k) { // what a round has in common
        double mean = 0.0;
        for (const auto& arm : arms)
            mean += arm[k] / arms_n;
        for (auto& arm : arms)
            arm[k] -= mean;
    }
    scatter s{0.0, (arms.size() - 1) * (rounds_.size() - 1), arms_n};
    for (const auto& arm : arms) {
        double mean = 0.0;
        for (const double r : arm)
            mean += r / n;
        for (const double r : arm)
            s.variance += (r - mean) * (r - mean) / static_cast<double>(s.degrees);
    }
    return s;
}

small_sample calibration::log_ratio(std::size_t arm, ordering_objective o) const {
    std::vector<double> ratios;
    for (std::size_t k = 0; k < rounds_.size(); ++k) {
        const auto own = value(k, arm, o);
        if (!own)
            continue;
        double sum = 0.0;
        double n = 0.0;
        for (std::size_t a = 0; a < in_race_.size(); ++a)
            if (const auto x = in_race_[a] || a == arm ? value(k, a, o) : std::nullopt) {
                sum += *x;
                n += 1.0;
            }
        ratios.push_back(*own - sum / n);
    }
    auto sample = small_sample_of(ratios);
    if (const auto s = in_race_[arm] ? common_scatter(o) : std::nullopt) {
        sample.error = std::sqrt(s->variance * (1.0 - 1.0 / s->arms) / static_cast<double>(sample.n));
        sample.degrees = s->degrees;
    }
    return sample;
}

small_sample calibration::log_gain(std::size_t arm, ordering_objective o) const {
    std::vector<double> gains;
    for (std::size_t k = 0; k < rounds_.size(); ++k) {
        const auto own = value(k, arm, o), incumbent = value(k, incumbent_, o);
        if (own && incumbent)
            gains.push_back(*own - *incumbent);
    }
    auto sample = small_sample_of(gains);
    if (const auto s = in_race_[arm] && in_race_[incumbent_] && arm != incumbent_ ? common_scatter(o) : std::nullopt) {
        sample.error = std::sqrt(2.0 * s->variance / static_cast<double>(sample.n));
        sample.degrees = s->degrees;
    }
    return sample;
}

} // namespace forge
