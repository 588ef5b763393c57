// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/metrics.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <cmath>
#include <random>

using namespace forge;

namespace {

/// By its definition: all pairs of a 1 and a 0, one by one.
double area_by_pairs(const std::vector<scored>& rows, const std::vector<double>& w) {
    double won = 0.0;
    double all = 0.0;
    for (const auto& a : rows)
        for (const auto& b : rows)
            if (a.actual > 0.5 && b.actual < 0.5) {
                const double weight = w[a.cluster] * w[b.cluster];
                all += weight;
                won += weight * (a.predicted > b.predicted ? 1.0 : a.predicted == b.predicted ? 0.5 : 0.0);
            }
    return won / all;
}

std::vector<scored> random_rows(unsigned seed, std::uint32_t clusters, int in_each, double signal) {
    std::mt19937 random(seed);
    std::normal_distribution<double> noise;
    std::vector<scored> rows;
    for (std::uint32_t c = 0; c < clusters; ++c)
        for (int k = 0; k < in_each; ++k) {
            const double y = random() % 4 == 0 ? 1.0 : 0.0;
            rows.push_back({std::round(2.0 * (signal * y + noise(random))) / 4.0, y, c}); // rounded: many ties
        }
    return rows;
}

} // namespace

TEST_CASE("scores worked by hand") {
    const std::array<scored, 5> rows{{{0.9, 1.0, 0}, {0.4, 1.0, 0}, {0.8, 0.0, 0}, {0.1, 0.0, 0}, {0.2, 0.0, 0}}};
    CHECK(balanced_accuracy(rows).value() == Approx(0.5 * (1.0 / 2.0 + 2.0 / 3.0)));
    CHECK(plain_accuracy(rows).value() == Approx(0.6));
    CHECK(base_rate(rows).value() == Approx(0.4));
    CHECK(brier(rows).value() == Approx((0.01 + 0.36 + 0.64 + 0.01 + 0.04) / 5.0));
    CHECK(roc(rows).area().value() == Approx(5.0 / 6.0));
    const std::array<scored, 3> line{{{1.0, 1.0, 0}, {2.0, 2.0, 0}, {4.0, 3.0, 0}}};
    CHECK(r_squared(line).value() == Approx(0.5));
}

TEST_CASE("a constant earns one half, however rare the other class is") {
    std::vector<scored> rows(100, scored{0.0, 0.0, 0});
    rows[7].actual = 1.0;
    CHECK(plain_accuracy(rows).value() == Approx(0.99));
    CHECK(balanced_accuracy(rows).value() == Approx(0.5));
    CHECK(roc(rows).area().value() == Approx(0.5));
}

TEST_CASE("a score that is not defined is not a number of its own") {
    const std::array<scored, 2> one_class{{{0.9, 1.0, 0}, {0.4, 1.0, 0}}};
    CHECK_FALSE(balanced_accuracy(one_class));
    CHECK_FALSE(roc(one_class).area());
    CHECK_FALSE(r_squared(one_class)); // the target never varies
    CHECK_FALSE(brier({}));
}

TEST_CASE("the area is that of all pairs, ties half, with weights") {
    for (const unsigned seed : {1u, 2u, 3u}) {
        const auto rows = random_rows(seed, 7, 30, 1.0);
        const std::vector<double> w{1.0, 0.0, 3.0, 1.0, 2.0, 0.0, 0.0};
        CHECK(roc(rows).area().value() == Approx(area_by_pairs(rows, std::vector<double>(7, 1.0))).epsilon(1e-12));
        CHECK(roc(rows).area(w).value() == Approx(area_by_pairs(rows, w)).epsilon(1e-12));
    }
}

TEST_CASE("weights are as if the cluster stood there that often") {
    const auto rows = random_rows(5, 4, 40, 0.7);
    const std::vector<double> w{2.0, 0.0, 1.0, 3.0};
    std::vector<scored> repeated;
    for (const auto& r : rows)
        for (int k = 0; k < static_cast<int>(w[r.cluster]); ++k)
            repeated.push_back(r);
    CHECK(balanced_accuracy(rows, w).value() == Approx(balanced_accuracy(repeated).value()));
    CHECK(r_squared(rows, w).value() == Approx(r_squared(repeated).value()));
    CHECK(brier(rows, w).value() == Approx(brier(repeated).value()));
}

TEST_CASE("the interval covers the truth about as often as it says, when rows of a cluster are one") {
    // Cluster means are normal, 20 equal rows each: an interval over rows would be sqrt(20) too narrow.
    int covered = 0;
    constexpr int trials = 200;
    for (unsigned t = 0; t < trials; ++t) {
        std::mt19937 random(t);
        std::normal_distribution<double> normal(1.0, 1.0);
        std::vector<scored> rows;
        for (std::uint32_t c = 0; c < 40; ++c)
            rows.insert(rows.end(), 20, scored{normal(random), 0.0, c});
        const auto mean = [&rows](cluster_weights w) -> std::optional<double> {
            double sum = 0.0;
            double n = 0.0;
            for (const auto& r : rows) {
                sum += w[r.cluster] * r.predicted;
                n += w[r.cluster];
            }
            return sum / n;
        };
        const auto i = cluster_bootstrap(40, mean, 200, t).value();
        covered += i.low <= 1.0 && 1.0 <= i.high ? 1 : 0;
        CHECK(i.high - i.low == Approx(2.0 * 1.96 / std::sqrt(40.0)).epsilon(0.45));
    }
    CHECK(covered >= 178); // 190 expected, 3 standard deviations of 3.1, and the percentile's known shortfall
    CHECK(covered <= 199);
}

TEST_CASE("a paired difference is sharper than its parts, and the draws follow from the seed") {
    const auto rows = random_rows(9, 30, 50, 1.0);
    auto better = rows;
    for (auto& r : better)
        r.predicted += r.actual * 0.5;
    const roc a(better);
    const roc b(rows);
    const auto difference = [&](cluster_weights w) -> std::optional<double> { return *a.area(w) - *b.area(w); };
    const auto d = cluster_bootstrap(30, difference).value();
    const auto one = cluster_bootstrap(30, [&](cluster_weights w) { return a.area(w); }).value();
    CHECK(d.low > 0.0);
    CHECK(d.high - d.low < one.high - one.low);
    const auto again = cluster_bootstrap(30, difference).value();
    CHECK(again.low == d.low);
    CHECK(again.high == d.high);
    CHECK(cluster_bootstrap(30, difference, 1000, 2)->low != d.low);
    CHECK_FALSE(cluster_bootstrap(30, [](cluster_weights) { return std::optional<double>(); }));
}
