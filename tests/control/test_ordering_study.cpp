// SPDX-License-Identifier: AGPL-3.0-only
// How often the policy is right, and what it costs: the figures of docs/notes/supervisor.md.
#include "pipeline_world.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdio>
#include <iostream>

using namespace forge;

namespace {

constexpr double rate = 13.333, block_s = 1.5;
constexpr std::uint32_t seeds = 400;
const std::vector<std::string> names{"A", "B", "C", "D", "E"};

} // namespace

TEST_CASE("study: how often a better ordering is found, and what it costs", "[slow]") {
    std::cout << "arms  better  found   wrong  switches  cost %  (of " << seeds << " runs of 2000 blocks)\n";
    for (const std::size_t n : {2u, 3u, 5u})
        for (const double better : {1.0, 1.03, 1.05, 1.10, 1.15, 1.30}) {
            std::size_t found = 0, wrong = 0, switches = 0, worst = 0;
            double cost = 0.0;
            for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
                pipeline_world w{.rate = {}, .seed = seed};
                for (std::size_t k = 0; k < n; ++k)
                    w.rate[names[k]] = k + 1 == n ? rate * better : rate;
                const auto r = run_world(w, acting(2000, block_s, seed), {names.begin(), names.begin() + static_cast<std::ptrdiff_t>(n)}, 2000);
                found += r.incumbent == names[n - 1] ? 1u : 0u;
                wrong += r.incumbent != names[n - 1] && r.incumbent != "A" ? 1u : 0u;
                switches += r.switches;
                worst = std::max(worst, r.switches);
                cost = std::max(cost, r.spent_s / (2000 * block_s));
            }
            std::printf("%4zu  %5.0f %%  %5.1f %%  %4.1f %%  %6.3f    %.2f\n", n, 100 * (better - 1), 100.0 * static_cast<double>(found) / seeds,
                        100.0 * static_cast<double>(wrong) / seeds, static_cast<double>(switches) / seeds, 100 * cost);
            CHECK(cost <= 0.03);
            CHECK(worst <= 1);
            if (better >= 1.15 && n == 2)
                CHECK(static_cast<double>(found) >= 0.97 * seeds);
        }
}

TEST_CASE("study: how soon a slowdown is answered", "[slow]") {
    std::cout << "slower  answered within 60 blocks  ever  median  95 %  (of " << seeds << " runs; B is 5 % below A before)\n";
    for (const double slow : {0.87, 0.85, 0.80, 0.70, 0.50}) {
        std::vector<std::size_t> after;
        for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
            pipeline_world w{.rate = {{"A", rate}, {"B", rate * 0.95}}, .seed = seed};
            w.extra = [&](const std::string& arm, std::uint64_t k) { return arm == "A" && k >= 1000 ? slow : 1.0; };
            const auto r = run_world(w, acting(2000, block_s, seed), {"A", "B"}, 2000);
            for (std::size_t k = 0; k < r.decisions.size(); ++k)
                if (r.decisions[k].kind == decision_kind::switch_to && r.decisions[k].commanded && r.when[k] >= 1000) {
                    after.push_back(r.when[k] - 1000);
                    break;
                }
            CHECK(r.spent_s <= r.budget_s);
        }
        std::sort(after.begin(), after.end());
        const auto in_time = std::count_if(after.begin(), after.end(), [](std::size_t k) { return k <= 60; });
        if (!after.empty())
            std::printf("%5.0f %%  %6.1f %%  %6.1f %%  %4zu  %4zu\n", 100 * (1 - slow), 100.0 * static_cast<double>(in_time) / seeds, 100.0 * static_cast<double>(after.size()) / seeds,
                    after[after.size() / 2], after[after.size() * 95 / 100]);
        if (slow <= 0.7)
            CHECK(static_cast<double>(in_time) >= 0.97 * seeds);
    }
}
