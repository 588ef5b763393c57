// SPDX-License-Identifier: AGPL-3.0-only
// What every gram engine promises (gram_engine.hpp), as one function over any of them.
#pragma once

#include "libactors/engine/gram_engine.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <random>

namespace forge::testing {

struct drawn_rows {
    std::size_t columns, targets;
    std::vector<double> x, y;
    [[nodiscard]] std::size_t rows() const { return x.size() / columns; }
    [[nodiscard]] std::span<const double> xs(std::size_t first, std::size_t n) const { return std::span(x).subspan(first * columns, n * columns); }
    [[nodiscard]] std::span<const double> ys(std::size_t first, std::size_t n) const { return std::span(y).subspan(first * targets, n * targets); }
};

/// Numbers of several orders of magnitude, so that sums in another precision show.
inline drawn_rows draw_rows(std::uint32_t seed, std::size_t rows, std::size_t columns, std::size_t targets) {
    std::mt19937 g(seed);
    std::normal_distribution<double> normal;
    drawn_rows d{columns, targets, std::vector<double>(rows * columns), std::vector<double>(rows * targets)};
    for (auto& v : d.x)
        v = normal(g) * std::exp(normal(g));
    for (auto& v : d.y)
        v = normal(g) * std::exp(normal(g));
    return d;
}

/// |computed - exact| / (n u |a|^T |b|), the largest of all elements: at most about 1 in whatever order a sum is formed (Higham, Accuracy
/// and Stability of Numerical Algorithms, 3.1). The exact one is a plain loop in long double, 64 bits of mantissa.
inline double worst_error(const drawn_rows& d, const gram_sums& sums) {
    const std::size_t p = d.columns, m = d.targets;
    double worst = 0.0;
    for (std::size_t i = 0; i < p; ++i)
        for (std::size_t j = 0; j < p + m; ++j) {
            long double sum = 0.0L, size = 0.0L;
            for (std::size_t r = 0; r < d.rows(); ++r) {
                const long double b = j < p ? d.x[r * p + j] : d.y[r * m + j - p];
                sum += static_cast<long double>(d.x[r * p + i]) * b;
                size += std::fabs(static_cast<long double>(d.x[r * p + i]) * b);
            }
            const double computed = j < p ? sums.xx[i * p + j] : sums.xy[i * m + j - p];
            const long double unit = 0x1p-53L * size * static_cast<long double>(d.rows() + 2); // two: the product, and a sum that was there
            worst = std::max(worst, static_cast<double>(std::fabs(computed - sum) / unit));
        }
    return worst;
}

/// @param make  a fresh engine each time.
inline void check_gram_contract(const std::function<std::unique_ptr<gram_engine>()>& make) {
    const auto engine = make();
    const std::size_t tile = engine->tile_rows();
    REQUIRE(tile > 0);
    CHECK_FALSE(engine->name().empty());

    struct shape {
        std::size_t rows, columns, targets;
    };
    for (const auto s : {shape{1, 1, 1}, shape{5, 3, 0}, shape{tile - 1, 7, 3}, shape{tile, 16, 1}, shape{2 * tile + 5, 13, 2}, shape{tile + 1, 37, 11}}) {
        const auto d = draw_rows(7, s.rows, s.columns, s.targets);
        gram_sums sums(s.columns, s.targets);
        engine->accumulate(d.x, d.y, sums).or_throw();
        INFO(s.rows << " rows of " << s.columns << " columns and " << s.targets << " targets");
        CHECK(sums.rows == s.rows);
        CHECK(worst_error(d, sums) < 1.0);
    }

    // One call, calls cut at whole tiles, another engine: the same bits. Cut elsewhere: the same but for rounding.
    const auto d = draw_rows(8, 3 * tile + 17, 9, 4);
    gram_sums once(9, 4), again(9, 4), in_tiles(9, 4), anyhow(9, 4);
    engine->accumulate(d.x, d.y, once).or_throw();
    make()->accumulate(d.x, d.y, again).or_throw();
    CHECK(again.xx == once.xx);
    CHECK(again.xy == once.xy);
    engine->accumulate(d.xs(0, tile), d.ys(0, tile), in_tiles).or_throw();
    engine->accumulate(d.xs(tile, 2 * tile), d.ys(tile, 2 * tile), in_tiles).or_throw();
    engine->accumulate(d.xs(3 * tile, 17), d.ys(3 * tile, 17), in_tiles).or_throw();
    CHECK(in_tiles.rows == once.rows);
    CHECK(in_tiles.xx == once.xx);
    CHECK(in_tiles.xy == once.xy);
    for (std::size_t first = 0; first < d.rows();) {
        const std::size_t n = std::min(d.rows() - first, tile / 3 + 1 + first % 5);
        engine->accumulate(d.xs(first, n), d.ys(first, n), anyhow).or_throw();
        first += n;
    }
    CHECK(anyhow.rows == once.rows);
    CHECK(worst_error(d, anyhow) < 1.0);

    // No rows add nothing; what is refused changes nothing.
    const auto before = once;
    const auto unchanged = [&] { return once.rows == before.rows && once.xx == before.xx && once.xy == before.xy; };
    CHECK(engine->accumulate({}, {}, once).ok());
    CHECK(unchanged());
    const auto refused = [&](std::span<const double> x, std::span<const double> y) {
        const auto r = engine->accumulate(x, y, once);
        return !r.ok() && r.reason().code == errc::invalid_argument && r.reason().where == engine->name() && unchanged();
    };
    CHECK(refused(d.xs(0, 2), d.ys(0, 3)));
    CHECK(refused(std::span(d.x).first(10), d.ys(0, 1)));
    CHECK(refused({}, d.ys(0, 1)));
    for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
        auto x = d.x, y = d.y;
        x.back() = bad; // in the last tile: the ones before must not be in
        CHECK(refused(x, d.y));
        y.back() = bad;
        CHECK(refused(d.x, y));
    }
}

} // namespace forge::testing
