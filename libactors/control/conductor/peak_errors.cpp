// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/conductor/peak_errors.hpp"

#include "libactors/base/result.hpp"
#include "libactors/numerics/counter_rng.hpp"

#include <algorithm>
#include <cmath>
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

saving saving_of(const strategy_errors& ours, const strategy_errors& theirs, double target, std::uint64_t seed) {
    const auto n = ours.squared.empty() ? std::size_t{0} : ours.squared.front().size();
    saving out;
    if (n == 0 || theirs.squared.empty() || theirs.squared.front().size() != n)
        return out;
    const auto needed = [target](const strategy_errors& e, std::span<const std::size_t> pairs) {
        return trajectories_needed(spent_of(e, pairs), rmse_of(e, pairs), target);
    };
    const auto all = every_pair(n);
    const auto a = needed(ours, all), b = needed(theirs, all);
    if (a && b)
        out.value = 1.0 - *a / *b;
    std::uint64_t drawn = 0;
    std::vector<double> values;
    std::vector<std::size_t> pairs(n);
    for (std::uint32_t r = 0; r < bootstrap_rounds; ++r) {
        for (auto& k : pairs)
            k = static_cast<std::size_t>(angle_uniform(noise_block({seed, drawn++, 0}, 0, noise_purpose::start, 0)) * static_cast<double>(n));
        values.push_back(1.0 - needed(ours, pairs).value_or(2.0 * spent_of(ours, pairs).back()) /
                                   needed(theirs, pairs).value_or(2.0 * spent_of(theirs, pairs).back()));
    }
    std::sort(values.begin(), values.end());
    out.low = values[values.size() * 25 / 1000];
    out.high = values[values.size() * 975 / 1000];
    return out;
}

} // namespace forge
