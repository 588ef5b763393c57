// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/beta_plan.hpp"

#include <cmath>
#include <set>

namespace forge {

std::vector<double> beta_grid(double beta_min, double beta_max, std::uint32_t n) {
    std::vector<double> grid;
    for (std::uint32_t k = 0; k < n; ++k) // rounded to 12 digits, so that 5.7 is 5.7 in names and hashes
        grid.push_back(n == 1 ? beta_min : std::round((beta_min + (beta_max - beta_min) * k / (n - 1)) * 1e12) / 1e12);
    return grid;
}

std::vector<double> visiting_order(const std::vector<double>& grid) {
    if (grid.size() <= 2)
        return grid;
    std::vector<double> order{grid.front(), grid.back()};
    std::set<std::size_t> visited{0, grid.size() - 1};
    while (visited.size() < grid.size()) {
        std::size_t best_low = 0;
        std::size_t best_high = 0;
        for (auto low = visited.begin(), high = std::next(low); high != visited.end(); ++low, ++high)
            if (*high - *low > best_high - best_low) {
                best_low = *low;
                best_high = *high;
            }
        const std::size_t middle = best_low + (best_high - best_low) / 2;
        visited.insert(middle);
        order.push_back(grid[middle]);
    }
    return order;
}

std::optional<std::size_t> planned_point(std::size_t n_points, std::uint32_t n_chains, std::uint32_t chain, std::uint32_t ordinal) {
    const std::size_t point = std::size_t{ordinal} * n_chains + chain;
    return point < n_points ? std::optional(point) : std::nullopt;
}

} // namespace forge
