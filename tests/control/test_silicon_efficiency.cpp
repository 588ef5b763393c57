// SPDX-License-Identifier: AGPL-3.0-only
// What an ordering gives for its joules: errors against the bootstrap, and unknown stays unknown.
#include "libactors/control/supervision/silicon_efficiency.hpp"
#include "libactors/numerics/counter_rng.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace forge;

namespace {

std::array<double, 2> normal(std::uint32_t k, std::uint32_t what) { return normal_pair(philox4x32({k, what, 0, 0}, {3, 5})); }

std::vector<efficiency_block> synthetic(std::uint32_t n) {
    std::vector<efficiency_block> blocks;
    for (std::uint32_t k = 0; k < n; ++k) {
        const auto z = normal(k, 1), y = normal(k, 2);
        const double seconds = 2.0 * std::exp(0.1 * z[0]);
        blocks.push_back({seconds, static_cast<std::uint64_t>(std::lround(100.0 * std::exp(0.05 * y[0]))), 60.0 * seconds * std::exp(0.03 * z[1]),
                          energy_source::rapl, {{"hmc", "cpu", 0.7, {}, {}}, {"check", "cpu", 0.2, {}, {}}, {"score", "npu", 0.1 + 0.02 * y[1], {}, {}}}});
    }
    return blocks;
}

pooled_quality quality_of(double tau, double relative, std::uint64_t n) {
    const double effective = static_cast<double>(n) / (2.0 * tau);
    return {quality_state::known, "plaquette", effective, relative * effective, n, tau, quality_trust::comparable};
}

gamma_estimate chain(std::size_t n, double tau, double relative) {
    gamma_estimate g;
    g.n = n;
    g.variance = 1.0;
    g.tau_int = tau;
    g.tau_int_error = relative * tau;
    g.reliable = static_cast<double>(n) >= 50.0 * tau;
    return g;
}

} // namespace

TEST_CASE("errors of the efficiency figures are those of the bootstrap, 60 blocks, 2,000 draws") {
    const auto blocks = synthetic(60);
    const auto q = quality_of(5.0, 0.1, 10000);
    const auto e = efficiency_of(blocks, q);
    using of = std::function<double(const silicon_efficiency&)>;
    const std::vector<std::pair<figure, of>> figures{
        {e.throughput_per_s, [](const auto& x) { return *x.throughput_per_s.value; }},
        {e.energy_per_result_j, [](const auto& x) { return *x.energy_per_result_j.value; }},
        {e.total_power_w, [](const auto& x) { return *x.total_power_w.value; }},
        {e.utilisation.at("npu"), [](const auto& x) { return *x.utilisation.at("npu").value; }},
        {e.quality_per_j, [](const auto& x) { return *x.quality_per_j.value; }}};
    constexpr int draws = 2000;
    std::vector<double> sum(figures.size()), squares(figures.size());
    for (std::uint32_t d = 0; d < draws; ++d) {
        std::vector<efficiency_block> drawn;
        for (std::uint32_t k = 0; k < blocks.size(); ++k)
            drawn.push_back(blocks[philox4x32({d, k, 0, 4}, {1, 2})[0] % blocks.size()]);
        // The chain's tau is as uncertain as it says, and has nothing to do with the blocks.
        const auto sample = efficiency_of(drawn, quality_of(5.0 / (1.0 + 0.1 * normal(d, 9)[0]), 0.1, 10000));
        for (std::size_t f = 0; f < figures.size(); ++f) {
            const double x = figures[f].second(sample);
            sum[f] += x / draws;
            squares[f] += x * x / draws;
        }
    }
    for (std::size_t f = 0; f < figures.size(); ++f) {
        INFO("figure " << f);
        REQUIRE(figures[f].first.error);
        CHECK(figures[f].first.n == 60);
        CHECK(*figures[f].first.error == Approx(std::sqrt(squares[f] - sum[f] * sum[f])).epsilon(0.08));
    }
}

TEST_CASE("efficiency figures are ratios of sums and fit together") {
    const auto blocks = synthetic(20);
    const auto e = efficiency_of(blocks, quality_of(5.0, 0.1, 10000));
    CHECK(*e.total_power_w.value == Approx(*e.throughput_per_s.value * *e.energy_per_result_j.value));
    CHECK(*e.quality_per_j.value == Approx(1.0 / (*e.energy_per_result_j.value * 10.0)));
    CHECK(*e.quality_per_s.value == Approx(*e.throughput_per_s.value / 10.0));
    CHECK(*e.utilisation.at("cpu").value == Approx(0.9));
    CHECK(e.source == energy_source::rapl);
    // The same blocks twice: the same figures, errors smaller by sqrt(2) up to n - 1.
    auto twice = blocks;
    twice.insert(twice.end(), blocks.begin(), blocks.end());
    const auto more = efficiency_of(twice, quality_of(5.0, 0.1, 10000));
    CHECK(*more.throughput_per_s.value == Approx(*e.throughput_per_s.value));
    CHECK(*more.throughput_per_s.error == Approx(*e.throughput_per_s.error * std::sqrt(19.0 / 39.0)));
}

