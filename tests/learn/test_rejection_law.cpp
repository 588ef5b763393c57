// SPDX-License-Identifier: AGPL-3.0-only
// The law of rejection half-way: against the definition, by numerical integration, and against its own samples.
#include "libactors/learn/rejection_law.hpp"
#include "libactors/numerics/counter_rng.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <vector>

using namespace forge;

namespace {

struct pair {
    double middle, end;
};

/// dH(end) = 0.05 + 0.6 dH(middle) + noise: a model with a known law.
std::vector<pair> model_pairs(std::uint32_t n, std::uint64_t key) {
    std::vector<pair> all;
    for (std::uint32_t k = 0; k < n; ++k) {
        const auto z = normal_pair(noise_block({key, k, 1}, 0, noise_purpose::momenta, 0));
        const double middle = 0.02 + 0.3 * z[0];
        all.push_back({middle, 0.05 + 0.6 * middle + 0.2 * z[1]});
    }
    return all;
}

rejection_law taught(const std::vector<pair>& all) {
    rejection_law law;
    for (const auto& p : all)
        law.learn(p.middle, p.end);
    return law;
}

/// Two passes in long double: mean, slope and spread by the textbook.
struct textbook {
    long double x = 0, y = 0, slope = 0, sigma = 0, all = 0;
    explicit textbook(const std::vector<pair>& rows) {
        const auto n = static_cast<long double>(rows.size());
        for (const auto& p : rows) {
            x += p.middle / n;
            y += p.end / n;
        }
        long double xx = 0, xy = 0, yy = 0;
        for (const auto& p : rows) {
            xx += (p.middle - x) * (p.middle - x) / n;
            xy += (p.middle - x) * (p.end - y) / n;
            yy += (p.end - y) * (p.end - y) / n;
        }
        slope = xy / xx;
        sigma = std::sqrt(yy - slope * xy);
        all = std::sqrt(yy);
    }
};

/// 1 - <min(1, e^-d)> for d ~ N(m, s^2), by Simpson's rule.
double integral_of_rejection(double m, double s) {
    const int n = 20000;
    const double lo = m - 10 * s, h = 20 * s / n;
    double sum = 0.0;
    for (int k = 0; k <= n; ++k) {
        const double d = lo + h * k;
        const double z = (d - m) / s;
        const double f = std::exp(-0.5 * z * z) / (s * std::sqrt(2 * std::acos(-1.0))) * (1.0 - std::min(1.0, std::exp(-d)));
        sum += f * (k == 0 || k == n ? 1 : k % 2 == 1 ? 4 : 2);
    }
    return sum * h / 3;
}

} // namespace

TEST_CASE("probabilities of a rejection follow from the least-squares law") {
    const auto rows = model_pairs(500, 11);
    const auto law = taught(rows);
    const textbook t(rows);
    REQUIRE(law.rows() == 500);
    for (const double middle : {-0.7, 0.0, 0.3, 1.1})
        for (const double minus_log_u : {0.01, 0.2, 1.5}) {
            const auto expected = static_cast<double>(t.y + t.slope * (middle - t.x));
            const auto sigma = static_cast<double>(t.sigma);
            CHECK(*law.rejection(middle, minus_log_u) == Approx(0.5 * std::erfc((minus_log_u - expected) / (sigma * std::sqrt(2.0)))).epsilon(1e-10));
            CHECK(*law.rejection_without_u(middle) == Approx(integral_of_rejection(expected, sigma)).margin(1e-9));
            CHECK(*law.rejection_without_middle(minus_log_u) ==
                  Approx(0.5 * std::erfc((minus_log_u - static_cast<double>(t.y)) / (static_cast<double>(t.all) * std::sqrt(2.0)))).epsilon(1e-10));
        }
    CHECK(*law.sigma_end() == Approx(static_cast<double>(t.all)).epsilon(1e-12));
}

TEST_CASE("what is foreseen comes as often as it says") {
    const auto law = taught(model_pairs(4000, 5));
    double expected = 0.0, variance = 0.0;
    int rejected = 0;
    const auto fresh = model_pairs(4000, 6);
    for (std::uint32_t k = 0; k < fresh.size(); ++k) {
        const double u = open_uniform(noise_block({7, k, 1}, 0, noise_purpose::accept, 0));
        const double p = *law.rejection(fresh[k].middle, -std::log(u));
        expected += p;
        variance += p * (1.0 - p);
        rejected += fresh[k].end > -std::log(u) ? 1 : 0;
    }
    INFO("expected " << expected << ", came " << rejected << ", sigma " << std::sqrt(variance) << ", N 4000");
    CHECK(std::abs(rejected - expected) < 4.0 * std::sqrt(variance));
}

TEST_CASE("a law of too little says nothing") {
    rejection_law law;
    for (int k = 0; k < 19; ++k)
        law.learn(0.1 * k, 0.05 * k);
    CHECK(!law.rejection(0.1, 0.2));
    CHECK(!law.correlation());
    law.learn(0.3, 0.7);
    CHECK(law.rejection(0.1, 0.2));
    rejection_law flat;
    for (int k = 0; k < 100; ++k)
        flat.learn(0.25, 0.5);
    CHECK(!flat.rejection(0.25, 0.2));
    CHECK(!flat.rejection_without_middle(0.2));
}
