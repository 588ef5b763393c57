// SPDX-License-Identifier: AGPL-3.0-only
// Savings from synthetic errors that fall as 1/sqrt(N): their ratio is known.
#include "libactors/control/conductor/peak_errors.hpp"
#include "libactors/numerics/counter_rng.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace forge;

namespace {

const std::vector<double> budgets{500.0, 1000.0, 2000.0, 4000.0, 8000.0};

/// Errors c z / sqrt(N), z ~ N(0, 1) of its own for every pair and budget.
strategy_errors noisy_law(double c, std::size_t pairs, std::uint64_t key) {
    strategy_errors e{"model", {}, {}};
    for (std::size_t b = 0; b < budgets.size(); ++b) {
        std::vector<double> squared;
        for (std::size_t p = 0; p < pairs; ++p) {
            const double z = normal_pair(noise_block({key, p, static_cast<std::uint32_t>(b)}, 0, noise_purpose::momenta, 0))[0];
            squared.push_back(c * c * z * z / budgets[b]);
        }
        e.spent.emplace_back(pairs, budgets[b]);
        e.squared.push_back(std::move(squared));
    }
    return e;
}

/// The same without noise.
strategy_errors exact_law(double c, std::size_t pairs) {
    strategy_errors e{"exact", {}, {}};
    for (const double n : budgets) {
        e.spent.emplace_back(pairs, n);
        e.squared.emplace_back(pairs, c * c / n);
    }
    return e;
}

} // namespace

TEST_CASE("trajectories needed follow the law of the errors, between budgets and at their ends") {
    const auto e = exact_law(1.0, 3);
    const auto all = every_pair(3);
    for (const double target : {0.04, 0.03, 0.02, 0.012}) {
        CAPTURE(target);
        CHECK(trajectories_needed(spent_of(e, all), rmse_of(e, all), target).value() == Approx(1.0 / (target * target)));
    }
    CHECK(trajectories_needed(spent_of(e, all), rmse_of(e, all), 0.1).value() == 500.0); // not less than was run
    CHECK_FALSE(trajectories_needed(spent_of(e, all), rmse_of(e, all), 0.01));
    // A lucky small budget does not count when a larger one misses.
    CHECK(trajectories_needed(std::vector{100.0, 200.0, 400.0}, std::vector{0.01, 0.04, 0.01}, 0.02).value() == Approx(std::sqrt(200.0 * 400.0)));
}

TEST_CASE("half the variance saves half of the trajectories; what is equal saves nothing; the worse one costs") {
    const auto theirs = exact_law(1.0, 5), ours = exact_law(std::sqrt(0.5), 5);
    const auto half = saving_of(ours, theirs, 0.02, 1);
    CHECK(half.value.value() == Approx(0.5));
    CHECK(half.low.value() == Approx(0.5)); // no noise, no interval
    CHECK(half.high.value() == Approx(0.5));
    CHECK(saving_of(theirs, ours, 0.02, 1).value.value() == Approx(-1.0));
    CHECK(square_root_law(theirs, every_pair(5)) == Approx(1.0));
    CHECK(square_root_saving_of(ours, theirs, 1).value.value() == Approx(0.5));
    CHECK(square_root_saving_of(ours, theirs, 1).low.value() == Approx(0.5));
    CHECK_FALSE(square_root_saving_of({}, {}, 1).value);
    const auto noisy = noisy_law(1.0, 24, 7);
    const auto none = saving_of(noisy, noisy, 0.02, 1);
    CHECK(none.value.value() == 0.0);
    CHECK(none.low.value() == 0.0); // paired: the same pairs are drawn for both
    CHECK(none.high.value() == 0.0);
}

TEST_CASE("an error that is never reached gives no value, only bounds; no pairs give nothing") {
    const auto s = saving_of(exact_law(1.0, 4), exact_law(0.5, 4), 0.01, 1); // the first would need 10000 of its 8000
    CHECK_FALSE(s.value);
    REQUIRE(s.high);
    CHECK(*s.high < 0.0);
    const auto nothing = saving_of({}, {}, 0.01, 1);
    CHECK_FALSE(nothing.value);
    CHECK_FALSE(nothing.low);
}

TEST_CASE("the interval covers the true saving as often as it says, and is the same each time") {
    constexpr int experiments = 100;
    int covered = 0, covered_by_law = 0;
    double mean = 0.0, mean_by_law = 0.0;
    for (int k = 0; k < experiments; ++k) {
        const auto ours = noisy_law(std::sqrt(0.5), 24, 1000 + static_cast<std::uint64_t>(k));
        const auto theirs = noisy_law(1.0, 24, 5000 + static_cast<std::uint64_t>(k));
        const auto s = saving_of(ours, theirs, 0.02, 3);
        REQUIRE(s.low);
        covered += *s.low <= 0.5 && 0.5 <= *s.high ? 1 : 0;
        mean += s.value.value_or(0.0) / experiments;
        const auto law = square_root_saving_of(ours, theirs, 3);
        REQUIRE(law.low);
        covered_by_law += *law.low <= 0.5 && 0.5 <= *law.high ? 1 : 0;
        mean_by_law += law.value.value() / experiments;
        CHECK(*law.high - *law.low < 0.8);
        if (k == 0) {
            const auto again = saving_of(ours, theirs, 0.02, 3);
            CHECK(again.low == s.low);
            CHECK(again.high == s.high);
        }
    }
    CHECK(covered >= 85); // 95 by design; a percentile bootstrap of 24 pairs falls somewhat short, three sigma of 100 are 7
    CHECK(mean == Approx(0.5).margin(0.1));
    CHECK(covered_by_law >= 85);
    CHECK(mean_by_law == Approx(0.5).margin(0.05));
}
