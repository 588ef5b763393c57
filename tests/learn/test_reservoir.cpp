// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/reservoir.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <numeric>
#include <random>

using namespace forge;

namespace {

std::vector<double> rotation_blocks(std::size_t n, double modulus) { // complex pairs e^{+-i phi}, none larger
    std::vector<double> m(n * n, 0.0);
    for (std::size_t k = 0; k + 1 < n; k += 2) {
        const double phi = 0.3 + 0.1 * static_cast<double>(k);
        const double r = modulus * (1.0 - 0.5 * static_cast<double>(k) / static_cast<double>(n));
        m[k * n + k] = m[(k + 1) * n + k + 1] = r * std::cos(phi);
        m[k * n + k + 1] = -r * std::sin(phi);
        m[(k + 1) * n + k] = r * std::sin(phi);
    }
    return m;
}

} // namespace

TEST_CASE("the spectral radius is the largest modulus of an eigenvalue, complex pairs included") {
    for (const std::size_t n : {2u, 10u, 64u, 200u}) {
        CAPTURE(n);
        CHECK(spectral_radius_of(rotation_blocks(n, 1.7), n).or_throw() == Approx(1.7).epsilon(1e-9));
    }
    // A Jordan block: its norm is far above its radius, which is what a power iteration on the norm gets wrong.
    std::vector<double> jordan{0.5, 100.0, 0.0, 0.5};
    CHECK(spectral_radius_of(jordan, 2).or_throw() == Approx(0.5).epsilon(1e-6));
    CHECK_FALSE(spectral_radius_of(jordan, 3));
}

TEST_CASE("the weights have the radius, the density and the range that were asked for, on every size") {
    for (const std::uint32_t units : {50u, 128u, 300u}) {
        CAPTURE(units);
        reservoir_shape shape;
        shape.units = units;
        shape.inputs = 7;
        shape.spectral_radius = 0.9;
        const auto r = reservoir::make(shape).or_throw();
        const auto w = r.w_res();
        const std::vector<double> wide(w.begin(), w.end());
        CHECK(spectral_radius_of(wide, units).or_throw() == Approx(0.9).epsilon(1e-5)); // weights are rounded to float
        const auto present = static_cast<double>(std::count_if(w.begin(), w.end(), [](float x) { return x != 0.0f; }));
        const double n2 = static_cast<double>(units) * units;
        CHECK(std::abs(present / n2 - 0.2) < 5.0 * std::sqrt(0.2 * 0.8 / n2)); // 5 sigma
        for (const float x : r.w_in())
            REQUIRE(std::abs(x) <= 0.5f);
        const double mean = std::accumulate(r.w_in().begin(), r.w_in().end(), 0.0) / static_cast<double>(r.w_in().size());
        CHECK(std::abs(mean) < 5.0 * 0.5 / std::sqrt(3.0 * static_cast<double>(r.w_in().size()))); // 5 sigma
    }
}

TEST_CASE("equal shapes give equal weights, other seeds others") {
    reservoir_shape a;
    const auto one = reservoir::make(a).or_throw();
    const auto two = reservoir::make(a).or_throw();
    CHECK(one.w_res() == two.w_res());
    a.seed = 43;
    CHECK(reservoir::make(a).or_throw().w_res() != one.w_res());
}

TEST_CASE("a step is the equation") {
    reservoir_shape shape;
    shape.inputs = 2;
    shape.units = 3;
    shape.leak = 0.25;
    const std::vector<float> w_in{0.5f, -1.0f, 0.0f, 2.0f, 1.0f, 1.0f};
    const std::vector<float> w_res{0.0f, 0.5f, 0.0f, -0.5f, 0.0f, 0.25f, 0.0f, 0.0f, 0.9f};
    const auto r = reservoir::from_weights(shape, w_in, w_res).or_throw();
    std::vector<float> s{0.1f, -0.2f, 0.3f};
    const auto before = s;
    const std::vector<float> u{1.5f, -0.5f};
    r.step(u, s);
    for (std::size_t k = 0; k < 3; ++k) {
        double drive = 0.0;
        for (std::size_t c = 0; c < 2; ++c)
            drive += static_cast<double>(w_in[k * 2 + c]) * u[c];
        for (std::size_t c = 0; c < 3; ++c)
            drive += static_cast<double>(w_res[k * 3 + c]) * before[c];
        CHECK(s[k] == Approx(0.75 * before[k] + 0.25 * std::tanh(drive)).epsilon(1e-6));
    }
}

TEST_CASE("two states forget their difference: the echo-state property") {
    reservoir_shape shape;
    shape.units = 100;
    shape.inputs = 3;
    shape.spectral_radius = 0.9;
    shape.connectivity = 0.1;
    const auto r = reservoir::make(shape).or_throw();
    std::mt19937 random(3);
    std::uniform_real_distribution<float> any(-1.0f, 1.0f);
    std::vector<float> a(100);
    std::vector<float> b(100);
    for (std::size_t k = 0; k < 100; ++k)
        a[k] = any(random), b[k] = any(random);
    for (int step = 0; step < 400; ++step) {
        const std::vector<float> u{any(random), any(random), any(random)};
        r.step(u, a);
        r.step(u, b);
    }
    double apart = 0.0;
    for (std::size_t k = 0; k < 100; ++k)
        apart = std::max(apart, static_cast<double>(std::abs(a[k] - b[k])));
    CHECK(apart < 1e-5);
}

TEST_CASE("shapes and weights that make no sense are refused") {
    const auto refused = [](auto change) {
        reservoir_shape s;
        change(s);
        const auto r = reservoir::make(s);
        return !r && r.reason().code == errc::invalid_argument;
    };
    CHECK(refused([](auto& s) { s.units = 0; }));
    CHECK(refused([](auto& s) { s.inputs = 0; }));
    CHECK(refused([](auto& s) { s.units = 5000; }));
    CHECK(refused([](auto& s) { s.spectral_radius = 0.0; }));
    CHECK(refused([](auto& s) { s.spectral_radius = std::nan(""); }));
    CHECK(refused([](auto& s) { s.leak = 1.5; }));
    CHECK(refused([](auto& s) { s.connectivity = 0.0; }));
    reservoir_shape one;
    one.units = one.inputs = 1;
    const std::vector<float> w{1.0f};
    const std::vector<float> none;
    const std::vector<float> nan{std::nanf("")};
    CHECK(reservoir::from_weights(one, w, w).ok());
    CHECK_FALSE(reservoir::from_weights(one, none, w).ok());
    CHECK_FALSE(reservoir::from_weights(one, w, nan).ok());
    one.seed = 7; // one unit that is not connected to itself has no loop
    one.connectivity = 1e-9;
    const auto empty = reservoir::make(one);
    REQUIRE_FALSE(empty.ok());
    CHECK(empty.reason().code == errc::numerics_failed);
}
