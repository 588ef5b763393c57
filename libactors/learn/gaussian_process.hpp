// SPDX-License-Identifier: AGPL-3.0-only
// A smooth curve through measured points with errors: Gaussian process regression in one dimension.
#pragma once

#include "libactors/base/result.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace forge {

/// k(x, x') with r = |x - x'| / length, times amplitude^2.
enum class gp_kernel : std::uint8_t {
    squared_exponential, ///< exp(-r^2 / 2)
    matern52,            ///< (1 + sqrt5 r + 5 r^2 / 3) exp(-sqrt5 r)
};

/// A measured value; error: one standard deviation, 0 where it is exact.
struct gp_point {
    double x = 0.0;
    double y = 0.0;
    double error = 0.0;
    friend bool operator==(const gp_point&, const gp_point&) = default;
};

struct gp_shape {
    gp_kernel kernel = gp_kernel::squared_exponential;
    double amplitude = 1.0;
    double length = 1.0;
    double mean = 0.0; ///< of the prior
    friend bool operator==(const gp_shape&, const gp_shape&) = default;
};

/// Mean and covariance of the curve at some places.
struct gp_posterior {
    std::vector<double> mean;
    std::vector<double> covariance; ///< row-major, of the curve itself, without the error of a measurement
    [[nodiscard]] double variance(std::size_t k) const { return covariance[k * mean.size() + k]; }
};

/// Posterior of a Gaussian process given independent Gaussian errors (Rasmussen and Williams, 2006, Algorithm 2.1):
/// K = k(X, X) + diag(error^2) + jitter, mean(x) = m + k(x, X) K^-1 (y - m), cov(x, x') = k(x, x') - k(x, X) K^-1 k(X, x').
/// jitter = 1e-12 amplitude^2 keeps K positive for exact points.
class gaussian_process {
public:
    /// @return errc::invalid_argument without points, with values that are not finite, negative errors or a shape that is not positive;
    ///         errc::numerics_failed when K is not positive (two exact points at one place). Cost n^3 / 3.
    [[nodiscard]] static result<gaussian_process> make(gp_shape shape, std::span<const gp_point> points);
    /// One process for each shape of a fixed grid: lengths (largest - smallest x) * 2^(-5 ... +1) in steps of 2^(1/2), amplitudes
    /// (spread of y) * 2^(-2 ... +2) in steps of 2^(1/2), spread the standard deviation of y, or 1 where there is none; mean: of the
    /// points, weighted by 1 / (error^2 + spread^2). Shapes that cannot be solved are left out. Cost 117 times make().
    /// @param length_min  shorter lengths are left out, the longest never: data cannot say what happens between them.
    [[nodiscard]] static result<std::vector<gaussian_process>> fits(gp_kernel kernel, std::span<const gp_point> points, double length_min = 0.0);
    /// That of the largest marginal likelihood; the first of equals: deterministic.
    [[nodiscard]] static result<gaussian_process> fit(gp_kernel kernel, std::span<const gp_point> points, double length_min = 0.0);

    [[nodiscard]] const gp_shape& shape() const { return shape_; }
    /// log p(y | X, shape) = -1/2 (y-m)^T K^-1 (y-m) - 1/2 log det K - n/2 log 2 pi.
    [[nodiscard]] double log_likelihood() const { return log_likelihood_; }
    [[nodiscard]] double mean(double x) const;
    [[nodiscard]] double variance(double x) const; ///< never below 0
    [[nodiscard]] gp_posterior posterior(std::span<const double> x) const;

private:
    gaussian_process() = default;
    [[nodiscard]] double kernel(double a, double b) const;
    gp_shape shape_;
    double log_likelihood_ = 0.0;
    std::vector<double> x_;
    std::vector<double> factor_; ///< Cholesky factor of K, row-major lower
    std::vector<double> alpha_;  ///< K^-1 (y - m)
};

/// Draws of the curve of a process whose shape is not known: from each of `shapes` as many as its marginal likelihood is worth
/// (equal prior weights; cumulated shares are rounded). Otherwise as draw_curves(). @return n_draws * x.size() values.
[[nodiscard]] result<std::vector<double>> draw_mixture(std::span<const gaussian_process> shapes, std::span<const double> x, std::size_t n_draws,
                                                       std::uint64_t seed);

/// Draws of the curve at `posterior`'s places, row by row: mean + L z, L L^T = covariance (a jitter of 1e-9 of its trace is added),
/// z normal from the counter-based generator: the same for the same seed.
/// @return n_draws * mean.size() values; errc::numerics_failed when the covariance has no factor.
[[nodiscard]] result<std::vector<double>> draw_curves(const gp_posterior& posterior, std::size_t n_draws, std::uint64_t seed);

} // namespace forge
