// SPDX-License-Identifier: AGPL-3.0-only
// Where the Bayesian steerer wants to measure, and whether what it believes is true.
#include "libactors/control/steering/bayesian_steerer.hpp"
#include "libactors/numerics/counter_rng.hpp"
#include "libactors/numerics/student_t.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <iostream>
#include <set>

using namespace forge;

namespace {

double normal(std::uint32_t a, std::uint32_t b) { return normal_pair(philox4x32({a, b, 0, 0}, {21, 3}))[0]; }
double uniform(std::uint32_t a, std::uint32_t b) { return open_uniform(philox4x32({a, b, 1, 0}, {21, 3})); }

/// chi_L as it is near a transition: a peak of some width on a background.
double chi(double beta, double peak, double width) { return 0.1 + 1.5 / (1.0 + (beta - peak) * (beta - peak) / (width * width)); }

steering_point measured(double beta, double peak, double width, double relative, double z) {
    const double value = chi(beta, peak, width) * std::exp(relative * z);
    return {beta, value, relative * value, 0.5 + 0.1 * (beta - 5.5), 1e-4};
}

steering_request request(const std::vector<double>& betas, double peak, double width = 0.05) {
    steering_request r{.measured = {}, .running = {}, .beta_min = 5.5, .beta_max = 5.9, .chains = 1, .candidates = 40, .seed = 3};
    for (const double b : betas)
        r.measured.push_back(measured(b, peak, width, 0.05, 0.0));
    return r;
}

} // namespace

TEST_CASE("the next point lies in the gap that the values point into") {
    // Rising from both sides towards an unmeasured middle that is left of the centre.
    const auto r = request({5.50, 5.53, 5.56, 5.59, 5.74, 5.78, 5.82, 5.86, 5.90}, 5.66);
    const auto plan = steer(r).or_throw();
    REQUIRE(plan.choices.size() == 1);
    CHECK(plan.choices[0].beta > 5.59);
    CHECK(plan.choices[0].beta < 5.74);
    CHECK(plan.choices[0].gain_bits.value() > 0.1);
    REQUIRE(plan.peak);
    CHECK(plan.peak->beta > 5.59);
    CHECK(plan.peak->beta < 5.74);
    CHECK(plan.choices[0].reason.find("bits expected") != std::string::npos);
    CHECK(plan.choices[0].reason.find("P there") != std::string::npos);
}

TEST_CASE("several chains get different points; what runs already is counted; the same seed chooses the same") {
    auto r = request({5.50, 5.60, 5.75, 5.90}, 5.68);
    r.chains = 4;
    const auto plan = steer(r).or_throw();
    const auto again = steer(r).or_throw();
    std::set<double> betas;
    for (std::size_t k = 0; k < plan.choices.size(); ++k) {
        betas.insert(plan.choices[k].beta);
        CHECK(plan.choices[k].beta == again.choices[k].beta);
        CHECK(plan.choices[k].gain_bits == again.choices[k].gain_bits);
        CHECK(plan.choices[k].reason == again.choices[k].reason);
    }
    CHECK(betas.size() == 4);
    // All of them together tell no more than there is to know, and each tells something.
    double bits = 0.0;
    for (const auto& choice : plan.choices) {
        CHECK(choice.gain_bits.value() > 0.0);
        bits += *choice.gain_bits;
    }
    CHECK(bits <= plan.peak->bits);
    // A place that a running chain measures is left to it; what comes next is what the plan for two had chosen second.
    auto one = r;
    one.chains = 1;
    const auto alone = steer(one).or_throw();
    one.running = {alone.choices[0].beta};
    const auto second = steer(one).or_throw();
    CHECK(second.choices[0].beta != alone.choices[0].beta);
    CHECK(alone.choices[0].beta == plan.choices[0].beta);
    CHECK(second.choices[0].beta == plan.choices[1].beta);
    CHECK(second.choices[0].gain_bits == plan.choices[1].gain_bits);
}

TEST_CASE("a peak that is measured densely is known, and nothing more is worth much") {
    std::vector<double> betas;
    for (double b = 5.5; b < 5.9; b += 0.0098)
        betas.push_back(b + 0.004);
    const auto sparse = steer(request({5.5, 5.7, 5.9}, 5.68)).or_throw();
    auto dense_request = request(betas, 5.68);
    for (auto& p : dense_request.measured)
        p.chi_error = 0.01 * *p.chi_polyakov;
    const auto dense = steer(dense_request).or_throw();
    REQUIRE(dense.peak);
    CHECK(std::abs(dense.peak->beta - 5.68) < 0.01);
    CHECK(dense.peak->bits < sparse.peak->bits);
    if (!dense.choices.empty())
        CHECK(dense.choices[0].gain_bits.value() < sparse.choices[0].gain_bits.value());
    CHECK_FALSE(sparse.saturated);
}

