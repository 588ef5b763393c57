// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/gaussian_process.hpp"

#include "libactors/numerics/counter_rng.hpp"

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>

namespace forge {

namespace {

using matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using const_matrix_map = Eigen::Map<const matrix>;
using const_vector_map = Eigen::Map<const Eigen::VectorXd>;

constexpr double jitter = 1e-12;

Eigen::Index index(std::size_t n) { return static_cast<Eigen::Index>(n); }

} // namespace

double gaussian_process::kernel(double a, double b) const {
    const double r = std::abs(a - b) / shape_.length;
    const double s = shape_.amplitude * shape_.amplitude;
    if (shape_.kernel == gp_kernel::squared_exponential)
        return s * std::exp(-0.5 * r * r);
    const double q = std::sqrt(5.0) * r;
    return s * (1.0 + q + q * q / 3.0) * std::exp(-q);
}

result<gaussian_process> gaussian_process::make(gp_shape shape, std::span<const gp_point> points) {
    const bool sound = std::all_of(points.begin(), points.end(), [](const gp_point& p) {
        return std::isfinite(p.x) && std::isfinite(p.y) && std::isfinite(p.error) && p.error >= 0.0;
    });
    if (points.empty() || !sound || !(shape.amplitude > 0.0) || !(shape.length > 0.0) || !std::isfinite(shape.mean))
        return error{errc::invalid_argument, "a Gaussian process needs finite points with errors, an amplitude and a length above 0", "", ""};
    gaussian_process g;
    g.shape_ = shape;
    const auto n = index(points.size());
    for (const auto& p : points)
        g.x_.push_back(p.x);
    matrix k(n, n);
    Eigen::VectorXd y(n);
    for (Eigen::Index i = 0; i < n; ++i) {
        const auto& p = points[static_cast<std::size_t>(i)];
        y(i) = p.y - shape.mean;
        for (Eigen::Index j = 0; j < n; ++j)
            k(i, j) = g.kernel(p.x, points[static_cast<std::size_t>(j)].x);
        k(i, i) += p.error * p.error + jitter * shape.amplitude * shape.amplitude;
    }
    const Eigen::LLT<matrix> llt(k);
    if (llt.info() != Eigen::Success)
        return error{errc::numerics_failed, "the covariance of the points is not positive", "", "give the points errors, or merge equal ones"};
    const matrix l = llt.matrixL();
    const Eigen::VectorXd alpha = llt.solve(y);
    g.factor_.assign(l.data(), l.data() + l.size());
    g.alpha_.assign(alpha.data(), alpha.data() + alpha.size());
    g.log_likelihood_ = -0.5 * y.dot(alpha) - l.diagonal().array().log().sum() - 0.5 * static_cast<double>(n) * std::log(2.0 * std::acos(-1.0));
    if (!std::isfinite(g.log_likelihood_))
        return error{errc::numerics_failed, "the likelihood of the points is not finite", "", ""};
    return g;
}

result<std::vector<gaussian_process>> gaussian_process::fits(gp_kernel kernel, std::span<const gp_point> points, double length_min) {
    if (points.empty())
        return make({}, points).reason();
    double low = points.front().x, high = low, sum = 0.0, squares = 0.0;
    const auto n = static_cast<double>(points.size());
    for (const auto& p : points) {
        low = std::min(low, p.x);
        high = std::max(high, p.x);
        sum += p.y / n;
    }
    for (const auto& p : points)
        squares += (p.y - sum) * (p.y - sum) / n;
    const double spread = squares > 0.0 ? std::sqrt(squares) : 1.0;
    const double range = high > low ? high - low : 1.0;
    double weights = 0.0, mean = 0.0;
    for (const auto& p : points) {
        const double w = 1.0 / (p.error * p.error + spread * spread);
        weights += w;
        mean += w * p.y;
    }
    std::vector<gaussian_process> all;
    std::optional<error> why;
    for (int l = -10; l <= 2; ++l)
        for (int a = -4; a <= 4; ++a) {
            const double length = range * std::exp2(0.5 * l);
            if (length < length_min && l < 2)
                continue;
            if (auto g = make({kernel, spread * std::exp2(0.5 * a), length, mean / weights}, points))
                all.push_back(std::move(*g));
            else
                why = g.reason();
        }
    if (all.empty())
        return *why;
    return all;
}

result<gaussian_process> gaussian_process::fit(gp_kernel kernel, std::span<const gp_point> points, double length_min) {
    auto all = fits(kernel, points, length_min);
    if (!all)
        return all.reason();
    return *std::max_element(all->begin(), all->end(), [](const auto& a, const auto& b) { return a.log_likelihood() < b.log_likelihood(); });
}

double gaussian_process::mean(double x) const {
    double sum = shape_.mean;
    for (std::size_t k = 0; k < x_.size(); ++k)
        sum += kernel(x, x_[k]) * alpha_[k];
    return sum;
}

double gaussian_process::variance(double x) const {
    return posterior(std::span(&x, 1)).covariance.front();
}

gp_posterior gaussian_process::posterior(std::span<const double> x) const {
    gp_posterior p;
    const auto n = index(x_.size()), m = index(x.size());
    const const_matrix_map l(factor_.data(), n, n);
    Eigen::MatrixXd v(n, m); // L^-1 k(X, x)
    for (Eigen::Index i = 0; i < n; ++i)
        for (Eigen::Index j = 0; j < m; ++j)
            v(i, j) = kernel(x_[static_cast<std::size_t>(i)], x[static_cast<std::size_t>(j)]);
    l.triangularView<Eigen::Lower>().solveInPlace(v);
    matrix c = -(v.transpose() * v);
    for (Eigen::Index i = 0; i < m; ++i) {
        for (Eigen::Index j = 0; j < m; ++j)
            c(i, j) += kernel(x[static_cast<std::size_t>(i)], x[static_cast<std::size_t>(j)]);
        c(i, i) = std::max(c(i, i), 0.0);
    }
    for (const double at : x)
        p.mean.push_back(mean(at));
    p.covariance.assign(c.data(), c.data() + c.size());
    return p;
}

result<std::vector<double>> draw_mixture(std::span<const gaussian_process> shapes, std::span<const double> x, std::size_t n_draws, std::uint64_t seed) {
    if (shapes.empty())
        return error{errc::invalid_argument, "no process to draw from", "", ""};
    double top = shapes.front().log_likelihood(), sum = 0.0;
    for (const auto& g : shapes)
        top = std::max(top, g.log_likelihood());
    for (const auto& g : shapes)
        sum += std::exp(g.log_likelihood() - top);
    std::vector<double> all;
    double share = 0.0;
    for (std::size_t k = 0; k < shapes.size(); ++k) {
        share += std::exp(shapes[k].log_likelihood() - top) / sum;
        const auto until = k + 1 == shapes.size() ? n_draws : static_cast<std::size_t>(std::lround(std::min(share, 1.0) * static_cast<double>(n_draws)));
        const auto have = x.empty() ? n_draws : all.size() / x.size();
        if (until <= have)
            continue;
        auto drawn = draw_curves(shapes[k].posterior(x), until - have, seed + k);
        if (!drawn)
            return drawn.reason();
        all.insert(all.end(), drawn->begin(), drawn->end());
    }
    return all;
}

result<std::vector<double>> draw_curves(const gp_posterior& posterior, std::size_t n_draws, std::uint64_t seed) {
    const auto m = index(posterior.mean.size());
    matrix c = const_matrix_map(posterior.covariance.data(), m, m);
    c.diagonal().array() += 1e-9 * std::max(c.trace(), 1e-300) / static_cast<double>(std::max<Eigen::Index>(m, 1));
    const Eigen::LLT<matrix> llt(c);
    if (llt.info() != Eigen::Success)
        return error{errc::numerics_failed, "the covariance of the curve has no factor", "", ""};
    const Eigen::MatrixXd l = llt.matrixL();
    const Eigen::VectorXd mean = const_vector_map(posterior.mean.data(), m);
    std::vector<double> all;
    all.reserve(n_draws * posterior.mean.size());
    const std::array<std::uint32_t, 2> key{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
    Eigen::VectorXd z(m);
    for (std::size_t d = 0; d < n_draws; ++d) {
        for (Eigen::Index k = 0; k < m; k += 2) {
            const auto pair = normal_pair(philox4x32({static_cast<std::uint32_t>(k), static_cast<std::uint32_t>(d), 0, 0x6a05}, key));
            z(k) = pair[0];
            if (k + 1 < m)
                z(k + 1) = pair[1];
        }
        const Eigen::VectorXd curve = mean + l * z;
        all.insert(all.end(), curve.data(), curve.data() + curve.size());
    }
    return all;
}

} // namespace forge
