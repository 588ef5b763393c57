// SPDX-License-Identifier: AGPL-3.0-only
// Student's t against its closed forms and its coverage.
#include "libactors/numerics/counter_rng.hpp"
#include "libactors/numerics/student_t.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <vector>

using namespace forge;

TEST_CASE("Student's t has its closed forms for one and two degrees, is odd, and becomes the normal one") {
    const double pi = std::acos(-1.0);
    for (const double p : {0.6, 0.9, 0.95, 0.975, 0.999}) {
        CHECK(student_t_quantile(p, 1) == Approx(std::tan(pi * (p - 0.5))).epsilon(1e-10));
        CHECK(student_t_quantile(p, 2) == Approx((2 * p - 1) * std::sqrt(2.0 / (4 * p * (1 - p)))).epsilon(1e-10));
        CHECK(student_t_quantile(1 - p, 7) == Approx(-student_t_quantile(p, 7)).epsilon(1e-9));
        const double z = student_t_quantile(p, 100'000'000);
        CHECK(0.5 * std::erfc(-z / std::sqrt(2.0)) == Approx(p).epsilon(1e-7));
    }
    CHECK_THROWS(student_t_quantile(1.0, 3));
    CHECK_THROWS(student_t_quantile(0.5, 0));
}

TEST_CASE("a lower bound of four normal numbers is below the truth as often as it says") {
    int below = 0;
    constexpr int n = 20000;
    for (int k = 0; k < n; ++k) {
        std::vector<double> x;
        for (std::uint32_t j = 0; j < 2; ++j) {
            const auto pair = normal_pair(philox4x32({static_cast<std::uint32_t>(k), j, 0, 0}, {7, 7}));
            x.insert(x.end(), {1.0 + pair[0], 1.0 + pair[1]});
        }
        const auto s = small_sample_of(x);
        REQUIRE(s.lower(0.95));
        CHECK(*s.lower(0.95) < s.mean);
        CHECK(*s.upper(0.95) - s.mean == Approx(s.mean - *s.lower(0.95)));
        below += *s.lower(0.95) < 1.0 ? 1 : 0;
    }
    CHECK(std::abs(below - 0.95 * n) < 4.0 * std::sqrt(n * 0.95 * 0.05));
}

TEST_CASE("one number has a mean and no bound") {
    const double one = 3.0;
    const auto s = small_sample_of(std::span(&one, 1));
    CHECK(s.mean == 3.0);
    CHECK_FALSE(s.error);
    CHECK_FALSE(s.lower(0.95));
    CHECK(small_sample_of({}).n == 0);
}
