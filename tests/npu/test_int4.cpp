// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/npu/int4.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <random>

using namespace forge;

TEST_CASE("nibbles come back from bytes, the first one lowest") {
    for (const std::size_t n : {0u, 1u, 2u, 15u, 16u}) {
        std::vector<std::int8_t> q(n);
        for (std::size_t k = 0; k < n; ++k)
            q[k] = static_cast<std::int8_t>(static_cast<int>(k % 16) - 8);
        CHECK(unpack_int4(pack_int4(q), n) == q);
    }
    CHECK(pack_int4(std::vector<std::int8_t>{1, -1}) == std::vector<std::uint8_t>{0xf1});
    CHECK(pack_int4(std::vector<std::int8_t>{-7, 7, 3}) == std::vector<std::uint8_t>{0x79, 0x03});
}

TEST_CASE("a weight is at most half a step away from its nibble, and the largest is exact") {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    for (int k = 0; k < 100; ++k) {
        std::vector<float> w(33);
        for (auto& x : w)
            x = normal(random);
        const auto c = quantise_channel(w);
        float top = 0.0f;
        for (std::size_t i = 0; i < w.size(); ++i) {
            CHECK(std::abs(w[i] - static_cast<float>(c.q[i]) * c.scale) <= 0.5001f * c.scale);
            CHECK(std::abs(static_cast<int>(c.q[i])) <= 7);
            top = std::max(top, std::abs(w[i]));
        }
        CHECK(c.scale * 7.0f == Approx(top));
    }
    const auto zeros = quantise_channel(std::vector<float>(5, 0.0f));
    CHECK(zeros.scale == 0.0f);
    CHECK(zeros.q == std::vector<std::int8_t>(5, 0));
    CHECK(quantise_with(std::vector<float>{100.0f, -100.0f, 0.5f}, 1.0f) == std::vector<std::int8_t>{7, -7, 1}); // clamped; halves go away from zero
}
