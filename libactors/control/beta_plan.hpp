// SPDX-License-Identifier: AGPL-3.0-only
// The order in which a scan visits its values of beta.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace forge {

/// n equally spaced values from beta_min to beta_max, ends included. n = 1: beta_min.
[[nodiscard]] std::vector<double> beta_grid(double beta_min, double beta_max, std::uint32_t n);

/// Order of visits: the two ends of the range first, then always the grid point nearest the middle of the largest
/// gap between visited points (ties: the lower one). @return values of `grid`, each once.
[[nodiscard]] std::vector<double> visiting_order(const std::vector<double>& grid);

/// Fixed plan: segment `ordinal` of chain c takes point ordinal * n_chains + c of the order. Unset when none is left.
[[nodiscard]] std::optional<std::size_t> planned_point(std::size_t n_points, std::uint32_t n_chains, std::uint32_t chain,
                                                       std::uint32_t ordinal);

} // namespace forge
