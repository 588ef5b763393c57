// SPDX-License-Identifier: AGPL-3.0-only
// How far two series are apart: what every comparison of links and forces is reported with.
#include "libactors/numerics/difference.hpp"

#include "libactors/base/contract.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

using namespace forge;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

std::uint64_t counted(const difference_summary& d) { return std::accumulate(d.decades.begin(), d.decades.end(), std::uint64_t{0}); }

std::uint64_t in_decade(const difference_summary& d, int power) {
    return d.decades.at(static_cast<std::size_t>(power - difference_summary::lowest_decade));
}

} // namespace

TEST_CASE("a series is nowhere away from itself", "[difference]") {
    const std::vector<double> a{1.0, -2.5, 0.0, 1e300, not_a_number, infinity};
    const auto d = difference_of(a, a);
    CHECK(d.n == a.size());
    CHECK(d.equal == a.size());
    CHECK(d.max == 0.0);
    CHECK(d.rms == 0.0);
    CHECK(counted(d) == 0);
}

TEST_CASE("nothing is nowhere away from nothing", "[difference]") {
    const auto d = difference_of({}, {});
    CHECK(d.n == 0);
    CHECK(d.max == 0.0);
    CHECK(d.rms == 0.0);
}

TEST_CASE("largest and root mean square are exact where the arithmetic is", "[difference]") {
    // Differences 0, 3, 4 and 12: the squares add to 169.
    const std::vector<double> a{1.0, 0.0, -2.0, 5.0};
    const std::vector<double> b{1.0, 3.0, 2.0, -7.0};
    const auto d = difference_of(a, b);
    CHECK(d.equal == 1);
    CHECK(d.max == 12.0);
    CHECK(d.worst == 3);
    CHECK(d.rms == 6.5); // sqrt(169 / 4)
    const auto back = difference_of(b, a);
    CHECK(back.max == d.max);
    CHECK(back.rms == d.rms);
    CHECK(back.decades == d.decades);
}

TEST_CASE("the first of several largest differences is named", "[difference]") {
    CHECK(difference_of(std::vector<double>{0.0, 0.0, 0.0}, std::vector<double>{1.0, -2.0, 2.0}).worst == 1);
}

TEST_CASE("zeros of both signs have other bits and no distance", "[difference]") {
    const auto d = difference_of(std::vector<double>{0.0}, std::vector<double>{-0.0});
    CHECK(d.equal == 0);
    CHECK(d.max == 0.0);
    CHECK(counted(d) == 0);
}

TEST_CASE("differences are counted by their power of ten", "[difference]") {
    const std::vector<double> b{2e-3, 9e-3, 2e-4, -3e-16, 0.0, 1.0, 5.0};
    const auto d = difference_of(std::vector<double>(b.size(), 0.0), b);
    CHECK(in_decade(d, -3) == 2);
    CHECK(in_decade(d, -4) == 1);
    CHECK(in_decade(d, -16) == 1);
    CHECK(in_decade(d, 0) == 2);
    CHECK(counted(d) == d.n - d.equal);
}

TEST_CASE("what lies beyond the decades is counted in the outer ones", "[difference]") {
    const auto d = difference_of(std::vector<double>(4, 0.0), std::vector<double>{1e-25, 5e-324, 1e10, infinity});
    CHECK(d.decades.front() == 2);
    CHECK(d.decades.back() == 2);
    CHECK(counted(d) == 4);
}

TEST_CASE("a difference that is not a number is infinite, so that no bound passes by accident", "[difference]") {
    for (const double bad : {not_a_number, infinity, -infinity}) {
        CAPTURE(bad);
        const auto d = difference_of(std::vector<double>{0.0, 1.0, 2.0}, std::vector<double>{0.5, bad, 2.0});
        CHECK(d.max == infinity);
        CHECK(d.rms == infinity);
        CHECK(d.worst == 1);
        CHECK(d.equal == 1);
        CHECK(d.decades.back() == 1);
    }
}

TEST_CASE("series of different lengths are a programmer's mistake", "[difference]") {
    const std::vector<double> two(2), three(3);
    CHECK_THROWS_AS(difference_of(two, three), contract_broken);
}
