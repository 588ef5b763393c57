// SPDX-License-Identifier: AGPL-3.0-only
// Campaigns in pairs from a model whose peak and whose costs are known.
#include "libactors/control/conductor/campaign_study.hpp"
#include "libactors/control/beta_plan.hpp"
#include "libactors/numerics/counter_rng.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace forge;

namespace {

constexpr double peak = 5.10, volume = 64.0;
constexpr std::size_t measured = 400;

/// A model (no lattice): independent |L| whose susceptibility is a bump at `peak`.
scanned_segment segment(double beta, std::size_t n, std::uint64_t thermalised, std::uint64_t key) {
    const double chi = 0.2 + std::exp(-(beta - peak) * (beta - peak) / (2 * 0.08 * 0.08));
    scanned_segment s{beta, thermalised, {}};
    for (std::size_t t = 0; t < n; ++t)
        s.polyakov.push_back(0.3 + std::sqrt(chi / volume) * normal_pair(noise_block({key, t, 0}, 0, noise_purpose::momenta, 0))[0]);
    return s;
}

/// A grid of nine whose points thermalise as long as they measure at most, and a conductor that does exactly the same for nothing.
std::vector<campaign_pair> pairs_of(std::size_t n) {
    std::vector<campaign_pair> pairs;
    for (std::size_t p = 0; p < n; ++p) {
        const double offset = 0.01 * (static_cast<double>(p % 9) - 4.0);
        campaign_pair pair{"pair " + std::to_string(p), 4.9 + offset, 5.3 + offset, {}};
        const auto scan = [&](std::string name, bool grid, std::uint32_t part, std::uint64_t thermalised, std::uint64_t noise) {
            scanned_campaign c{std::move(name), grid, part, {}};
            std::uint64_t k = 0;
            for (const double beta : beta_grid(pair.beta_min, pair.beta_max, 9))
                c.segments.push_back(segment(beta, measured / part, thermalised, noise + p * 100 + k++));
            pair.campaigns.push_back(std::move(c));
        };
        for (const std::uint32_t part : {4u, 2u, 1u})
            scan("conductor", false, part, 0, 0);
        scan("uniform-9", true, 1, measured, 0);
        for (const std::uint32_t part : {4u, 2u, 1u})
            scan("two-stage", false, part, 100, 77777);
        pairs.push_back(std::move(pair));
    }
    return pairs;
}

campaign_study_settings settings() {
    campaign_study_settings s;
    s.spatial_volume = volume;
    return s;
}

} // namespace

TEST_CASE("a campaign's points: chains of one beta together, cut by segment, every trajectory paid") {
    scanned_campaign c{"uniform", true, 1, {{5.2, 10, {0.1, 0.3, 0.9, 0.9}}, {5.1, 7, {0.5, 0.5}}, {5.2, 3, {0.2, 0.4, 0.9, 0.9}}, {5.3, 5, {0.1}}}};
    const auto whole = points_of(c, 10.0);
    REQUIRE(whole.points.size() == 2); // one measured trajectory makes no variance
    CHECK(whole.points[0] == measured_point{5.1, 0.0, std::nullopt});
    CHECK(whole.n == std::vector{2.0, 8.0});
    CHECK(whole.spent == 10 + 4 + 7 + 2 + 3 + 4 + 5 + 1);
    const auto half = points_of(c, 10.0, 2);
    REQUIRE(half.points.size() == 1);
    CHECK(half.points[0].chi_polyakov == Approx(10.0 * 0.0125)); // of 0.1, 0.3, 0.2, 0.4
    CHECK(half.spent == 10 + 2 + 7 + 1 + 3 + 2 + 5); // thermalisation does not shrink
}

TEST_CASE("the joint fit finds the peak; equal errors at a known part of the cost save that part") {
    const auto pairs = pairs_of(24);
    const auto first = study_campaigns(pairs, settings()).or_throw();
    CHECK(first.pairs == 24);
    CHECK(first.trajectories == 24 * 3 * 9 * measured);
    CHECK(first.peak_error > 0.0);
    CHECK(first.peak_error < 0.01);
    CHECK(std::abs(first.peak - peak) < 4.0 * first.peak_error + 0.0005); // and a step of the fit
    REQUIRE(first.strategies.size() == 3);
    const auto& grid = first.strategies.front();
    CHECK(grid.errors.name == "uniform-9");
    CHECK(grid.spent == std::vector{9.0 * 500, 9.0 * 600, 9.0 * 800});
    const auto& ours = first.strategies[1];
    CHECK(ours.spent == std::vector{9.0 * 100, 9.0 * 200, 9.0 * 400});
    CHECK(ours.rmse == grid.rmse); // the same data
    CHECK(ours.rmse.back() < ours.rmse.front());
    CHECK(ours.found == grid.found);

    auto s = settings();
    s.target = ours.rmse[1];
    const auto r = study_campaigns(pairs, s).or_throw();
    CHECK(r.best_grid == "uniform-9");
    REQUIRE(r.saved.size() == 1);
    CHECK(r.saved[0].ours == "conductor");
    REQUIRE(r.saved[0].against_grid.value);
    CHECK(*r.saved[0].against_grid.value == Approx(1.0 - 200.0 / 600.0));
    CHECK(*r.saved[0].against_grid.low > 0.4);
    CHECK(*r.saved[0].against_grid.low <= *r.saved[0].against_grid.value);
    CHECK(*r.saved[0].against_grid.high >= *r.saved[0].against_grid.value);
    CHECK(*r.saved[0].against_grid.high < 0.9);
    REQUIRE(r.saved[0].against_two_stage.low); // other noise, more cost: an interval, of whatever sign
}

TEST_CASE("pairs that are not the same are refused") {
    CHECK(study_campaigns(pairs_of(1), settings()).reason().code == errc::invalid_argument);
    auto pairs = pairs_of(3);
    pairs[1].campaigns.pop_back();
    CHECK(study_campaigns(pairs, settings()).reason().what.find("pair 1 has no two-stage") != std::string::npos);
    pairs = pairs_of(3);
    pairs[2].campaigns.push_back({"other", false, 1, {}});
    CHECK(study_campaigns(pairs, settings()).reason().what.find("pair 2 has 8 campaigns") != std::string::npos);
    pairs = pairs_of(3);
    for (auto& p : pairs)
        std::erase_if(p.campaigns, [](const auto& c) { return c.grid; });
    CHECK(study_campaigns(pairs, settings()).reason().what.find("no fixed grid") != std::string::npos);
}
