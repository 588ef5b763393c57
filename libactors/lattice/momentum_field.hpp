// SPDX-License-Identifier: AGPL-3.0-only
// Momenta on the host: one traceless anti-Hermitian matrix per link as nine reals.
#pragma once

#include "libactors/lattice/extents.hpp"
#include "libactors/numerics/su3.hpp"

#include <array>
#include <span>
#include <vector>

namespace forge {

inline constexpr std::size_t reals_per_momentum = 9;

/// Nine reals of an anti-Hermitian P: Im P_00, Im P_11, Im P_22, then (Re, Im) of P_01, P_02, P_12.
using algebra_reals = std::array<double, reals_per_momentum>;

[[nodiscard]] inline su3 matrix_of(const algebra_reals& r) {
    su3 p;
    for (std::size_t i = 0; i < 3; ++i)
        p(i, i) = {0.0, r[i]};
    const auto set = [&](std::size_t i, std::size_t j, std::size_t k) {
        p(i, j) = {r[k], r[k + 1]};
        p(j, i) = {-r[k], r[k + 1]};
    };
    set(0, 1, 3);
    set(0, 2, 5);
    set(1, 2, 7);
    return p;
}

[[nodiscard]] inline algebra_reals reals_of(const su3& p) {
    return {p(0, 0).imag(), p(1, 1).imag(), p(2, 2).imag(), p(0, 1).real(), p(0, 1).imag(),
            p(0, 2).real(), p(0, 2).imag(), p(1, 2).real(), p(1, 2).imag()};
}

/// -tr P^2 = sum of diagonal squares + 2 sum of off-diagonal squares.
[[nodiscard]] inline double minus_trace_square(const algebra_reals& r) {
    double diagonal = 0.0;
    double off = 0.0;
    for (std::size_t k = 0; k < 3; ++k)
        diagonal += r[k] * r[k];
    for (std::size_t k = 3; k < 9; ++k)
        off += r[k] * r[k];
    return diagonal + 2.0 * off;
}

/// Momenta or forces of every link: [site rank][mu][9], shape V x 4 x 9. A value.
class momentum_field {
public:
    momentum_field() = default;
    explicit momentum_field(const extents& l) : extents_(l), reals_(l.links() * reals_per_momentum) {}
    [[nodiscard]] const extents& shape() const { return extents_; }
    [[nodiscard]] std::span<double> reals() { return reals_; }
    [[nodiscard]] std::span<const double> reals() const { return reals_; }
    [[nodiscard]] algebra_reals at(std::size_t site, std::size_t mu) const {
        algebra_reals r;
        for (std::size_t k = 0; k < 9; ++k)
            r[k] = reals_[(site * n_directions + mu) * reals_per_momentum + k];
        return r;
    }
    void set(std::size_t site, std::size_t mu, const algebra_reals& r) {
        for (std::size_t k = 0; k < 9; ++k)
            reals_[(site * n_directions + mu) * reals_per_momentum + k] = r[k];
    }
    friend bool operator==(const momentum_field&, const momentum_field&) = default;

private:
    extents extents_;
    std::vector<double> reals_;
};

} // namespace forge