TEST_CASE("unknown joules stay unknown in every figure that needs them") {
    auto blocks = synthetic(10);
    const auto known = quality_of(5.0, 0.1, 10000);
    blocks[3].joules.reset();
    blocks[3].source = energy_source::none;
    const auto missing = efficiency_of(blocks, known);
    CHECK(missing.throughput_per_s.value);
    CHECK(missing.quality_per_s.value);
    CHECK_FALSE(missing.energy_per_result_j.value);
    CHECK_FALSE(missing.total_power_w.value);
    CHECK_FALSE(missing.quality_per_j.value);
    CHECK(missing.source == energy_source::none);
    CHECK(to_text(missing.energy_per_result_j) == "n/a");
    blocks = synthetic(10);
    blocks[4].source = energy_source::model; // joules of two kinds do not add
    CHECK_FALSE(efficiency_of(blocks, known).total_power_w.value);
    // Every stage says something: that is the node. One does not: it is not.
    blocks = synthetic(10);
    for (auto& b : blocks) {
        b.joules.reset();
        for (auto& s : b.stages) {
            s.joules = 10.0;
            s.source = energy_source::model;
        }
    }
    CHECK(*efficiency_of(blocks, known).energy_per_result_j.value == Approx(300.0 / static_cast<double>(efficiency_of(blocks, known).trajectories)));
    CHECK(efficiency_of(blocks, known).source == energy_source::model);
    blocks[2].stages[1].joules.reset();
    CHECK_FALSE(efficiency_of(blocks, known).energy_per_result_j.value);
    // Nothing at all; no error from one block.
    CHECK_FALSE(efficiency_of({}, {}).throughput_per_s.value);
    const auto one = efficiency_of(synthetic(1), {});
    CHECK(one.throughput_per_s.value);
    CHECK_FALSE(one.throughput_per_s.error);
    CHECK_FALSE(one.quality_per_j.value);
    // No trajectory: no energy per result, but power.
    std::vector<efficiency_block> idle{{2.0, 0, 100.0, energy_source::hwmon, {}}, {2.0, 0, 110.0, energy_source::hwmon, {}}};
    CHECK_FALSE(efficiency_of(idle, known).energy_per_result_j.value);
    CHECK(*efficiency_of(idle, known).total_power_w.value == Approx(52.5));
}

TEST_CASE("quality is pooled over chains, the worst observable counts, a frozen one gives no number") {
    const std::vector<observable_series> two{{"plaquette", {chain(10000, 2.0, 0.05), chain(10000, 2.0, 0.05)}},
                                             {"polyakov", {chain(10000, 10.0, 0.1), chain(10000, 10.0, 0.1)}}};
    const auto q = pool_quality(two);
    CHECK(q.state == quality_state::known);
    CHECK(q.observable == "polyakov");
    CHECK(*q.effective == Approx(1000.0));
    CHECK(*q.error == Approx(500.0 * 0.1 * std::sqrt(2.0)));
    CHECK(*q.tau == Approx(10.0));
    CHECK(q.trust == quality_trust::comparable);
    auto still = two;
    const auto constant = gamma_method(std::vector<double>(400, 0.1));
    still.push_back({"charge", {chain(10000, 10.0, 0.1), constant}});
    CHECK(to_text(pool_quality(still)) == "frozen");
    CHECK_FALSE(efficiency_of(synthetic(5), pool_quality(still)).quality_per_j.value);
    CHECK(to_text(efficiency_of(synthetic(5), pool_quality(still)).quality_per_j, pool_quality(still)) == "frozen");
    // Too short to say anything: unknown, not frozen, and not the number of the others.
    auto young = two;
    young.push_back({"charge", {chain(20, 10.0, 0.9)}});
    CHECK(to_text(pool_quality(young)) == "n/a");
    CHECK(to_text(pool_quality({})) == "n/a");
}

TEST_CASE("short series are shown as far as they can be trusted") {
    const auto text = [](std::size_t n, double tau) { return to_text(pool_quality(std::vector<observable_series>{{"plaquette", {chain(n, tau, 0.2)}}})); };
    CHECK(text(490, 10.0) == "n/a"); // the Gamma method itself says nothing below 50 tau
    pooled_quality shorter{quality_state::known, "plaquette", 20.0, 5.0, 400, 10.0, quality_trust::none};
    CHECK(to_text(shorter) == "-");
    CHECK(to_text(figure{1.0, 0.1, 5}, shorter) == "-");
    CHECK(text(1000, 10.0).find("34 %") != std::string::npos);
    CHECK(text(3000, 10.0).find("20 %") != std::string::npos);
    CHECK(text(6000, 10.0) == "300 +- 60");
    CHECK(pool_quality(std::vector<observable_series>{{"plaquette", {chain(6000, 10.0, 0.2)}}}).trust == quality_trust::quotable);
}
