// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/numerics/su3.hpp"

#include <algorithm>
#include <cmath>

namespace forge {

su3 identity() {
    su3 one;
    one(0, 0) = one(1, 1) = one(2, 2) = 1.0;
    return one;
}

su3 operator*(const su3& a, const su3& b) {
    su3 c;
    for (std::size_t i = 0; i < 3; ++i)
        for (std::size_t j = 0; j < 3; ++j)
            c(i, j) = mul(a(i, 0), b(0, j)) + mul(a(i, 1), b(1, j)) + mul(a(i, 2), b(2, j));
    return c;
}

su3 operator+(const su3& a, const su3& b) {
    su3 c;
    for (std::size_t k = 0; k < 9; ++k)
        c.e[k] = a.e[k] + b.e[k];
    return c;
}

su3 operator-(const su3& a, const su3& b) {
    su3 c;
    for (std::size_t k = 0; k < 9; ++k)
        c.e[k] = a.e[k] - b.e[k];
    return c;
}

su3 operator*(complex z, const su3& a) {
    su3 c;
    for (std::size_t k = 0; k < 9; ++k)
        c.e[k] = mul(z, a.e[k]);
    return c;
}

su3 dagger(const su3& a) {
    su3 c;
    for (std::size_t i = 0; i < 3; ++i)
        for (std::size_t j = 0; j < 3; ++j)
            c(i, j) = std::conj(a(j, i));
    return c;
}

complex trace(const su3& a) { return a(0, 0) + a(1, 1) + a(2, 2); }

complex determinant(const su3& a) {
    const auto minor = [&a](std::size_t c0, std::size_t c1) { return mul(a(1, c0), a(2, c1)) - mul(a(1, c1), a(2, c0)); };
    return mul(a(0, 0), minor(1, 2)) - mul(a(0, 1), minor(0, 2)) + mul(a(0, 2), minor(0, 1));
}

double unitarity_deviation(const su3& u) {
    const su3 d = u * dagger(u) - identity();
    double worst = 0.0;
    for (const auto& z : d.e)
        worst = std::isnan(std::abs(z)) ? std::abs(z) : std::max(worst, std::abs(z));
    return worst;
}

su3 project_ta(const su3& m) {
    su3 a = complex(0.5) * (m - dagger(m));
    const complex third = trace(a) / 3.0;
    for (std::size_t i = 0; i < 3; ++i)
        a(i, i) -= third;
    return a;
}

su3 exponential(const su3& m) {
    double norm = 0.0;
    for (const auto& z : m.e)
        norm = std::max(norm, std::abs(z));
    int halvings = 0;
    for (; norm > 0.125 && std::isfinite(norm); norm *= 0.5) // an infinite argument yields not-a-number, not a loop
        ++halvings;
    const su3 x = complex(std::ldexp(1.0, -halvings)) * m;
    su3 sum = identity();
    su3 term = identity();
    for (int k = 1; k <= 16; ++k) { // |x| <= 3/8 in any norm: 0.375^17/17! < 2e-22
        term = complex(1.0 / k) * (term * x);
        sum = sum + term;
    }
    for (int k = 0; k < halvings; ++k)
        sum = sum * sum;
    return sum;
}

void complete_third_row(su3& u) {
    for (std::size_t j = 0; j < 3; ++j) {
        const std::size_t a = (j + 1) % 3;
        const std::size_t b = (j + 2) % 3;
        u(2, j) = std::conj(mul(u(0, a), u(1, b)) - mul(u(0, b), u(1, a)));
    }
}

su3 reunitarise(const su3& u) {
    su3 v = u;
    const auto normalise = [&v](std::size_t row) {
        const double n = std::sqrt(std::norm(v(row, 0)) + std::norm(v(row, 1)) + std::norm(v(row, 2)));
        for (std::size_t j = 0; j < 3; ++j)
            v(row, j) /= n;
    };
    normalise(0);
    complex overlap = 0.0;
    for (std::size_t j = 0; j < 3; ++j)
        overlap += mul(std::conj(v(0, j)), v(1, j));
    for (std::size_t j = 0; j < 3; ++j)
        v(1, j) -= mul(overlap, v(0, j));
    normalise(1);
    complete_third_row(v);
    return v;
}

} // namespace forge
