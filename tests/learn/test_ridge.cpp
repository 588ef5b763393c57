// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/ridge.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <cmath>
#include <random>

using namespace forge;

namespace {

constexpr std::size_t n_features = 6;
struct row {
    std::array<float, n_features> x;
    double y;
};

/// y = 0.7 + sum_k (k - 2) x_k + noise
std::vector<row> rows_of(unsigned seed, std::size_t n, double noise) {
    std::mt19937 random(seed);
    std::normal_distribution<double> normal;
    std::vector<row> rows(n);
    for (auto& r : rows) {
        r.y = 0.7 + noise * normal(random);
        for (std::size_t k = 0; k < n_features; ++k) {
            r.x[k] = static_cast<float>(normal(random));
            r.y += (static_cast<double>(k) - 2.0) * static_cast<double>(r.x[k]);
        }
    }
    return rows;
}

ridge_sums sums_of(const std::vector<row>& rows) {
    ridge_sums s(n_features);
    for (const auto& r : rows)
        s.add(r.x, r.y);
    return s;
}

double objective(const std::vector<row>& rows, std::span<const double> w, double lambda) {
    double sum = 0.0;
    for (const double x : w)
        sum += lambda * x * x;
    for (const auto& r : rows) {
        double y = w[0];
        for (std::size_t k = 0; k < n_features; ++k)
            y += w[k + 1] * static_cast<double>(r.x[k]);
        sum += (r.y - y) * (r.y - y);
    }
    return sum;
}

} // namespace

TEST_CASE("the readout minimises squared error plus penalty") {
    const auto rows = rows_of(1, 60, 0.5);
    for (const double lambda : {1e-6, 0.1, 10.0}) {
        CAPTURE(lambda);
        const auto fit = ridge_readout::solve(sums_of(rows), lambda).or_throw();
        std::vector<double> w(fit.weights().begin(), fit.weights().end());
        const double least = objective(rows, w, lambda);
        for (std::size_t k = 0; k < w.size(); ++k)
            for (const double step : {-1e-3, 1e-3}) {
                auto moved = w;
                moved[k] += step;
                CHECK(objective(rows, moved, lambda) > least);
            }
    }
}

TEST_CASE("the law behind the data is found, its noise too, and the errors are honest") {
    int inside = 0;
    double sigma2 = 0.0;
    constexpr int repeats = 400;
    for (unsigned seed = 0; seed < repeats; ++seed) {
        const auto fit = ridge_readout::solve(sums_of(rows_of(seed, 40, 0.3)), 1e-3).or_throw();
        sigma2 += fit.residual_variance() / repeats;
        const auto probe = rows_of(10000 + seed, 1, 0.3).front();
        inside += std::abs(fit.predict(probe.x) - probe.y) < std::sqrt(fit.variance(probe.x)) ? 1 : 0;
    }
    CHECK(std::abs(sigma2 - 0.09) < 5.0 * 0.09 * std::sqrt(2.0 / 33.0 / repeats)); // 5 sigma
    const double expected = 0.675; // Student's t with 33 degrees of freedom inside one sigma
    CHECK(std::abs(inside / static_cast<double>(repeats) - expected) < 4.0 * std::sqrt(expected * (1.0 - expected) / repeats));
}

TEST_CASE("updates one by one are the same as solving with all rows") {
    const auto rows = rows_of(5, 80, 0.4);
    const std::vector<row> first(rows.begin(), rows.begin() + 30);
    auto online = ridge_readout::solve(sums_of(first), 0.05).or_throw();
    for (std::size_t k = 30; k < rows.size(); ++k)
        online.update(rows[k].x, rows[k].y);
    const auto batch = ridge_readout::solve(sums_of(rows), 0.05).or_throw();
    for (std::size_t k = 0; k <= n_features; ++k)
        CHECK(online.weights()[k] == Approx(batch.weights()[k]).epsilon(1e-9));
    CHECK(online.rows() == batch.rows());
    CHECK(online.residual_variance() == Approx(batch.residual_variance()).epsilon(1e-9));
    CHECK(online.variance(rows[3].x) == Approx(batch.variance(rows[3].x)).epsilon(1e-9));
}

