// SPDX-License-Identifier: AGPL-3.0-only
// The recurrent part of an echo-state network: fixed random weights, a leaky state.
#pragma once

#include "libactors/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace forge {

/// Everything that the weights follow from; equal shapes give equal weights on every machine.
struct reservoir_shape {
    std::uint32_t inputs = 1;
    std::uint32_t units = 50;        ///< at most 4096
    double spectral_radius = 0.95;   ///< of the recurrent weights, (0, 2]
    double connectivity = 0.2;       ///< share of recurrent weights that are not zero, (0, 1]
    double leak = 0.3;               ///< a, (0, 1]
    double input_scale = 0.5;        ///< w_in is uniform in [-input_scale, input_scale)
    std::uint64_t seed = 42;
    friend bool operator==(const reservoir_shape&, const reservoir_shape&) = default;
};

/// s <- (1 - a) s + a tanh(W_in u + W_res s)
///
/// u: inputs, s: units; all float, sums in a fixed order. W_res is sparse, normal, and scaled so that its largest
/// eigenvalue has the modulus spectral_radius: the true one, by Arnoldi iteration (restarted, Spectra) above 128 units
/// and by the whole spectrum below. A power iteration on the norm, as often used, is wrong for a matrix that is not
/// symmetric: its largest eigenvalues are complex pairs. Source: Jaeger, GMD Report 148 (2001); Lukosevicius (2012).
class reservoir {
public:
    /// @return errc::invalid_argument for a shape that makes no sense, errc::numerics_failed when the eigenvalue does not converge.
    [[nodiscard]] static result<reservoir> make(const reservoir_shape& shape);
    /// Weights from elsewhere. @param w_in  units x inputs, @param w_res  units x units, both by rows.
    /// @return errc::invalid_argument when the sizes do not fit or a weight is not finite.
    [[nodiscard]] static result<reservoir> from_weights(const reservoir_shape& shape, std::span<const float> w_in, std::span<const float> w_res);

    [[nodiscard]] const reservoir_shape& shape() const { return shape_; }
    [[nodiscard]] std::size_t units() const { return shape_.units; }
    [[nodiscard]] std::size_t inputs() const { return shape_.inputs; }
    /// The spectral radius before it was scaled; what `make` divided by.
    [[nodiscard]] double drawn_radius() const { return drawn_radius_; }

    /// One step. Cost: units * (inputs + connectivity * units) multiply-adds and `units` tanh.
    /// @param u  inputs values.  @param s  units values, in and out.
    void step(std::span<const float> u, std::span<float> s) const;
    /// W_in u + W_res s, before the activation.
    void drive(std::span<const float> u, std::span<const float> s, std::span<float> out) const;

    [[nodiscard]] std::span<const float> w_in() const { return w_in_; } ///< by rows
    [[nodiscard]] std::vector<float> w_res() const;                     ///< dense, by rows

private:
    reservoir_shape shape_;
    double drawn_radius_ = 0.0;
    std::vector<float> w_in_;
    std::vector<std::uint32_t> row_start_; ///< sparse recurrent weights by rows
    std::vector<std::uint32_t> column_;
    std::vector<float> value_;
};

/// max |eigenvalue| of a matrix given by rows, by Arnoldi or the whole spectrum as `reservoir` does.
/// @return errc::numerics_failed.
[[nodiscard]] result<double> spectral_radius_of(std::span<const double> matrix, std::size_t n);

} // namespace forge
