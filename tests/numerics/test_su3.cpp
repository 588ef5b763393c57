// SPDX-License-Identifier: AGPL-3.0-only
// Laws of the group and its algebra.
#include "libactors/lattice/momentum_field.hpp"
#include "libactors/numerics/su3.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <random>

using namespace forge;

namespace {

double distance(const su3& a, const su3& b) {
    double worst = 0.0;
    for (std::size_t k = 0; k < 9; ++k)
        worst = std::max(worst, std::abs(a.e[k] - b.e[k]));
    return worst;
}

struct random_matrices {
    std::mt19937_64 generator;
    std::normal_distribution<double> normal;
    su3 any() {
        su3 m;
        for (auto& z : m.e)
            z = {normal(generator), normal(generator)};
        return m;
    }
    su3 group() { return reunitarise(any()); }
    su3 algebra(double size) { return complex(size) * project_ta(any()); }
};

} // namespace

TEST_CASE("SU(3) is closed: products, inverses and identity stay in the group") {
    random_matrices r{std::mt19937_64(11), {}};
    for (int k = 0; k < 200; ++k) {
        const su3 u = r.group();
        const su3 v = r.group();
        const su3 w = r.group();
        CHECK(unitarity_deviation(u) < 1e-15);
        CHECK(std::abs(determinant(u) - 1.0) < 1e-14);
        CHECK(unitarity_deviation(u * v) < 5e-15);
        CHECK(std::abs(determinant(u * v) - 1.0) < 1e-14);
        CHECK(distance(u * dagger(u), identity()) < 1e-14);
        CHECK(distance((u * v) * w, u * (v * w)) < 1e-14);
        CHECK(distance(u * identity(), u) == 0.0);
    }
}

TEST_CASE("trace and determinant obey their product laws") {
    random_matrices r{std::mt19937_64(12), {}};
    for (int k = 0; k < 100; ++k) {
        const su3 a = r.any();
        const su3 b = r.any();
        CHECK(std::abs(trace(a * b) - trace(b * a)) < 1e-13);
        CHECK(std::abs(determinant(a * b) - determinant(a) * determinant(b)) < 1e-11);
        CHECK(distance(dagger(a * b), dagger(b) * dagger(a)) < 1e-14);
        CHECK(distance(dagger(dagger(a)), a) == 0.0);
    }
}

TEST_CASE("the exponential of the algebra lies in the group and exp(-X) undoes exp(X)") {
    random_matrices r{std::mt19937_64(13), {}};
    for (const double size : {1e-8, 1e-3, 0.1, 1.0, 3.0, 20.0}) {
        const double bound = 1e-14 * std::max(1.0, 4.0 * size); // squaring doubles rounding with every halving
        for (int k = 0; k < 30; ++k) {
            const su3 x = r.algebra(size);
            const su3 u = exponential(x);
            INFO("size " << size);
            CHECK(unitarity_deviation(u) < bound);
            CHECK(std::abs(determinant(u) - 1.0) < bound);
            CHECK(distance(exponential(complex(-1.0) * x) * u, identity()) < bound);
            CHECK(distance(exponential(complex(0.5) * x) * exponential(complex(0.5) * x), u) < bound);
        }
    }
    CHECK(distance(exponential(su3{}), identity()) == 0.0);
}

TEST_CASE("the exponential of V D V^dag is V exp(D) V^dag") {
    random_matrices r{std::mt19937_64(14), {}};
    std::uniform_real_distribution<double> angle(-4.0, 4.0);
    for (int k = 0; k < 100; ++k) {
        const double a = angle(r.generator);
        const double b = angle(r.generator);
        su3 d;
        su3 e;
        for (const auto& [i, phase] : {std::pair{0u, a}, std::pair{1u, b}, std::pair{2u, -a - b}}) {
            d(i, i) = {0.0, phase};
            e(i, i) = std::polar(1.0, phase);
        }
        CHECK(distance(exponential(d), e) < 2e-14);
        const su3 v = r.group();
        CHECK(distance(exponential(v * d * dagger(v)), v * e * dagger(v)) < 4e-14);
    }
}

TEST_CASE("project_ta gives traceless anti-Hermitian matrices, keeps them, and kills Hermitian ones") {
    random_matrices r{std::mt19937_64(15), {}};
    for (int k = 0; k < 100; ++k) {
        const su3 m = r.any();
        const su3 a = project_ta(m);
        CHECK(distance(dagger(a), complex(-1.0) * a) < 1e-15);
        CHECK(std::abs(trace(a)) < 1e-15);
        CHECK(distance(project_ta(a), a) < 1e-15);
        CHECK(distance(project_ta(m + dagger(m)), su3{}) < 1e-15);
        // orthogonal: tr(X TA[M]) = real part of tr(X M) for X in the algebra
        const su3 x = r.algebra(1.0);
        CHECK(std::abs(trace(x * a).real() - trace(x * m).real()) < 1e-13);
    }
}

TEST_CASE("reunitarise projects once: what is in the group stays, and noise is removed") {
    random_matrices r{std::mt19937_64(16), {}};
    for (int k = 0; k < 200; ++k) {
        const su3 u = r.group();
        CHECK(distance(reunitarise(u), u) < 1e-15);
        const su3 noisy = u + complex(1e-6) * r.any();
        const su3 back = reunitarise(noisy);
        CHECK(unitarity_deviation(back) < 1e-15);
        CHECK(distance(back, u) < 2e-5);
        CHECK(distance(reunitarise(back), back) < 1e-15);
        su3 two_rows = u;
        two_rows(2, 0) = two_rows(2, 1) = two_rows(2, 2) = 0.0;
        complete_third_row(two_rows);
        CHECK(distance(two_rows, u) == 0.0);
    }
}

TEST_CASE("nine reals hold the algebra, and minus_trace_square is -tr P^2") {
    random_matrices r{std::mt19937_64(17), {}};
    for (int k = 0; k < 100; ++k) {
        const su3 p = r.algebra(1.0);
        CHECK(distance(matrix_of(reals_of(p)), p) < 1e-15);
        CHECK(minus_trace_square(reals_of(p)) == Approx(-trace(p * p).real()).epsilon(1e-14));
        CHECK(reals_of(matrix_of(reals_of(p))) == reals_of(p));
    }
}

TEST_CASE("unitarity_deviation reports not-a-number instead of passing over it") {
    for (std::size_t k = 0; k < 9; ++k) {
        su3 u = identity();
        u.e[k] = {std::nan(""), 0.0};
        CHECK(!(unitarity_deviation(u) < 1.0));
    }
}

TEST_CASE("the exponential of what is not finite is not finite, and comes back") {
    for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
        su3 x;
        x(0, 1) = {bad, 0.0};
        CHECK(!(unitarity_deviation(exponential(x)) < 1.0));
    }
}
