// SPDX-License-Identifier: AGPL-3.0-only
// What strategies of a scan spent and missed, pair by pair: errors, trajectories needed for one error, what one saves against another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace forge {

/// Rows by budget, ascending; columns by pair, the same pairs in the same order for every strategy that is compared.
struct strategy_errors {
    std::string name;
    std::vector<std::vector<double>> spent;   ///< trajectories, thermalisation included
    std::vector<std::vector<double>> squared; ///< squared error of the peak's place
};

/// 0, 1, ... n-1: every pair once.
[[nodiscard]] std::vector<std::size_t> every_pair(std::size_t n);

/// By budget: root mean square error over these pairs, and mean trajectories.
[[nodiscard]] std::vector<double> rmse_of(const strategy_errors& e, std::span<const std::size_t> pairs);
[[nodiscard]] std::vector<double> spent_of(const strategy_errors& e, std::span<const std::size_t> pairs);

/// Trajectories from which on `target` is kept: log rmse is linear in log N between budgets.
/// @return the smallest budget when all keep it; unset when the largest does not.
[[nodiscard]] std::optional<double> trajectories_needed(std::span<const double> spent, std::span<const double> rmse, double target);

struct saving {
    std::optional<double> value; ///< 1 - N(ours) / N(theirs); unset when one never gets there
    std::optional<double> low;   ///< 95 %, paired bootstrap: both strategies are judged on the same drawn pairs
    std::optional<double> high;
};

/// Mean of N times squared error, over budgets and pairs: what N^-1/2 is multiplied with, squared.
[[nodiscard]] double square_root_law(const strategy_errors& e, std::span<const std::size_t> pairs);

/// The same under the assumption that every error falls as N^-1/2: 1 - ratio of square_root_law, from all budgets at once and for
/// every target, where saving_of looks at two budgets beside one target. A bias that does not fall counts the more, the larger the budgets.
[[nodiscard]] saving square_root_saving_of(const strategy_errors& ours, const strategy_errors& theirs, std::uint64_t seed);

/// A drawn set in which a strategy does not reach `target` counts with twice its largest budget.
/// Deterministic in `seed`. Limits: the interval holds for pairs like these; with fewer than about 20 it is too narrow.
[[nodiscard]] saving saving_of(const strategy_errors& ours, const strategy_errors& theirs, double target, std::uint64_t seed);

} // namespace forge
