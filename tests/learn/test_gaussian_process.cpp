// SPDX-License-Identifier: AGPL-3.0-only
// Gaussian processes by their laws, and against a dense formula of their own.
#include "libactors/learn/gaussian_process.hpp"
#include "libactors/numerics/counter_rng.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <cmath>
#include <iostream>

using namespace forge;

namespace {

const std::vector<gp_point> three{{5.50, 0.2, 0.05}, {5.66, 1.3, 0.1}, {5.90, 0.4, 0.02}};

long double kernel_of(const gp_shape& s, double a, double b) {
    const long double r = std::abs(static_cast<long double>(a) - b) / s.length, q = std::sqrt(5.0L) * r;
    const long double k = s.kernel == gp_kernel::squared_exponential ? std::exp(-r * r / 2) : (1 + q + 5 * r * r / 3) * std::exp(-q);
    return s.amplitude * static_cast<long double>(s.amplitude) * k;
}

/// Inverse and determinant of a 3 x 3 matrix by cofactors.
std::array<std::array<long double, 3>, 3> inverse(const std::array<std::array<long double, 3>, 3>& m, long double& det) {
    std::array<std::array<long double, 3>, 3> c{};
    for (std::size_t i = 0; i < 3; ++i)
        for (std::size_t j = 0; j < 3; ++j)
            c[j][i] = m[(i + 1) % 3][(j + 1) % 3] * m[(i + 2) % 3][(j + 2) % 3] - m[(i + 1) % 3][(j + 2) % 3] * m[(i + 2) % 3][(j + 1) % 3];
    det = m[0][0] * c[0][0] + m[0][1] * c[1][0] + m[0][2] * c[2][0];
    for (auto& row : c)
        for (auto& x : row)
            x /= det;
    return c;
}

double normal(std::uint32_t a, std::uint32_t b) { return normal_pair(philox4x32({a, b, 0, 0}, {11, 2}))[0]; }

} // namespace

TEST_CASE("mean, covariance and likelihood are the dense formula's in long double, three points") {
    for (const auto kernel : {gp_kernel::squared_exponential, gp_kernel::matern52}) {
        const gp_shape s{kernel, 0.8, 0.13, 0.5};
        const auto g = gaussian_process::make(s, three).or_throw();
        std::array<std::array<long double, 3>, 3> k{};
        for (std::size_t i = 0; i < 3; ++i)
            for (std::size_t j = 0; j < 3; ++j)
                k[i][j] = kernel_of(s, three[i].x, three[j].x) + (i == j ? static_cast<long double>(three[i].error) * three[i].error + 0.64e-12L : 0.0L);
        long double det = 0;
        const auto inv = inverse(k, det);
        const std::vector<double> at{5.4, 5.6, 5.66, 5.71};
        const auto p = g.posterior(at);
        const auto weight = [&](double x, double z) {
            long double sum = 0;
            for (std::size_t i = 0; i < 3; ++i)
                for (std::size_t j = 0; j < 3; ++j)
                    sum += kernel_of(s, x, three[i].x) * inv[i][j] * kernel_of(s, z, three[j].x);
            return sum;
        };
        long double fit = 0;
        for (std::size_t i = 0; i < 3; ++i)
            for (std::size_t j = 0; j < 3; ++j)
                fit += (three[i].y - 0.5L) * inv[i][j] * (three[j].y - 0.5L);
        CHECK(g.log_likelihood() == Approx(static_cast<double>(-fit / 2 - std::log(det) / 2 - 1.5L * std::log(2 * std::acos(-1.0L)))).epsilon(1e-12));
        for (std::size_t a = 0; a < at.size(); ++a) {
            long double mean = 0.5L;
            for (std::size_t i = 0; i < 3; ++i)
                for (std::size_t j = 0; j < 3; ++j)
                    mean += kernel_of(s, at[a], three[i].x) * inv[i][j] * (three[j].y - 0.5L);
            CHECK(p.mean[a] == Approx(static_cast<double>(mean)).epsilon(1e-12));
            for (std::size_t b = 0; b < at.size(); ++b)
                CHECK(p.covariance[a * at.size() + b] == Approx(static_cast<double>(kernel_of(s, at[a], at[b]) - weight(at[a], at[b]))).margin(1e-13));
            CHECK(g.variance(at[a]) == Approx(p.variance(a)));
        }
    }
}

