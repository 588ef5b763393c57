// SPDX-License-Identifier: AGPL-3.0-only
// Counter-based noise: the published vectors, and that every field of the name matters.
#include "libactors/numerics/counter_rng.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <set>

using namespace forge;

TEST_CASE("Philox4x32-10 gives the three Random123 known answers") {
    CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == philox_block{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u});
    constexpr std::uint32_t ones = 0xffffffffu;
    CHECK(philox4x32({ones, ones, ones, ones}, {ones, ones}) ==
          philox_block{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu});
    CHECK(philox4x32({0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}, {0xa4093822u, 0x299f31d0u}) ==
          philox_block{0xd16cfe09u, 0x94fdcceb, 0x5001e420u, 0x24126ea1u});
}

TEST_CASE("a noise block is Philox of (link, trajectory, segment, purpose and draw)") {
    const noise_id id{0x0123456789abcdefu, 0x500000007u, 9};
    CHECK(noise_block(id, 11, noise_purpose::accept, 3) ==
          philox4x32({11, 7, 9, 2u << 16 | 3u}, {0x89abcdefu, 0x01234567u}));
}

TEST_CASE("every field of a noise name changes the block") {
    const noise_id id{17, 5, 3};
    const std::set<philox_block> blocks{
        noise_block(id, 4, noise_purpose::momenta, 1),     noise_block({18, 5, 3}, 4, noise_purpose::momenta, 1),
        noise_block({17, 6, 3}, 4, noise_purpose::momenta, 1), noise_block({17, 5, 4}, 4, noise_purpose::momenta, 1),
        noise_block(id, 5, noise_purpose::momenta, 1),     noise_block(id, 4, noise_purpose::accept, 1),
        noise_block(id, 4, noise_purpose::start, 1),       noise_block(id, 4, noise_purpose::momenta, 2),
        noise_block({17u | 1ull << 40, 5, 3}, 4, noise_purpose::momenta, 1)};
    CHECK(blocks.size() == 9);
}

TEST_CASE("uniform numbers reach their ends and never leave them") {
    constexpr std::uint32_t ones = 0xffffffffu;
    CHECK(open_uniform({0, 0, 0, 0}) == 0x1p-53); // the logarithm never sees zero
    CHECK(open_uniform({ones, ones, 0, 0}) == 1.0);
    CHECK(angle_uniform({0, 0, 0, 0}) == 0.0);
    CHECK(angle_uniform({0, 0, ones, ones}) == 1.0 - 0x1p-53);
    const auto extreme = normal_pair({0, 0, 0, 0});
    CHECK(extreme[0] == Approx(std::sqrt(106.0 * std::log(2.0))).epsilon(1e-15));
    CHECK(extreme[1] == 0.0);
    CHECK(normal_pair({ones, ones, 0, 0}) == std::array<double, 2>{0.0, 0.0});
}

TEST_CASE("normal pairs have the moments of two independent normal numbers") {
    // N = 200000 pairs, key 20240607; bounds are 4 sigma of each estimator.
    constexpr std::uint32_t n = 200000;
    double m1 = 0.0, m2 = 0.0, m3 = 0.0, m4 = 0.0, cross = 0.0;
    for (std::uint32_t k = 0; k < n; ++k) {
        const auto p = normal_pair(noise_block({20240607, 1, 1}, k, noise_purpose::momenta, 0));
        cross += p[0] * p[1];
        for (const double x : p) {
            m1 += x;
            m2 += x * x;
            m3 += x * x * x;
            m4 += x * x * x * x;
        }
    }
    const double count = 2.0 * n;
    INFO("key 20240607, N = " << count);
    CHECK(std::abs(m1 / count) < 4.0 / std::sqrt(count));
    CHECK(std::abs(m2 / count - 1.0) < 4.0 * std::sqrt(2.0 / count));
    CHECK(std::abs(m3 / count) < 4.0 * std::sqrt(15.0 / count));
    CHECK(std::abs(m4 / count - 3.0) < 4.0 * std::sqrt(96.0 / count));
    CHECK(std::abs(cross / n) < 4.0 / std::sqrt(double(n)));
}

TEST_CASE("normal numbers fill the classes of the normal distribution") {
    // chi^2 over 20 classes of equal probability, N = 200000, key 77; 19 degrees of freedom: mean 19, sigma 6.2.
    constexpr std::uint32_t n = 100000;
    std::array<double, 20> seen{};
    for (std::uint32_t k = 0; k < n; ++k)
        for (const double x : normal_pair(noise_block({77, 2, 1}, k, noise_purpose::momenta, 0))) {
            const double p = 0.5 * std::erfc(-x / std::sqrt(2.0));
            seen[std::min<std::size_t>(19, static_cast<std::size_t>(20.0 * p))] += 1.0;
        }
    const double expected = 2.0 * n / 20.0;
    double chi2 = 0.0;
    for (const double s : seen)
        chi2 += (s - expected) * (s - expected) / expected;
    INFO("key 77, N = " << 2 * n);
    CHECK(chi2 < 19.0 + 4.0 * std::sqrt(38.0));
    CHECK(chi2 > 3.0); // too even would be as wrong
}
