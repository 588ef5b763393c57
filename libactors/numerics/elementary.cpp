// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/numerics/elementary.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>

namespace forge {

namespace {
constexpr double ln2_high = 6.93147180369123816490e-01; // trailing zeros: exact times any exponent
constexpr double ln2_low = 1.90821492927058770002e-10;
constexpr double round_to_integer = 0x1.8p52; // adding it leaves the nearest integer in the low bits
} // namespace

double det_log(double x) {
    const auto bits = std::bit_cast<std::uint64_t>(x);
    double e = static_cast<double>(bits >> 52) - 1023.0;
    double m = std::bit_cast<double>((bits & 0x000FFFFFFFFFFFFFu) | 0x3FF0000000000000u);
    if (m > 1.4142135623730951) {
        m = m * 0.5;
        e = e + 1.0;
    }
    const double f = m - 1.0;
    const double s = f / (2.0 + f);
    const double z = s * s;
    double p = 1.0 / 21.0;
    for (const double c : {1.0 / 19.0, 1.0 / 17.0, 1.0 / 15.0, 1.0 / 13.0, 1.0 / 11.0, 1.0 / 9.0, 1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0})
        p = std::fma(p, z, c);
    const double twice = 2.0 * s;
    const double tail = std::fma(e, ln2_low, twice * (z * p));
    return e * ln2_high + (twice + tail);
}

sine_cosine det_sincos_2pi(double t) {
    const double shifted = std::fma(t, 4.0, round_to_integer);
    const auto quadrant = std::bit_cast<std::uint64_t>(shifted) & 3u;
    const double r = std::fma(shifted - round_to_integer, -0.25, t); // exact
    const double x = std::fma(r, 6.283185307179586, r * 2.4492935982947064e-16);
    const double z = x * x;
    double s = 1.0 / 355687428096000.0; // 1/17!
    for (const double c : {-1.0 / 1307674368000.0, 1.0 / 6227020800.0, -1.0 / 39916800.0, 1.0 / 362880.0, -1.0 / 5040.0,
                           1.0 / 120.0, -1.0 / 6.0})
        s = std::fma(s, z, c);
    s = std::fma(s * z, x, x);
    double c0 = 1.0 / 20922789888000.0; // 1/16!
    for (const double c : {-1.0 / 87178291200.0, 1.0 / 479001600.0, -1.0 / 3628800.0, 1.0 / 40320.0, -1.0 / 720.0,
                           1.0 / 24.0, -1.0 / 2.0, 1.0})
        c0 = std::fma(c0, z, c);
    const double a = (quadrant & 1u) != 0 ? c0 : s;
    const double b = (quadrant & 1u) != 0 ? s : c0;
    return {(quadrant & 2u) != 0 ? -a : a, ((quadrant + 1u) & 2u) != 0 ? -b : b};
}

double det_exp(double x) {
    if (std::isnan(x))
        return x;
    if (x > 709.0)
        return std::numeric_limits<double>::infinity();
    if (x < -745.0)
        return 0.0;
    const double n = std::fma(x, 1.4426950408889634, round_to_integer) - round_to_integer;
    const double r = std::fma(n, -ln2_low, std::fma(n, -ln2_high, x));
    double p = 1.0 / 87178291200.0; // 1/14!
    for (const double c : {1.0 / 6227020800.0, 1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0, 1.0 / 362880.0,
                           1.0 / 40320.0, 1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0})
        p = std::fma(p, r, c);
    return std::ldexp(p, static_cast<int>(n));
}

} // namespace forge
