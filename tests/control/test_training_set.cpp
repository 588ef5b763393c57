// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/conductor/training_set.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <random>

using namespace forge;

namespace {

constexpr double p_equilibrium = 0.55;
constexpr double sigma = 0.01;

/// A chain of independent values around equilibrium after an exponential approach.
chain_history chain_of(double beta, bool hot, unsigned seed, double l_mean = 0.1, double l_sigma = 0.02, std::size_t n = 300, extents lattice = {{8, 8, 8, 4}}) {
    std::mt19937 random(seed);
    std::normal_distribution<double> normal;
    chain_history h;
    h.lattice = lattice;
    h.beta = beta;
    h.hot_start = hot;
    h.warmup = 5;
    for (std::size_t t = 1; t <= n; ++t) {
        trajectory_sample s;
        s.beta = beta;
        const double p = p_equilibrium + (hot ? -0.5 : 0.4) * std::exp(-static_cast<double>(t) / 8.0) + sigma * normal(random);
        s.plaquette_spatial = s.plaquette_temporal = p;
        s.polyakov_re = std::abs(l_mean + l_sigma * normal(random));
        s.delta_h = 0.4 * normal(random);
        s.threshold_next = -std::log(std::uniform_real_distribution<double>(1e-12, 1.0)(random));
        s.accepted = t % 5 != 0;
        s.hot_start = hot;
        s.in_segment = static_cast<std::uint32_t>(t);
        h.samples.push_back(s);
    }
    return h;
}

std::vector<const chain_history*> pointers(const std::vector<chain_history>& all) {
    std::vector<const chain_history*> p;
    for (const auto& h : all)
        p.push_back(&h);
    return p;
}

std::vector<chain_history> some_chains() {
    std::vector<chain_history> all;
    const std::array<double, 5> spread{0.01, 0.02, 0.05, 0.03, 0.015};
    for (unsigned b = 0; b < 5; ++b)
        for (unsigned k = 0; k < 6; ++k)
            all.push_back(chain_of(5.5 + 0.1 * b, k % 2 == 0, 10 * b + k, 0.1 + 0.1 * b, spread[b]));
    return all;
}

std::size_t at(head_id id) { return *column_of(id); }

physics_record record_of(std::uint64_t trajectory, double p) {
    physics_record r;
    r.chain = chain_id{3};
    r.segment = segment_no{2};
    r.trajectory = trajectory;
    r.observed.plaquette_spatial = r.observed.plaquette_temporal = p;
    r.observed.delta_h = 0.25;
    r.observed.accepted = true;
    return r;
}

} // namespace

TEST_CASE("a record becomes a sample that knows the next test; gaps are refused") {
    segment_params params;
    params.beta = 5.7;
    params.n_warmup = 5;
    std::vector<physics_record> records;
    for (std::uint64_t i = 41; i < 50; ++i)
        records.push_back(record_of(i, 0.5 + 0.001 * static_cast<double>(i)));
    const auto h = history_of(records, params, extents{{4, 4, 4, 4}}, true, "a seed").or_throw();
    REQUIRE(h.samples.size() == 9);
    CHECK(h.samples[2].in_segment == 3);
    CHECK(h.samples[2].hot_start);
    CHECK(h.samples[2].threshold_next == metropolis_threshold({rng_key("a seed", chain_id{3}), 44, 2}));
    CHECK(h.samples[2].plaquette_spatial == Approx(0.543));
    CHECK(h.warmup == 5);
    records.erase(records.begin() + 4);
    CHECK(history_of(records, params, extents{{4, 4, 4, 4}}, true, "a seed").reason().code == errc::invalid_argument);
}

TEST_CASE("equilibrium values are those of the second halves") {
    const auto all = some_chains();
    const auto e = equilibrium_table::make(pointers(all)).or_throw();
    REQUIRE(e.points().size() == 5);
    const auto& p = e.points()[2];
    const double n = 6.0 * 150.0;
    CHECK(p.plaquette == Approx(p_equilibrium).margin(4.0 * sigma / std::sqrt(n)));
    CHECK(p.sigma_plaquette == Approx(sigma).epsilon(0.1));
    CHECK(p.mean_sigma_plaquette == Approx(sigma / 10.0).epsilon(0.25)); // independent values: sigma / sqrt(100)
    CHECK(p.tau_polyakov == Approx(0.5).margin(0.15));
    CHECK(p.chi_polyakov == Approx(512.0 * 0.05 * 0.05).epsilon(0.2));
    REQUIRE(e.chi_peak());
    CHECK(e.chi_peak()->beta == Approx(5.7).margin(0.06));
    CHECK(e.chi_peak()->polyakov == Approx(0.3).margin(0.07));
    CHECK(e.at(5.65).plaquette == Approx(0.5 * (e.points()[1].plaquette + e.points()[2].plaquette)));
    CHECK(e.at(4.0) == e.points().front());
    CHECK(e.at(9.0) == e.points().back());
}

