// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/gram_engine.hpp"

#include "libactors/base/contract.hpp"

#include <algorithm>
#include <cmath>

namespace forge {

result<std::size_t> judge_gram_rows(std::span<const double> x, std::span<const double> y, const gram_sums& sums, const std::string& where) {
    expects(sums.columns > 0 && sums.xx.size() == sums.columns * sums.columns && sums.xy.size() == sums.columns * sums.targets,
            "sums have the size that they were made with");
    const std::size_t rows = x.size() / sums.columns;
    if (x.size() != rows * sums.columns || y.size() != rows * sums.targets)
        return error{errc::invalid_argument,
                     std::to_string(x.size()) + " and " + std::to_string(y.size()) + " values are no rows of " + std::to_string(sums.columns) +
                         " columns and " + std::to_string(sums.targets) + " targets",
                     where, "whole rows, as many of X as of Y"};
    const auto finite = [](std::span<const double> all) { return std::all_of(all.begin(), all.end(), [](double v) { return std::isfinite(v); }); };
    if (!finite(x) || !finite(y))
        return error{errc::invalid_argument, "a feature or a target is not a number", where, "such a row teaches nothing: leave it out"};
    return rows;
}

} // namespace forge
