// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/conductor/peak_errors.hpp"

#include "libactors/base/result.hpp"
#include "libactors/numerics/counter_rng.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace forge {

namespace {

constexpr std::uint32_t bootstrap_rounds = 2000;

std::vector<double> means(const std::vector<std::vector<double>>& rows, std::span<const std::size_t> pairs) {
    std::vector<double> out;
    for (const auto& row : rows) {
        double sum = 0.0;
        for (const auto k : pairs)
            sum += row[k];
        out.push_back(sum / static_cast<double>(pairs.size()));
    }
    return out;
}

/// `of` on every pair once, and its 95 % over drawn pairs.
saving drawn_saving(const strategy_errors& ours, const strategy_errors& theirs, std::uint64_t seed,
                    const std::function<std::optional<double>(std::span<const std::size_t> pairs, bool drawn)>& of) {
    const auto n = ours.squared.empty() ? std::size_t{0} : ours.squared.front().size();
    saving out;
    if (n == 0 || theirs.squared.empty() || theirs.squared.front().size() != n)
        return out;
    out.value = of(every_pair(n), false);
    std::uint64_t drawn = 0;
    std::vector<double> values;
    std::vector<std::size_t> pairs(n);
    for (std::uint32_t r = 0; r < bootstrap_rounds; ++r) {
        for (auto& k : pairs)
            k = static_cast<std::size_t>(angle_uniform(noise_block({seed, drawn++, 0}, 0, noise_purpose::start, 0)) * static_cast<double>(n));
        if (const auto value = of(pairs, true))
            values.push_back(*value);
    }
    if (values.empty())
        return out;
    std::sort(values.begin(), values.end());
    out.low = values[values.size() * 25 / 1000];
    out.high = values[values.size() * 975 / 1000];
    return out;
}

} // namespace

std::vector<std::size_t> every_pair(std::size_t n) {
    std::vector<std::size_t> all(n);
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
}

std::vector<double> rmse_of(const strategy_errors& e, std::span<const std::size_t> pairs) {
    auto out = means(e.squared, pairs);
    for (auto& v : out)
        v = std::sqrt(std::max(v, 1e-12)); // its logarithm is taken
    return out;
}

std::vector<double> spent_of(const strategy_errors& e, std::span<const std::size_t> pairs) { return means(e.spent, pairs); }

std::optional<double> trajectories_needed(std::span<const double> spent, std::span<const double> rmse, double target) {
    expects(spent.size() == rmse.size(), "one error per budget");
    // From above: the smallest budget from which on the target is kept.
    std::optional<double> needed;
    for (std::size_t k = spent.size(); k-- > 0;) {
        if (rmse[k] > target) {
            if (k + 1 == spent.size())
                return std::nullopt;
            const double x = (std::log(rmse[k]) - std::log(target)) / (std::log(rmse[k]) - std::log(rmse[k + 1]));
            return std::exp(std::log(spent[k]) + x * (std::log(spent[k + 1]) - std::log(spent[k])));
        }
        needed = spent[k];
    }
    return needed;
}

double square_root_law(const strategy_errors& e, std::span<const std::size_t> pairs) {
    double sum = 0.0;
    for (std::size_t b = 0; b < e.spent.size(); ++b)
        for (const auto k : pairs)
            sum += e.spent[b][k] * e.squared[b][k];
    return sum / static_cast<double>(e.spent.size() * pairs.size());
}

saving square_root_saving_of(const strategy_errors& ours, const strategy_errors& theirs, std::uint64_t seed) {
    return drawn_saving(ours, theirs, seed, [&](std::span<const std::size_t> pairs, bool) -> std::optional<double> {
        const double base = square_root_law(theirs, pairs);
        return base > 0.0 ? std::optional(1.0 - square_root_law(ours, pairs) / base) : std::nullopt;
    });
}

saving saving_of(const strategy_errors& ours, const strategy_errors& theirs, double target, std::uint64_t seed) {
    const auto needed = [target](const strategy_errors& e, std::span<const std::size_t> pairs) {
        return trajectories_needed(spent_of(e, pairs), rmse_of(e, pairs), target);
    };
    return drawn_saving(ours, theirs, seed, [&](std::span<const std::size_t> pairs, bool drawn) -> std::optional<double> {
        const auto a = needed(ours, pairs), b = needed(theirs, pairs);
        if ((!a || !b) && !drawn)
            return std::nullopt;
        return 1.0 - a.value_or(2.0 * spent_of(ours, pairs).back()) / b.value_or(2.0 * spent_of(theirs, pairs).back());
    });
}

} // namespace forge
