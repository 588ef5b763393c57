// SPDX-License-Identifier: AGPL-3.0-only
// Where the conductor wants to measure next.
#include "libactors/control/conductor/beta_search.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

using namespace forge;

namespace {

/// A bump at `peak`, as chi_L has one.
std::vector<measured_point> bump(double peak, const std::vector<double>& betas) {
    std::vector<measured_point> all;
    for (const double b : betas)
        all.push_back({b, 0.1 + 1.3 * std::exp(-(b - peak) * (b - peak) / 0.004), 0.05});
    return all;
}

beta_search_request request(std::vector<measured_point> measured, std::vector<double> planned = {}) {
    return {std::move(measured), std::move(planned), 5.5, 5.9, 40, 3};
}

double nearest(const std::vector<measured_point>& points, double beta) {
    double d = std::numeric_limits<double>::infinity();
    for (const auto& p : points)
        d = std::min(d, std::abs(p.beta - beta));
    return d;
}

} // namespace

TEST_CASE("with fewer than three points the middle of the largest gap is proposed, and it says so") {
    const auto two = search_beta(request(bump(5.69, {5.5, 5.9}))).or_throw();
    REQUIRE(two.beta);
    CHECK(*two.beta == Approx(5.7));
    CHECK_FALSE(two.priority);
    CHECK(two.reason.find("largest gap") != std::string::npos);
    const auto planned = search_beta(request(bump(5.69, {5.5, 5.9}), {5.7, 5.6})).or_throw();
    CHECK(*planned.beta == Approx(5.8));
    CHECK(*search_beta(request({})).or_throw().beta == Approx(5.7));
}

TEST_CASE("a proposal keeps its distance from what is measured or planned, is a candidate, and repeats") {
    const auto measured = bump(5.69, {5.5, 5.6, 5.7, 5.8, 5.9});
    const std::vector<double> planned{5.65, 5.72};
    const auto a = search_beta(request(measured, planned)).or_throw();
    const auto b = search_beta(request(measured, planned)).or_throw();
    REQUIRE(a.beta);
    CHECK(a.beta == b.beta);
    CHECK(a.priority == b.priority);
    const double spacing = 0.4 / 41;
    const double k = (*a.beta - 5.5) / spacing;
    CHECK(k == Approx(std::round(k)).margin(1e-6));
    CHECK(nearest(measured, *a.beta) >= 0.3 * spacing - 1e-12);
    for (const double p : planned)
        CHECK(std::abs(*a.beta - p) >= 0.3 * spacing - 1e-12);
    CHECK(*a.uncertainty > 0.0);
}

TEST_CASE("the search goes where chi_L was found to be large, wherever that is: no critical coupling is built in") {
    for (const double peak : {5.58, 5.69, 5.83}) {
        CAPTURE(peak);
        auto points = bump(peak, {5.5, 5.6, 5.7, 5.8, 5.9});
        int near = 0;
        for (int round = 0; round < 6; ++round) {
            const auto p = search_beta(request(points)).or_throw();
            if (!p.beta)
                break;
            near += std::abs(*p.beta - peak) < 0.08 ? 1 : 0;
            points.push_back(bump(peak, {*p.beta}).front());
        }
        CHECK(near >= 3); // of six; an even spread would put 2.4 there
        const auto found = peak_of(points);
        REQUIRE(found);
        CHECK(*found == Approx(peak).margin(0.02));
    }
}

TEST_CASE("nothing is proposed where nothing is left to learn") {
    std::vector<double> dense;
    for (int k = 0; k <= 120; ++k)
        dense.push_back(5.5 + 0.4 * k / 120);
    const auto full = search_beta(request(bump(5.69, dense))).or_throw();
    CHECK_FALSE(full.beta);
    CHECK_FALSE(full.reason.empty());
    std::vector<double> fine;
    for (int k = 0; k <= 24; ++k)
        fine.push_back(5.5 + 0.4 * k / 24);
    const auto saturated = search_beta(request(bump(5.69, fine))).or_throw();
    CHECK_FALSE(saturated.beta);
    CHECK(saturated.reason.find("saturated") != std::string::npos);
}

TEST_CASE("an empty range and numbers that are none are refused") {
    auto r = request(bump(5.69, {5.5, 5.6, 5.7}));
    r.beta_max = r.beta_min;
    CHECK(search_beta(r).reason().code == errc::invalid_argument);
    CHECK(search_beta(request({{5.6, std::nan(""), std::nullopt}})).reason().code == errc::invalid_argument);
}

TEST_CASE("the peak of a parabola is its peak, and ends are no peaks") {
    std::vector<measured_point> p;
    for (const double b : {5.60, 5.66, 5.70, 5.80})
        p.push_back({b, 2.0 - 30.0 * (b - 5.683) * (b - 5.683), std::nullopt});
    CHECK(*peak_of(p) == Approx(5.683).margin(1e-9));
    CHECK_FALSE(peak_of(std::vector<measured_point>{{5.5, 1, {}}, {5.6, 2, {}}, {5.7, 3, {}}}));
    CHECK_FALSE(peak_of(std::vector<measured_point>{{5.5, 1, {}}, {5.6, 2, {}}}));
}
