// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/thermalisation.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

using namespace forge;

namespace {

/// An exponential approach to `equilibrium` with white noise.
std::vector<double> approach(double from, double equilibrium, double tau, double sigma, unsigned seed, std::size_t n = 300) {
    std::mt19937 random(seed);
    std::normal_distribution<double> noise(0.0, sigma);
    std::vector<double> x(n);
    for (std::size_t t = 0; t < n; ++t)
        x[t] = equilibrium + (from - equilibrium) * std::exp(-static_cast<double>(t) / tau) + noise(random);
    return x;
}

std::vector<thermalisation_point> points(const std::vector<double>& p, const std::vector<double>& l) {
    std::vector<thermalisation_point> all(p.size());
    for (std::size_t t = 0; t < p.size(); ++t)
        all[t] = {p[t], l[t], std::nullopt};
    return all;
}

std::optional<thermalisation_stop> watch(const thermalisation_settings& s, const std::vector<thermalisation_point>& hot, const std::vector<thermalisation_point>& cold) {
    thermalisation_monitor m(s);
    for (std::size_t t = 0; t < hot.size(); ++t) {
        m.add(true, hot[t]);
        m.add(false, cold[t]);
    }
    return m.verdict();
}

} // namespace

TEST_CASE("a bracket is closed when the means meet, worked by hand") {
    const std::array<double, 4> hot{1.0, 3.0, 1.0, 3.0};   // mean 2, s^2 = 4/3
    const std::array<double, 4> cold{4.0, 6.0, 4.0, 6.0};  // mean 5, s^2 = 4/3; error sqrt((8/3) / 4) = 0.8165
    CHECK_FALSE(bracket_closed(hot, cold, 4, 3.6));
    CHECK(bracket_closed(hot, cold, 4, 3.7));
    CHECK(bracket_closed(cold, hot, 4, 0.0)); // they have crossed
    CHECK_FALSE(bracket_closed(hot, cold, 5, 100.0));
    const std::array<double, 4> stuck{1.0, 1.0, 1.0, 1.0};
    CHECK_FALSE(bracket_closed(hot, stuck, 4, 100.0)); // a chain that never moved agrees with nothing
}

TEST_CASE("mser5 cuts where a step ends, and nothing off white noise's first half for good reason only") {
    std::vector<double> x(100, 0.0);
    std::mt19937 random(3);
    std::normal_distribution<double> noise(0.0, 0.1);
    for (std::size_t t = 0; t < x.size(); ++t)
        x[t] = (t < 20 ? 5.0 : 0.0) + noise(random);
    CHECK(mser5(x) >= 20);
    CHECK(mser5(x) <= 50); // never more than half
    CHECK(mser5(std::span<const double>(x).first(19)) == 0);
    // Batches 4, 0, 0, 0: scores 12/16, 0 -> the first batch goes.
    std::vector<double> step(20, 0.0);
    std::fill_n(step.begin(), 5, 4.0);
    CHECK(mser5(step) == 5);
}

TEST_CASE("drift and known equilibrium, worked by hand") {
    const std::array<double, 4> x{0.0, 1.0, 4.0, 5.0}; // halves 0.5 and 4.5, s^2 = 17/3
    const double z = 4.0 / std::sqrt(17.0 / 3.0 * 2.0);
    CHECK_FALSE(drift_absent(x, 4, 0.99 * z, 1.0));
    CHECK(drift_absent(x, 4, 1.01 * z, 1.0));
    CHECK_FALSE(drift_absent(x, 8, 100.0, 1.0));
    const std::array<double, 6> y{100.0, 1.0, 2.0, 3.0, 4.0, 5.0};
    CHECK(near_known(y, 3.5, 1.0, 0.5));
    CHECK_FALSE(near_known(y, 3.6, 1.0, 0.5));
}

TEST_CASE("the monitor stops after the approach, on both observables, whatever the order of arrival") {
    const thermalisation_settings s;
    const auto hot = points(approach(0.0, 0.55, 8.0, 0.01, 1), approach(0.0, 0.3, 20.0, 0.03, 2));
    const auto cold = points(approach(1.0, 0.55, 8.0, 0.01, 3), approach(1.0, 0.3, 20.0, 0.03, 4));
    const auto stop = watch(s, hot, cold);
    REQUIRE(stop);
    CHECK(stop->by == stop_reason::bracket);
    CHECK(stop->after > 40); // exp(-40/20) of |L| is far from 0.03; the plaquette alone would have stopped near 30
    CHECK(stop->after < 120);

    thermalisation_monitor late(s);
    for (const auto& p : hot)
        late.add(true, p);
    CHECK_FALSE(late.verdict());
    for (const auto& p : cold)
        late.add(false, p);
    CHECK(late.verdict() == stop);
    CHECK(late.seen(true) == hot.size());
}

TEST_CASE("a metastable hot chain is not called thermalised, however quiet it is") {
    const thermalisation_settings s;
    const auto hot = points(approach(0.0, 0.57, 5.0, 0.005, 1), approach(0.0, 0.05, 3.0, 0.02, 2)); // P is there, |L| hangs in the other phase
    const auto cold = points(approach(1.0, 0.57, 5.0, 0.005, 3), approach(1.0, 0.5, 5.0, 0.02, 4));
    const auto stop = watch(s, hot, cold);
    REQUIRE(stop);
    CHECK(stop->by == stop_reason::limit);
    CHECK(stop->after == s.at_most);
}

TEST_CASE("without a model's word the bracket decides; with it both must call equilibrium, and never against a broken bracket") {
    thermalisation_settings s;
    const auto p_hot = approach(0.0, 0.55, 8.0, 0.01, 1);
    const auto p_cold = approach(1.0, 0.55, 8.0, 0.01, 3);
    auto hot = points(p_hot, approach(0.0, 0.1, 8.0, 0.01, 5));
    auto cold = points(p_cold, approach(1.0, 0.1, 8.0, 0.01, 6));
    const auto by_bracket = watch(s, hot, cold);
    s.rule = thermalisation_rule::network;
    CHECK(watch(s, hot, cold) == by_bracket);
    for (std::size_t t = 0; t < hot.size(); ++t) {
        hot[t].predicted = equilibrium_distance{t < 90 ? 1.0 : 0.1, 0.1};
        cold[t].predicted = equilibrium_distance{0.0, -0.1};
    }
    const auto stop = watch(s, hot, cold);
    REQUIRE(stop);
    CHECK(stop->by == stop_reason::network);
    CHECK(stop->after >= 91);
    for (auto& point : hot)
        point.predicted = equilibrium_distance{0.0, 0.0};
    const auto trusting = watch(s, hot, cold);
    REQUIRE(trusting);
    CHECK(trusting->by == stop_reason::network);
    CHECK(trusting->after <= by_bracket->after);
    CHECK(trusting->after > 20); // not while the chains are far apart, whatever the model says
    for (auto& point : cold)
        point.predicted->polyakov = std::nan("");
    CHECK(watch(s, hot, cold)->by == stop_reason::limit);
}
