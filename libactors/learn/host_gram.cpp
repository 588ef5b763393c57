// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/host_gram.hpp"

#include <Eigen/Dense>

#include <algorithm>

namespace forge {

result<void> host_gram::accumulate(std::span<const double> x, std::span<const double> y, gram_sums& sums) {
    using matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const auto index = [](std::size_t n) { return static_cast<Eigen::Index>(n); };
    const auto rows = judge_gram_rows(x, y, sums, name());
    if (!rows)
        return rows.reason();
    const std::size_t p = sums.columns, m = sums.targets;
    for (std::size_t first = 0; first < *rows; first += tile_rows()) {
        const std::size_t n = std::min(tile_rows(), *rows - first);
        const Eigen::Map<const matrix> tile_x(x.data() + first * p, index(n), index(p));
        const Eigen::Map<const matrix> tile_y(y.data() + first * m, index(n), index(m));
        Eigen::Map<matrix>(sums.xx.data(), index(p), index(p)).noalias() += tile_x.transpose() * tile_x;
        Eigen::Map<matrix>(sums.xy.data(), index(p), index(m)).noalias() += tile_x.transpose() * tile_y;
        sums.rows += n;
    }
    return {};
}

} // namespace forge