TEST_CASE("cross-validation leaves whole groups out and chooses what predicts them") {
    // Noise alone: the strongest penalty wins. A clean law: the weakest.
    const std::vector<double> candidates{1e-6, 1e-2, 1.0, 100.0};
    std::vector<ridge_sums> noise;
    std::vector<ridge_sums> law;
    std::mt19937 random(9);
    std::normal_distribution<double> normal;
    for (unsigned g = 0; g < 8; ++g) {
        auto rows = rows_of(100 + g, 12, 0.0);
        law.push_back(sums_of(rows));
        for (auto& r : rows)
            r.y = normal(random);
        noise.push_back(sums_of(rows));
    }
    CHECK(ridge_readout::cross_validate(law, candidates).or_throw().lambda() == 1e-6);
    CHECK(ridge_readout::cross_validate(noise, candidates).or_throw().lambda() == 100.0);
    CHECK_FALSE(ridge_readout::cross_validate(std::span(law).first(1), candidates));
    // Two groups that contradict each other: each predicts the other worse than nothing does.
    auto up = rows_of(1, 50, 0.0);
    auto down = up;
    for (auto& r : down)
        r.y = -r.y;
    const std::vector<ridge_sums> contrary{sums_of(up), sums_of(down)};
    CHECK(ridge_readout::cross_validate(contrary, candidates).or_throw().lambda() == 100.0);
}

TEST_CASE("what cannot be solved is said") {
    CHECK_FALSE(ridge_readout::solve(ridge_sums(3), 0.1));
    CHECK_FALSE(ridge_readout::solve(sums_of(rows_of(1, 5, 0.1)), 0.0));
    ridge_sums bad(n_features);
    bad.add(std::array<float, n_features>{std::nanf(""), 0, 0, 0, 0, 0}, 1.0);
    const auto r = ridge_readout::solve(bad, 0.1);
    REQUIRE_FALSE(r);
    CHECK(r.reason().code == errc::numerics_failed);
}

TEST_CASE("many targets at once are each target alone, and a readout is the sum of its parts") {
    std::mt19937 random(11);
    std::normal_distribution<double> normal;
    constexpr std::size_t features = 7;
    constexpr std::size_t targets = 3;
    std::vector<ridge_block> blocks(4, ridge_block(features, targets));
    std::vector<std::vector<ridge_sums>> sums(targets, std::vector<ridge_sums>(4, ridge_sums(features)));
    for (int row = 0; row < 1000; ++row) {
        std::array<float, features> x{};
        for (auto& v : x)
            v = static_cast<float>(normal(random));
        const std::array<double, targets> y{x[0] + 0.1 * normal(random), 2.0 * x[1] - 1.0, normal(random)};
        blocks[static_cast<std::size_t>(row) % 4].add(x, y).or_throw();
        for (std::size_t k = 0; k < targets; ++k)
            sums[k][static_cast<std::size_t>(row) % 4].add(x, y[k]);
    }
    const std::array<double, 3> penalties{1e-3, 1.0, 1e3};
    const auto together = ridge_readout::cross_validate(std::span<const ridge_block>(blocks), penalties).or_throw();
    const std::array<float, features> at{0.3f, -1.0f, 0.2f, 0.9f, 0.0f, 1.5f, -0.4f};
    for (std::size_t k = 0; k < targets; ++k) {
        const auto alone = ridge_readout::cross_validate(std::span<const ridge_sums>(sums[k]), penalties).or_throw();
        CHECK(together[k].lambda() == alone.lambda());
        CHECK(together[k].predict(at) == Approx(alone.predict(at)).epsilon(1e-9).margin(1e-9));
        CHECK(together[k].variance(at) == Approx(alone.variance(at)).epsilon(1e-6).margin(1e-12));
        auto back = ridge_readout::from_parts(together[k].to_parts()).or_throw();
        CHECK(back.predict(at) == together[k].predict(at));
        CHECK(back.variance(at) == together[k].variance(at));
        auto original = together[k];
        original.update(at, 1.0);
        back.update(at, 1.0);
        CHECK(back.predict(at) == original.predict(at));
        CHECK(back.residual_variance() == original.residual_variance());
    }
    auto parts = together[0].to_parts();
    parts.inverse.pop_back();
    CHECK(ridge_readout::from_parts(parts).reason().code == errc::invalid_argument);
    parts = together[0].to_parts();
    parts.weights[2] = std::nan("");
    CHECK(ridge_readout::from_parts(parts).reason().code == errc::invalid_argument);
}
