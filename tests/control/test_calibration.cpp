// SPDX-License-Identifier: AGPL-3.0-only
// The paired comparison by its laws, and the watch over the incumbent.
#include "libactors/control/supervision/calibration.hpp"
#include "libactors/control/supervision/drift_watch.hpp"
#include "libactors/numerics/counter_rng.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <set>

using namespace forge;

namespace {

constexpr auto per_s = ordering_objective::per_second;

double normal(std::uint32_t a, std::uint32_t b) { return normal_pair(philox4x32({a, b, 5, 0}, {1, 8}))[0]; }

calibration rounds_of(std::size_t arms, std::uint32_t rounds, std::uint32_t seed, double drift, double noise = 0.03) {
    calibration c(arms, 0);
    for (std::size_t a = 0; a < arms; ++a)
        c.enter(a);
    for (std::uint32_t k = 0; k < rounds; ++k) {
        std::map<std::size_t, visit_value> round;
        for (std::size_t a = 0; a < arms; ++a)
            round[a] = {1.0 + 0.1 * static_cast<double>(a) + drift * k + noise * normal(seed, k * 16 + static_cast<std::uint32_t>(a)), std::nullopt, energy_source::none};
        c.add_round(round);
    }
    return c;
}

} // namespace

TEST_CASE("what a round has in common cancels, in means and in errors") {
    const auto still = rounds_of(4, 5, 1, 0.0), drifting = rounds_of(4, 5, 1, 0.7);
    for (std::size_t a = 0; a < 4; ++a) {
        CHECK(still.log_ratio(a, per_s).mean == Approx(drifting.log_ratio(a, per_s).mean).margin(1e-12));
        CHECK(*still.log_ratio(a, per_s).error == Approx(*drifting.log_ratio(a, per_s).error));
        CHECK(still.log_gain(a, per_s).mean == Approx(drifting.log_gain(a, per_s).mean).margin(1e-12));
    }
}

TEST_CASE("with two arms the bound is the paired t; with more, all of them say the noise") {
    const auto c = rounds_of(2, 6, 3, 0.1);
    std::vector<double> gains;
    for (std::uint32_t k = 0; k < 6; ++k)
        gains.push_back(0.1 + 0.03 * (normal(3, k * 16 + 1) - normal(3, k * 16)));
    const auto paired = small_sample_of(gains), ours = c.log_gain(1, per_s);
    CHECK(ours.mean == Approx(paired.mean));
    CHECK(*ours.error == Approx(*paired.error));
    CHECK(ours.degrees == 5);
    CHECK(rounds_of(5, 3, 3, 0.1).log_gain(1, per_s).degrees == 8);
    CHECK_FALSE(rounds_of(5, 1, 3, 0.1).log_gain(1, per_s).error);
}

TEST_CASE("the lower bound of a gain is below the truth in 95 % of 4,000 calibrations of five arms in two rounds") {
    int below = 0;
    constexpr int n = 4000;
    for (std::uint32_t seed = 0; seed < n; ++seed)
        below += *rounds_of(5, 2, 100 + seed, 0.2).log_gain(3, per_s).lower(0.95) < 0.3 ? 1 : 0;
    CHECK(std::abs(below - 0.95 * n) < 4.0 * std::sqrt(n * 0.95 * 0.05));
}

TEST_CASE("orders are permutations, differ between rounds, and repeat for a seed") {
    const auto c = rounds_of(5, 0, 1, 0.0);
    std::set<std::vector<std::size_t>> seen;
    std::vector<int> first(5);
    for (std::uint32_t k = 0; k < 1000; ++k) {
        const auto order = c.order(7, 1, k);
        CHECK(std::set<std::size_t>(order.begin(), order.end()).size() == 5);
        CHECK(order == c.order(7, 1, k));
        seen.insert(order);
        ++first[order.front()];
    }
    CHECK(seen.size() == 120);
    for (const int f : first)
        CHECK(std::abs(f - 200) < 4.0 * std::sqrt(1000 * 0.2 * 0.8));
}

TEST_CASE("the watch sees a lasting drop, not one stalled block, and follows slow drift") {
    drift_watch w;
    for (int k = 0; k < 14; ++k) {
        w.add(2.0);
        CHECK_FALSE(w.drift());
    }
    w.add(2.0);
    CHECK(w.drift().value() == Approx(0.0));
    w.add(-3.0);
    CHECK(w.drift().value() == Approx(0.0));
    for (int k = 0; k < 5; ++k)
        w.add(2.0 + std::log(0.8));
    CHECK(w.drift().value() < std::log1p(-0.12));
    drift_watch slow;
    for (int k = 0; k < 1000; ++k) {
        slow.add(-0.0005 * k); // 40 % in all
        CHECK(slow.drift().value_or(0.0) > std::log1p(-0.12));
    }
}
