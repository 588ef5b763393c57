// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/reservoir.hpp"

#include "libactors/numerics/counter_rng.hpp"

#include <Eigen/Dense>
#include <Spectra/GenEigsSolver.h>
#include <Spectra/MatOp/DenseGenMatProd.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace forge {

namespace {

constexpr std::uint32_t units_max = 4096;
constexpr std::size_t whole_spectrum_max = 128; ///< below, all eigenvalues cost a few milliseconds
enum class weight_kind : std::uint32_t { input = 0x77696e00, recurrent = 0x77726500, present = 0x77707200 };

philox_block draw(std::uint64_t seed, weight_kind kind, std::uint32_t row, std::uint32_t column) {
    return philox4x32({column, row, static_cast<std::uint32_t>(kind), 0}, {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
}

result<void> judge(const reservoir_shape& s) {
    const auto refuse = [](const std::string& what) { return error{errc::invalid_argument, what, "reservoir", "see reservoir_shape"}; };
    if (s.inputs == 0 || s.inputs > units_max || s.units == 0 || s.units > units_max)
        return refuse(fmt::format("{} inputs and {} units: both are 1 ... {}", s.inputs, s.units, units_max));
    if (!(s.spectral_radius > 0.0 && s.spectral_radius <= 2.0) || !(s.connectivity > 0.0 && s.connectivity <= 1.0) || !(s.leak > 0.0 && s.leak <= 1.0) ||
        !(s.input_scale > 0.0 && std::isfinite(s.input_scale)))
        return refuse("spectral radius in (0, 2], connectivity and leak in (0, 1], input scale above 0");
    return {};
}

} // namespace

result<double> spectral_radius_of(std::span<const double> matrix, std::size_t n) {
    using dense = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    if (n == 0 || matrix.size() != n * n)
        return error{errc::invalid_argument, "a matrix of another size than announced", "spectral radius", ""};
    const Eigen::MatrixXd m = Eigen::Map<const dense>(matrix.data(), static_cast<Eigen::Index>(n), static_cast<Eigen::Index>(n));
    if (n <= whole_spectrum_max)
        return Eigen::EigenSolver<Eigen::MatrixXd>(m, false).eigenvalues().cwiseAbs().maxCoeff();
    constexpr int wanted = 4; // complex pairs stand side by side on the largest circle
    constexpr int basis = 40;
    Spectra::DenseGenMatProd<double> product(m);
    Spectra::GenEigsSolver<Spectra::DenseGenMatProd<double>> solver(product, wanted, basis);
    solver.init(); // its own fixed start vector: the same every time
    solver.compute(Spectra::SortRule::LargestMagn, 3000, 1e-9);
    if (solver.info() == Spectra::CompInfo::Successful)
        return solver.eigenvalues().cwiseAbs().maxCoeff();
    // The outermost eigenvalues of a random matrix crowd; then all of them, which always converges.
    const Eigen::EigenSolver<Eigen::MatrixXd> all(m, false);
    if (all.info() != Eigen::Success)
        return error{errc::numerics_failed, fmt::format("the eigenvalues of a {0} x {0} matrix do not converge", n), "spectral radius", "another seed"};
    return all.eigenvalues().cwiseAbs().maxCoeff();
}

result<reservoir> reservoir::make(const reservoir_shape& shape) {
    if (auto sound = judge(shape); !sound)
        return sound.reason();
    const std::size_t n = shape.units;
    std::vector<float> w_in(n * shape.inputs);
    for (std::uint32_t r = 0; r < shape.units; ++r)
        for (std::uint32_t c = 0; c < shape.inputs; ++c)
            w_in[std::size_t{r} * shape.inputs + c] =
                static_cast<float>(shape.input_scale * (2.0 * angle_uniform(draw(shape.seed, weight_kind::input, r, c)) - 1.0));
    std::vector<double> drawn(n * n, 0.0);
    for (std::uint32_t r = 0; r < shape.units; ++r)
        for (std::uint32_t c = 0; c < shape.units; ++c)
            if (angle_uniform(draw(shape.seed, weight_kind::present, r, c)) < shape.connectivity)
                drawn[r * n + c] = normal_pair(draw(shape.seed, weight_kind::recurrent, r, c))[0];
    const auto radius = spectral_radius_of(drawn, n);
    if (!radius)
        return radius.reason();
    if (!(*radius > 1e-12))
        return error{errc::numerics_failed, "the recurrent weights that were drawn form no loop: their spectral radius is 0", "reservoir",
                     "more units, or a higher connectivity"};
    std::vector<float> w_res(n * n);
    std::transform(drawn.begin(), drawn.end(), w_res.begin(), [&](double w) { return static_cast<float>(w * shape.spectral_radius / *radius); });
    auto made = from_weights(shape, w_in, w_res);
    if (made)
        made->drawn_radius_ = *radius;
    return made;
}

result<reservoir> reservoir::from_weights(const reservoir_shape& shape, std::span<const float> w_in, std::span<const float> w_res) {
    if (auto sound = judge(shape); !sound)
        return sound.reason();
    const std::size_t n = shape.units;
    if (w_in.size() != n * shape.inputs || w_res.size() != n * n)
        return error{errc::invalid_argument,
                     fmt::format("{} input and {} recurrent weights for {} units and {} inputs", w_in.size(), w_res.size(), n, shape.inputs),
                     "reservoir", "w_in has units x inputs weights, w_res units x units"};
    const auto finite = [](float w) { return std::isfinite(w); };
    if (!std::all_of(w_in.begin(), w_in.end(), finite) || !std::all_of(w_res.begin(), w_res.end(), finite))
        return error{errc::invalid_argument, "a weight is not a number", "reservoir", "the file is damaged"};
    reservoir r;
    r.shape_ = shape;
    r.w_in_.assign(w_in.begin(), w_in.end());
    r.row_start_.push_back(0);
    for (std::size_t row = 0; row < n; ++row) {
        for (std::size_t c = 0; c < n; ++c)
            if (const float w = w_res[row * n + c]; w != 0.0f) {
                r.column_.push_back(static_cast<std::uint32_t>(c));
                r.value_.push_back(w);
            }
        r.row_start_.push_back(static_cast<std::uint32_t>(r.column_.size()));
    }
    return r;
}

void reservoir::drive(std::span<const float> u, std::span<const float> s, std::span<float> out) const {
    for (std::size_t row = 0; row < shape_.units; ++row) {
        float sum = 0.0f;
        const float* w = w_in_.data() + row * shape_.inputs;
        for (std::size_t c = 0; c < shape_.inputs; ++c)
            sum += w[c] * u[c];
        for (std::uint32_t k = row_start_[row]; k < row_start_[row + 1]; ++k)
            sum += value_[k] * s[column_[k]];
        out[row] = sum;
    }
}

void reservoir::step(std::span<const float> u, std::span<float> s) const {
    thread_local std::vector<float> driven; // a step allocates nothing
    driven.resize(shape_.units);
    drive(u, s, driven);
    const auto leak = static_cast<float>(shape_.leak);
    for (std::size_t k = 0; k < shape_.units; ++k)
        s[k] = (1.0f - leak) * s[k] + leak * std::tanh(driven[k]);
}

std::vector<float> reservoir::w_res() const {
    std::vector<float> dense(std::size_t{shape_.units} * shape_.units, 0.0f);
    for (std::size_t row = 0; row < shape_.units; ++row)
        for (std::uint32_t k = row_start_[row]; k < row_start_[row + 1]; ++k)
            dense[row * shape_.units + column_[k]] = value_[k];
    return dense;
}

} // namespace forge
