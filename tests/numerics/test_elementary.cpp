// SPDX-License-Identifier: AGPL-3.0-only
// Our own logarithm, sine, cosine and exponential against long double.
#include "libactors/numerics/elementary.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <random>

using namespace forge;

namespace {

/// |value - exact| in units of the last place of the exact result.
double ulps(double value, long double exact) {
    const double rounded = static_cast<double>(exact);
    const double up = std::nextafter(std::abs(rounded), std::numeric_limits<double>::infinity());
    return static_cast<double>(std::abs(static_cast<long double>(value) - exact) / static_cast<long double>(up - std::abs(rounded)));
}

} // namespace

TEST_CASE("det_log is within 2 ulp of the logarithm for every magnitude") {
    std::mt19937_64 generator(101);
    std::uniform_real_distribution<double> uniform;
    double worst = 0.0;
    for (int k = 0; k < 200000; ++k) {
        const double u = 1.0 - uniform(generator); // (0, 1], as the noise uses it
        const double wide = std::ldexp(0.5 + u, static_cast<int>(generator() % 2000) - 1000);
        const double near_one = 1.0 + (u - 0.5) * std::ldexp(1.0, -static_cast<int>(generator() % 50));
        for (const double x : {u, wide, near_one})
            if (x != 1.0)
                worst = std::max(worst, ulps(det_log(x), std::log(static_cast<long double>(x))));
    }
    INFO("seed 101, N = 600000, worst " << worst << " ulp");
    CHECK(worst < 2.0);
}

TEST_CASE("det_log at the edges: exact at one, negative below, the smallest uniform number") {
    CHECK(det_log(1.0) == 0.0);
    CHECK(det_log(std::nextafter(1.0, 0.0)) < 0.0);
    CHECK(det_log(std::nextafter(1.0, 2.0)) > 0.0);
    for (const double x : {0x1p-53, 2.0, 0.5, std::sqrt(0.5), std::sqrt(2.0), 1.4142135623730951, 1.4142135623730954,
                           std::numeric_limits<double>::min(), std::numeric_limits<double>::max()})
        CHECK(ulps(det_log(x), std::log(static_cast<long double>(x))) < 2.0);
}

TEST_CASE("det_sincos_2pi is within 3e-16 of sine and cosine and on the unit circle") {
    std::mt19937_64 generator(202);
    std::uniform_real_distribution<double> uniform;
    const long double pi2 = 2.0L * std::acos(-1.0L);
    double worst = 0.0;
    double off_circle = 0.0;
    for (int k = 0; k < 200000; ++k) {
        const double t = uniform(generator);
        const auto sc = det_sincos_2pi(t);
        const long double a = pi2 * static_cast<long double>(t);
        worst = std::max({worst, static_cast<double>(std::abs(sc.sine - std::sin(a))),
                          static_cast<double>(std::abs(sc.cosine - std::cos(a)))});
        off_circle = std::max(off_circle, std::abs(sc.sine * sc.sine + sc.cosine * sc.cosine - 1.0));
    }
    INFO("seed 202, N = 200000, worst " << worst);
    CHECK(worst < 3e-16);
    CHECK(off_circle < 6e-16);
}

TEST_CASE("det_sincos_2pi is exact at the quarter turns") {
    const double turns[][3] = {{0.0, 0.0, 1.0}, {0.25, 1.0, 0.0}, {0.5, 0.0, -1.0}, {0.75, -1.0, 0.0}};
    for (const auto& [t, sine, cosine] : turns) {
        CHECK(det_sincos_2pi(t).sine == sine);
        CHECK(det_sincos_2pi(t).cosine == cosine);
    }
    CHECK(det_sincos_2pi(0.125).sine == Approx(std::sqrt(0.5)).epsilon(1e-15));
    CHECK(det_sincos_2pi(1.0 - 0x1p-53).cosine == 1.0);
    CHECK(det_sincos_2pi(1.0 - 0x1p-53).sine < 0.0);
}

TEST_CASE("det_exp is within 2 ulp of the exponential") {
    std::mt19937_64 generator(303);
    std::uniform_real_distribution<double> wide(-708.0, 708.0);
    std::uniform_real_distribution<double> narrow(-2.0, 2.0);
    double worst = 0.0;
    for (int k = 0; k < 100000; ++k)
        for (const double x : {wide(generator), narrow(generator)})
            worst = std::max(worst, ulps(det_exp(x), std::exp(static_cast<long double>(x))));
    INFO("seed 303, N = 200000, worst " << worst << " ulp");
    CHECK(worst < 2.0);
}

TEST_CASE("det_exp at the edges") {
    CHECK(det_exp(0.0) == 1.0);
    CHECK(det_exp(-0.0) == 1.0);
    CHECK(det_exp(709.5) == std::numeric_limits<double>::infinity());
    CHECK(det_exp(std::numeric_limits<double>::infinity()) == std::numeric_limits<double>::infinity());
    CHECK(det_exp(-746.0) == 0.0);
    CHECK(det_exp(-std::numeric_limits<double>::infinity()) == 0.0);
    CHECK(std::isnan(det_exp(std::numeric_limits<double>::quiet_NaN())));
    CHECK(det_exp(-740.0) == Approx(std::exp(-740.0)).margin(5e-324)); // denormal result
}
