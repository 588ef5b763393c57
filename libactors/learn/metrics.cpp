// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/metrics.hpp"

#include "libactors/base/contract.hpp"
#include "libactors/numerics/counter_rng.hpp"

#include <algorithm>
#include <array>

namespace forge {

namespace {

constexpr std::uint32_t bootstrap_stream = 0x626f6f74; // "boot": apart from every other use of the generator

double weight(const scored& r, cluster_weights w) { return w.empty() ? 1.0 : w[r.cluster]; }
bool is_one(const scored& r) { return r.actual > 0.5; }

/// Weighted mean of f over the rows that `use` lets in.
template <class Use, class F>
std::optional<double> mean_where(std::span<const scored> rows, cluster_weights w, Use use, F f) {
    double sum = 0.0;
    double total = 0.0;
    for (const auto& r : rows)
        if (use(r)) {
            sum += weight(r, w) * f(r);
            total += weight(r, w);
        }
    return total > 0.0 ? std::optional(sum / total) : std::nullopt;
}

bool every(const scored&) { return true; }
double hit(const scored& r) { return (r.predicted > 0.5) == is_one(r) ? 1.0 : 0.0; }

} // namespace

std::optional<double> balanced_accuracy(std::span<const scored> rows, cluster_weights w) {
    const auto ones = mean_where(rows, w, is_one, hit);
    const auto zeros = mean_where(rows, w, [](const scored& r) { return !is_one(r); }, hit);
    return ones && zeros ? std::optional(0.5 * (*ones + *zeros)) : std::nullopt;
}

std::optional<double> plain_accuracy(std::span<const scored> rows, cluster_weights w) { return mean_where(rows, w, every, hit); }

std::optional<double> r_squared(std::span<const scored> rows, cluster_weights w) {
    const auto mean = mean_where(rows, w, every, [](const scored& r) { return r.actual; });
    if (!mean)
        return std::nullopt;
    const auto missed = mean_where(rows, w, every, [](const scored& r) { return (r.actual - r.predicted) * (r.actual - r.predicted); });
    const auto varied = mean_where(rows, w, every, [m = *mean](const scored& r) { return (r.actual - m) * (r.actual - m); });
    return *varied > 0.0 ? std::optional(1.0 - *missed / *varied) : std::nullopt;
}

std::optional<double> brier(std::span<const scored> rows, cluster_weights w) {
    return mean_where(rows, w, every, [](const scored& r) {
        const double d = std::clamp(r.predicted, 0.0, 1.0) - (is_one(r) ? 1.0 : 0.0);
        return d * d;
    });
}

std::optional<double> base_rate(std::span<const scored> rows, cluster_weights w) {
    return mean_where(rows, w, every, [](const scored& r) { return is_one(r) ? 1.0 : 0.0; });
}

roc::roc(std::span<const scored> rows) : sorted_(rows.begin(), rows.end()) {
    std::stable_sort(sorted_.begin(), sorted_.end(), [](const auto& a, const auto& b) { return a.predicted < b.predicted; });
}

std::optional<double> roc::area(cluster_weights w) const {
    double below = 0.0; // weight of class 0 that scores less than the current tie
    double pairs = 0.0;
    double ones = 0.0;
    for (std::size_t k = 0; k < sorted_.size();) {
        std::array<double, 2> tied{0.0, 0.0};
        const double score = sorted_[k].predicted;
        for (; k < sorted_.size() && sorted_[k].predicted == score; ++k)
            tied[is_one(sorted_[k]) ? 1 : 0] += weight(sorted_[k], w);
        pairs += tied[1] * (below + 0.5 * tied[0]);
        below += tied[0];
        ones += tied[1];
    }
    return ones > 0.0 && below > 0.0 ? std::optional(pairs / (ones * below)) : std::nullopt;
}

std::optional<interval> cluster_bootstrap(std::size_t clusters, const std::function<std::optional<double>(cluster_weights)>& statistic, std::size_t resamples,
                                          std::uint64_t seed) {
    expects(clusters > 0 && resamples >= 20, "a bootstrap draws from clusters, often enough to see a 95 % interval");
    const std::vector<double> ones(clusters, 1.0);
    const auto whole = statistic(ones);
    if (!whole)
        return std::nullopt;
    std::vector<double> seen;
    std::vector<double> drawn(clusters);
    for (std::size_t r = 0; r < resamples; ++r) {
        std::fill(drawn.begin(), drawn.end(), 0.0);
        for (std::size_t k = 0; k < clusters; ++k) {
            const auto block = philox4x32({static_cast<std::uint32_t>(k), static_cast<std::uint32_t>(r), bootstrap_stream, 0},
                                          {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
            drawn[std::min(clusters - 1, static_cast<std::size_t>(angle_uniform(block) * static_cast<double>(clusters)))] += 1.0;
        }
        if (const auto x = statistic(drawn))
            seen.push_back(*x);
    }
    if (seen.size() * 20 < resamples * 19)
        return std::nullopt;
    std::sort(seen.begin(), seen.end());
    const auto at = [&seen](double q) { return seen[static_cast<std::size_t>(q * static_cast<double>(seen.size() - 1) + 0.5)]; };
    return interval{*whole, at(0.025), at(0.975)};
}

} // namespace forge
