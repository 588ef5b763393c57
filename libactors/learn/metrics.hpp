// SPDX-License-Identifier: AGPL-3.0-only
// How good is a head? Scores that the base rate cannot earn, with intervals that know that rows of one chain are not independent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace forge {

/// One prediction and what then came. Classification: actual > 1/2 is the class, predicted a score (a probability for
/// balanced_accuracy, which cuts at 1/2, and brier).
struct scored {
    double predicted = 0.0;
    double actual = 0.0;
    std::uint32_t cluster = 0; ///< the chain, counted from 0
};

/// All scores take a weight for each cluster (empty: all 1) and give nothing where they are not defined: without rows, or
/// when a class or the variance of the target is missing. Cost: one pass over the rows.
using cluster_weights = std::span<const double>;

/// Mean of the two classes' hit rates; 1/2 for any constant.
[[nodiscard]] std::optional<double> balanced_accuracy(std::span<const scored> rows, cluster_weights w = {});
/// Share of hits: what the commoner class earns for nothing; beside a base rate only.
[[nodiscard]] std::optional<double> plain_accuracy(std::span<const scored> rows, cluster_weights w = {});
/// 1 - sum (y - yhat)^2 / sum (y - mean y)^2.
[[nodiscard]] std::optional<double> r_squared(std::span<const scored> rows, cluster_weights w = {});
/// Mean (p - y)^2, p clamped to [0, 1].
[[nodiscard]] std::optional<double> brier(std::span<const scored> rows, cluster_weights w = {});
/// Share of rows of class 1.
[[nodiscard]] std::optional<double> base_rate(std::span<const scored> rows, cluster_weights w = {});

/// Area under the ROC curve: the probability that a row of class 1 scores above one of class 0, ties half. Sorts once, so that
/// a bootstrap costs one pass a resample.
class roc {
public:
    explicit roc(std::span<const scored> rows);
    [[nodiscard]] std::optional<double> area(cluster_weights w = {}) const;

private:
    std::vector<scored> sorted_; ///< by score
};

/// A value with its 95 % interval.
struct interval {
    double value = 0.0;
    double low = 0.0;
    double high = 0.0;
};

/// Percentile bootstrap over whole clusters: each resample draws as many clusters as there are, with replacement, and hands the
/// statistic how often each was drawn. A paired difference is a statistic that subtracts under the same weights.
///
/// @return nothing when the statistic is not defined on the whole, or on more than one resample in twenty.
/// Deterministic: the draws follow from the seed. Cost: resamples + 1 calls.
[[nodiscard]] std::optional<interval> cluster_bootstrap(std::size_t clusters, const std::function<std::optional<double>(cluster_weights)>& statistic,
                                                        std::size_t resamples = 1000, std::uint64_t seed = 1);

} // namespace forge