TEST_CASE("exact points are interpolated; variance is none at them, less near them, the prior's far away") {
    auto exact = three;
    for (auto& p : exact)
        p.error = 0.0;
    const auto g = gaussian_process::fit(gp_kernel::matern52, exact).or_throw();
    for (const auto& p : exact) {
        CHECK(g.mean(p.x) == Approx(p.y).margin(1e-8));
        CHECK(g.variance(p.x) < 1e-8);
    }
    const double prior = g.shape().amplitude * g.shape().amplitude;
    CHECK(g.variance(100.0) == Approx(prior));
    CHECK(g.mean(100.0) == Approx(g.shape().mean));
    // One more point shrinks the variance everywhere, most where it is.
    auto more = exact;
    more.push_back({5.78, 0.9, 0.05});
    const auto h = gaussian_process::make(g.shape(), more).or_throw();
    for (double x = 5.4; x < 6.0; x += 0.01)
        CHECK(h.variance(x) <= g.variance(x) + 1e-12);
    CHECK(h.variance(5.78) < 0.0025);
    CHECK(h.variance(5.78) < 0.5 * g.variance(5.78));
}

TEST_CASE("the posterior covers the truth as often as it says, 300 curves drawn from the prior") {
    std::vector<double> grid;
    for (int k = 0; k < 41; ++k)
        grid.push_back(0.025 * k);
    const gp_shape truth{gp_kernel::squared_exponential, 1.0, 0.2, 0.0};
    // A prior's curve: the posterior given one point that says nothing.
    const std::vector<gp_point> nothing{{0.5, 0.0, 1e6}};
    const auto curves = draw_curves(gaussian_process::make(truth, nothing).or_throw().posterior(grid), 300, 42).or_throw();
    int known = 0, fitted = 0, n = 0;
    for (std::uint32_t c = 0; c < 300; ++c) {
        std::vector<gp_point> points;
        for (std::size_t k = 2; k < grid.size(); k += 5)
            points.push_back({grid[k], curves[c * grid.size() + k] + 0.1 * normal(c, static_cast<std::uint32_t>(k)), 0.1});
        const auto g = gaussian_process::make(truth, points).or_throw();
        const auto f = gaussian_process::fit(gp_kernel::squared_exponential, points).or_throw();
        for (std::size_t k = 0; k < grid.size(); k += 4) {
            const double y = curves[c * grid.size() + k];
            known += std::abs(y - g.mean(grid[k])) < 1.96 * std::sqrt(g.variance(grid[k])) ? 1 : 0;
            fitted += std::abs(y - f.mean(grid[k])) < 1.96 * std::sqrt(f.variance(grid[k])) ? 1 : 0;
            ++n;
        }
    }
    std::cout << "GP coverage of 95 %: known shape " << 100.0 * known / n << " %, fitted shape " << 100.0 * fitted / n << " % (300 curves, " << n << " places)\n";
    // Places of one curve are correlated: as if there were 3 independent ones in each.
    CHECK(std::abs(1.0 * known / n - 0.95) < 3.0 * std::sqrt(0.95 * 0.05 / 900.0));
    CHECK(1.0 * fitted / n > 0.85);
}

TEST_CASE("draws have the posterior's mean and variance, and repeat for a seed") {
    const auto g = gaussian_process::make({gp_kernel::matern52, 1.0, 0.2, 0.0}, three).or_throw();
    const std::vector<double> at{5.55, 5.75, 6.3};
    const auto p = g.posterior(at);
    constexpr std::size_t n = 20000;
    const auto draws = draw_curves(p, n, 5).or_throw();
    CHECK(draws == draw_curves(p, n, 5).or_throw());
    CHECK(draws != draw_curves(p, n, 6).or_throw());
    for (std::size_t k = 0; k < 3; ++k) {
        double sum = 0.0, squares = 0.0;
        for (std::size_t d = 0; d < n; ++d) {
            sum += draws[3 * d + k] / n;
            squares += draws[3 * d + k] * draws[3 * d + k] / n;
        }
        CHECK(std::abs(sum - p.mean[k]) < 4.0 * std::sqrt(p.variance(k) / n));
        CHECK(squares - sum * sum == Approx(p.variance(k)).epsilon(4.0 * std::sqrt(2.0 / n)));
    }
}

TEST_CASE("what a Gaussian process cannot be made of is refused") {
    const std::vector<gp_point> twice{{1.0, 0.0, 0.0}, {1.0, 1.0, 0.0}};
    CHECK_FALSE(gaussian_process::fit(gp_kernel::matern52, {}));
    CHECK_FALSE(gaussian_process::make({gp_kernel::matern52, 1.0, 0.0, 0.0}, three));
    CHECK_FALSE(gaussian_process::make({}, std::vector<gp_point>{{0.0, NAN, 0.0}}));
    CHECK_FALSE(gaussian_process::make({}, std::vector<gp_point>{{0.0, 0.0, -1.0}}));
    // Two exact values at one place: the jitter takes both as equally good.
    CHECK(gaussian_process::make({}, twice).or_throw().mean(1.0) == Approx(0.5).margin(1e-3));
    CHECK(gaussian_process::fit(gp_kernel::matern52, std::vector<gp_point>{{1.0, 2.0, 0.1}}).or_throw().mean(1.0) == Approx(2.0));
}