TEST_CASE("too few values of chi_L: the plaquette's uncertainty or the largest gap decides, and it says so") {
    steering_request r{.measured = {{5.6, 0.3, 0.1, {}, {}}}, .running = {}, .beta_min = 5.5, .beta_max = 5.9, .chains = 2, .candidates = 40, .seed = 1};
    const auto gaps = steer(r).or_throw();
    REQUIRE(gaps.choices.size() == 2);
    CHECK(gaps.choices[0].beta == Approx(5.75));
    CHECK_FALSE(gaps.choices[0].gain_bits);
    CHECK_FALSE(gaps.peak);
    CHECK(gaps.choices[0].reason.find("largest gap") != std::string::npos);
    CHECK(gaps.choices[1].beta != gaps.choices[0].beta);
    for (const double b : {5.51, 5.53, 5.55, 5.57})
        r.measured.push_back({b, {}, {}, 0.5 + 0.2 * (b - 5.5), 1e-4});
    const auto unknown = steer(r).or_throw();
    CHECK(unknown.choices[0].reason.find("plaquette") != std::string::npos);
    CHECK(unknown.choices[0].beta > 5.8); // far from everything measured
    CHECK(std::abs(unknown.choices[1].beta - unknown.choices[0].beta) > 0.02);
    // chi_L that is 0 or below has no logarithm: it is not used.
    for (auto& p : r.measured)
        p.chi_polyakov = -0.1;
    CHECK_FALSE(steer(r).or_throw().peak);
}

TEST_CASE("impossible requests are refused") {
    auto r = request({5.5, 5.6, 5.7}, 5.6);
    r.beta_max = r.beta_min;
    CHECK(steer(r).reason().code == errc::invalid_argument);
    r = request({5.5, 5.6, 5.7}, 5.6);
    r.measured[1].chi_polyakov = NAN;
    CHECK_FALSE(steer(r));
    CHECK_FALSE(believe_peak(r));
    r.candidates = 0;
    CHECK_FALSE(steer(r));
}

TEST_CASE("the believed peak is within two errors of the truth as often as it should be, 240 curves") {
    int covered = 0, once = 0;
    constexpr std::uint32_t n = 240;
    for (std::uint32_t c = 0; c < n; ++c) {
        const double peak = 5.56 + 0.28 * uniform(c, 0), width = 0.03 + 0.07 * uniform(c, 1);
        steering_request r{.measured = {}, .running = {}, .beta_min = 5.5, .beta_max = 5.9, .chains = 1, .candidates = 40, .seed = c};
        for (std::uint32_t k = 0; k < 9; ++k)
            r.measured.push_back(measured(5.5 + 0.05 * k, peak, width, 0.1, normal(c, k)));
        const auto belief = believe_peak(r).or_throw();
        REQUIRE(belief);
        covered += std::abs(belief->beta - peak) < 2.0 * belief->error ? 1 : 0;
        once += std::abs(belief->beta - peak) < belief->error ? 1 : 0;
    }
    std::cout << "peak within 2 errors: " << covered << ", within 1: " << once << " of " << n << "\n";
    CHECK(once >= 0.68 * n - 3.0 * std::sqrt(n * 0.68 * 0.32)); // a Lorentz curve is no draw of the prior: more is allowed
    CHECK(covered >= 0.90 * n);
}

TEST_CASE("six steered points find a narrow peak in a wide range better than even ones, 200 curves", "[slow]") {
    constexpr std::uint32_t n = 200;
    std::vector<double> nearer; // paired: the same peak for both
    double steered = 0.0, even = 0.0;
    int steered_found = 0, even_found = 0;
    for (std::uint32_t c = 0; c < n; ++c) {
        const double peak = 5.4 + 0.6 * uniform(c, 7), width = 0.04;
        steering_request r{.measured = {}, .running = {}, .beta_min = 5.2, .beta_max = 6.2, .chains = 2, .candidates = 60, .seed = c};
        auto e = r;
        const auto evenly = [&](steering_request& to, std::uint32_t points, std::uint32_t stream) {
            for (std::uint32_t k = 0; k < points; ++k)
                to.measured.push_back(measured(5.2 + (k + 0.5) / points, peak, width, 0.1, normal(stream + c, k)));
        };
        evenly(r, 6, 1000);
        for (std::uint32_t k = 0; k < 3; ++k) // two chains, three times
            for (const auto& choice : steer(r).or_throw().choices)
                r.measured.push_back(measured(choice.beta, peak, width, 0.1, normal(2000 + c, static_cast<std::uint32_t>(r.measured.size()))));
        evenly(e, 12, 3000);
        const double s = std::abs(believe_peak(r).or_throw()->beta - peak), t = std::abs(believe_peak(e).or_throw()->beta - peak);
        nearer.push_back(t - s);
        steered += s / n;
        even += t / n;
        steered_found += s < 0.01 ? 1 : 0;
        even_found += t < 0.01 ? 1 : 0;
    }
    const auto gain = small_sample_of(nearer);
    std::cout << "12 points, " << n << " curves: mean distance to the peak steered " << steered << ", even " << even << ", nearer by " << gain.mean << " +- " << *gain.error
              << "; within 0.01: " << steered_found << " and " << even_found << "\n";
    CHECK(gain.lower(0.95).value() > 0.0);
    CHECK(steered_found > even_found);
}
