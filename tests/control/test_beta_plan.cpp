// SPDX-License-Identifier: AGPL-3.0-only
// The scan: grid, order of visits, who takes which point; the steerer in both modes.
#include "libactors/control/beta_plan.hpp"
#include "libactors/control/steerer.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <set>

using namespace forge;

TEST_CASE("the grid is equally spaced with its ends, in numbers as one would write them") {
    CHECK(beta_grid(5.7, 6.0, 1) == std::vector<double>{5.7});
    CHECK(beta_grid(5.5, 5.9, 2) == std::vector<double>{5.5, 5.9});
    CHECK(beta_grid(5.5, 5.9, 5) == std::vector<double>{5.5, 5.6, 5.7, 5.8, 5.9});
    const auto fine = beta_grid(5.0, 6.0, 1000);
    CHECK(fine.size() == 1000);
    CHECK(fine.front() == 5.0);
    CHECK(fine.back() == 6.0);
    CHECK(std::is_sorted(fine.begin(), fine.end()));
}

TEST_CASE("visits begin at the ends and then halve the largest gap, the lower one first") {
    CHECK(visiting_order({1}) == std::vector<double>{1});
    CHECK(visiting_order({1, 2}) == std::vector<double>{1, 2});
    CHECK(visiting_order({1, 2, 3}) == std::vector<double>{1, 3, 2});
    CHECK(visiting_order({1, 2, 3, 4, 5, 6, 7, 8, 9}) == std::vector<double>{1, 9, 5, 3, 7, 2, 4, 6, 8});
    CHECK(visiting_order({}).empty());
}

TEST_CASE("the order holds every point once, and every new point lies in a largest gap") {
    for (const std::uint32_t n : {3u, 4u, 10u, 17u, 50u}) {
        const auto grid = beta_grid(0.0, n - 1.0, n); // point k has the value k
        const auto order = visiting_order(grid);
        INFO(n << " points");
        CHECK(order.size() == n);
        CHECK(std::set<double>(order.begin(), order.end()).size() == n);
        std::set<double> visited{order[0], order[1]};
        for (std::size_t k = 2; k < n; ++k) {
            double largest = 0.0;
            for (auto low = visited.begin(), high = std::next(low); high != visited.end(); ++low, ++high)
                largest = std::max(largest, *high - *low);
            const auto above = visited.upper_bound(order[k]);
            CHECK(*above - *std::prev(above) == largest);
            CHECK(std::abs((*above + *std::prev(above)) / 2.0 - order[k]) <= 0.5);
            visited.insert(order[k]);
        }
    }
}

TEST_CASE("the plan covers every point exactly once for any number of chains") {
    for (const std::size_t n_points : {1u, 2u, 9u, 10u})
        for (const std::uint32_t n_chains : {1u, 2u, 3u, 4u, 16u}) {
            std::map<std::size_t, int> taken;
            for (std::uint32_t c = 0; c < n_chains; ++c) {
                std::uint32_t ordinal = 0;
                for (; const auto p = planned_point(n_points, n_chains, c, ordinal); ++ordinal)
                    ++taken[*p];
                CHECK(!planned_point(n_points, n_chains, c, ordinal + 1)); // none left stays none left
            }
            INFO(n_points << " points, " << n_chains << " chains");
            CHECK(taken.size() == n_points);
            for (const auto& [point, times] : taken)
                CHECK(times == 1);
        }
    CHECK(!planned_point(5, 4096, 0, 0xffffffffu)); // no overflow brings a point back
}

namespace {

campaign scan_of(std::uint32_t points, std::uint32_t chains, steering_mode mode) {
    campaign c;
    c.beta_min = 5.0;
    c.beta_max = 5.8;
    c.beta_points = points;
    c.n_chains = chains;
    c.steering = mode;
    c.hmc.n_steps = 7;
    return c;
}

} // namespace

TEST_CASE("a planned decision depends on chain and ordinal only, not on what else happened") {
    const auto c = scan_of(9, 2, steering_mode::plan);
    steerer fresh(c, {});
    steerer restarted(c, {{chain_id{0}, 0, 5.0}, {chain_id{1}, 0, 5.8}, {chain_id{0}, 1, 5.4}});
    for (std::uint32_t ordinal = 5; ordinal-- > 0;)
        for (std::uint32_t chain = 0; chain < 2; ++chain) {
            const auto a = fresh.decide(chain_id{chain}, ordinal);
            const auto b = restarted.decide(chain_id{chain}, ordinal);
            const std::size_t point = std::size_t{ordinal} * 2 + chain;
            CHECK(a.has_value() == (point < 9));
            CHECK(b.has_value() == a.has_value());
            if (a && b) {
                CHECK(a->params.beta == fresh.order()[point]);
                CHECK(a->params == b->params);
                CHECK(a->params.n_steps == 7);
                CHECK(!a->reason.empty());
                CHECK(fresh.decide(chain_id{chain}, ordinal)->params == a->params); // asked again, answered the same
            }
        }
}

TEST_CASE("adaptive steering gives each point once to whoever asks, and none that was taken before") {
    steerer s(scan_of(5, 2, steering_mode::adaptive), {{chain_id{0}, 0, 5.8}, {chain_id{1}, 0, 5.4}});
    std::vector<double> given;
    for (std::uint32_t k = 0; const auto d = s.decide(chain_id{k % 2}, k); ++k)
        given.push_back(d->params.beta);
    CHECK(given == std::vector<double>{5.0, 5.2, 5.6}); // order 5.0 5.8 5.4 5.2 5.6 without the two taken
    CHECK(!s.decide(chain_id{0}, 9));
}