TEST_CASE("there is no peak where chi grows to the edge, or on a lattice that does not deconfine; volumes never mix") {
    std::vector<chain_history> grows;
    std::vector<chain_history> symmetric;
    for (unsigned b = 0; b < 3; ++b) {
        grows.push_back(chain_of(5.5 + 0.1 * b, true, b, 0.2, 0.01 * (b + 1.0)));
        symmetric.push_back(chain_of(5.5 + 0.1 * b, true, b, 0.2, b == 1 ? 0.05 : 0.01, 300, {{4, 4, 4, 4}}));
    }
    CHECK_FALSE(equilibrium_table::make(pointers(grows)).or_throw().chi_peak());
    CHECK_FALSE(equilibrium_table::make(pointers(symmetric)).or_throw().chi_peak());
    auto mixed = pointers(grows);
    mixed.push_back(&symmetric.front());
    CHECK(equilibrium_table::make(mixed).reason().code == errc::invalid_argument);
    CHECK(equilibrium_table::make({}).reason().code == errc::invalid_argument);
}

TEST_CASE("targets are what came next, worked by hand") {
    const auto all = some_chains();
    const auto e = equilibrium_table::make(pointers(all)).or_throw();
    const auto& h = all[12]; // hot, beta 5.7
    std::size_t rows = 0;
    std::size_t shown = 0;
    feature_builder by_hand(h.lattice);
    each_row(h, e, [&](const feature_vector& v, const training_row* row) {
        ++shown;
        CHECK(v == by_hand.next(h.samples[shown - 1]).value()); // the function that inference uses
        if (row == nullptr)
            return;
        ++rows;
        CHECK(row->t == shown);
        double p = 0.0;
        double l = 0.0;
        double accepted = 0.0;
        for (std::size_t k = row->t; k < row->t + 25; ++k) { // samples[t] is trajectory t + 1
            p += h.samples[k].plaquette_spatial / 25.0;
            l += h.samples[k].polyakov_re / 25.0;
            accepted += h.samples[k].accepted ? 1.0 / 25.0 : 0.0;
        }
        const auto& here = e.points()[2];
        CHECK(row->targets[at(head_id::thermalisation)] == Approx((here.plaquette - p) / here.sigma_plaquette).margin(1e-9));
        CHECK(row->targets[at(head_id::thermalisation) + 1] == Approx((here.polyakov - l) / here.sigma_polyakov).margin(1e-9));
        CHECK(row->targets[at(head_id::deconfinement)] == Approx(l));
        CHECK(row->targets[at(head_id::quality)] == Approx(accepted));
        CHECK(row->targets[at(head_id::rejection)] == ((row->t + 1) % 5 == 0 ? 1.0 : 0.0));
        CHECK(row->targets[at(head_id::phase)] == (l > e.chi_peak()->polyakov ? 1.0 : 0.0));
        CHECK(row->targets[at(head_id::anomaly)] == 0.0);
    });
    CHECK(shown == 300);
    CHECK(rows == 300 - 25 - 10 + 1);
}

TEST_CASE("the simple rules are what they say, row by row") {
    const auto all = some_chains();
    const auto training = pointers(all);
    const auto e = equilibrium_table::make(training).or_throw();
    const simple_rules rules(training, e);
    const auto& h = all[12];
    const auto said = rules.predictions(h);
    CHECK(said.size() == 300 - 25 - 10 + 1);
    const std::size_t t = 40;
    const auto& y = said[t - 10];
    double l = 0.0;
    for (std::size_t k = t - 10; k < t; ++k)
        l += h.samples[k].polyakov_re / 10.0;
    CHECK(y[at(head_id::rejection)] == Approx(std::exp(-h.samples[t - 1].threshold_next)));
    CHECK(y[at(head_id::deconfinement)] == Approx(l));
    CHECK(y[at(head_id::quality)] == Approx(0.8));
    CHECK(rules.constants()[at(head_id::quality)] == Approx(0.8).margin(0.01));
    CHECK(said.front()[at(head_id::thermalisation)] > said.back()[at(head_id::thermalisation)]); // the approach, averaged
}
