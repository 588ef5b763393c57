// SPDX-License-Identifier: AGPL-3.0-only
// What the conductor answers, from histories that the tests make up by law (models of chains, labelled so).
#include "libactors/control/conductor/conductor.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace forge;

namespace {

campaign pairs_of_chains() {
    campaign c;
    c.n_chains = 4;
    c.lattice = {{4, 4, 4, 4}};
    c.beta_min = 5.5;
    c.beta_max = 5.9;
    c.beta_points = 2;
    c.hmc.n_thermalise = 100;
    c.hmc.n_measure = 100;
    c.hmc.n_warmup = 5;
    c.start = start_kind::both;
    c.conductor.mode = conductor_mode::act;
    return c;
}

/// Small noise, a function of chain and trajectory alone.
double noise(std::uint32_t chain, std::uint32_t t) {
    const auto block = noise_block({chain + 17u, t, 3}, 0, noise_purpose::momenta, 0);
    return normal_pair(block)[0];
}

/// A model of a chain: P comes exponentially to 0.55 with this time, from below (hot) or above (cold).
watched_trajectory model_of(std::uint32_t chain, std::uint32_t t, double time) {
    const double side = chain % 2 == 0 ? -1.0 : 1.0;
    watched_trajectory w;
    w.observed.plaquette_spatial = w.observed.plaquette_temporal = 0.55 + side * 0.3 * std::exp(-(t / time)) + 0.004 * noise(chain, t);
    w.observed.polyakov_re = 0.1 + side * 0.05 * std::exp(-(t / time)) + 0.01 * noise(chain + 100, t);
    w.observed.delta_h = 0.3 * noise(chain + 200, t) + 0.045;
    w.observed.accepted = true;
    w.measured = t > 100;
    return w;
}

watched_batch batch_of(std::uint32_t chain, std::uint32_t first, std::uint32_t n, double time = 8.0, std::uint32_t ordinal = 0) {
    watched_batch b{chain_id{chain}, ordinal, segment_no{ordinal}, 1 + 200ull * ordinal, first, {}, {}};
    b.params.beta = chain < 2 ? 5.5 : 5.9;
    b.params.n_steps = 10;
    b.params.n_warmup = 5;
    for (std::uint32_t k = 0; k < n; ++k)
        b.trajectories.push_back(model_of(chain, first + k, time));
    return b;
}

} // namespace

TEST_CASE("a pair ends its thermalisation where both chains agree, whatever the order in which they are heard") {
    std::vector<std::uint32_t> cuts;
    for (const std::uint32_t step : {1u, 7u, 16u, 100u}) {
        conductor c(pairs_of_chains(), "seed", nullptr);
        for (std::uint32_t t = 1; t <= 100; t += step) {
            const auto n = std::min(step, 101 - t);
            (void)c.watch(batch_of(step % 2, t, n));
            (void)c.watch(batch_of(1 - step % 2, t, n));
        }
        REQUIRE(c.stops().size() == 1);
        const auto stop = c.stops().begin()->second;
        CHECK(stop.by == stop_reason::bracket);
        cuts.push_back(stop.after);
        for (std::uint32_t done = 10; done < 100; done += 10) {
            const auto a = c.check(chain_id{0}, 0, done), b = c.check(chain_id{1}, 0, done);
            REQUIRE((a && b));
            CHECK(a->thermalised == (done >= stop.after));
            CHECK(b->thermalised == a->thermalised);
            CHECK_FALSE(a->reason.empty());
        }
    }
    CHECK(std::set<std::uint32_t>(cuts.begin(), cuts.end()).size() == 1);
    CHECK(cuts.front() > 20); // exp(-t/8) 0.3 is above the noise until then
    CHECK(cuts.front() < 80);
}

TEST_CASE("nothing is said before the partner has come as far, or is gone") {
    conductor c(pairs_of_chains(), "seed", nullptr);
    (void)c.watch(batch_of(0, 1, 40));
    (void)c.watch(batch_of(1, 1, 19));
    CHECK(c.check(chain_id{0}, 0, 10).has_value());
    CHECK_FALSE(c.check(chain_id{0}, 0, 20).has_value());
    CHECK_FALSE(c.check(chain_id{3}, 0, 10).has_value()); // of the other pair nothing is known
    c.on_gone(chain_id{1});
    REQUIRE(c.check(chain_id{0}, 0, 20).has_value());
    CHECK_FALSE(c.check(chain_id{0}, 0, 20)->thermalised);
    c.on_back(chain_id{1});
    CHECK_FALSE(c.check(chain_id{0}, 0, 20).has_value());
}

TEST_CASE("chains that come from another beta together are no bracket, and neither is a chain alone") {
    conductor c(pairs_of_chains(), "seed", nullptr);
    for (const std::uint32_t chain : {0u, 1u})
        (void)c.watch(batch_of(chain, 1, 100, 0.1, 1));
    REQUIRE(c.check(chain_id{0}, 1, 50));
    CHECK_FALSE(c.check(chain_id{0}, 1, 50)->thermalised);
    auto alone = pairs_of_chains();
    alone.start = start_kind::hot;
    conductor lone(alone, "seed", nullptr);
    (void)lone.watch(batch_of(0, 1, 100));
    CHECK_FALSE(lone.check(chain_id{0}, 0, 50)->thermalised);
}

TEST_CASE("a metastable partner keeps its pair thermalising until the campaign's number") {
    conductor c(pairs_of_chains(), "seed", nullptr);
    for (std::uint32_t t = 1; t <= 100; ++t) {
        (void)c.watch(batch_of(0, t, 1, 1e9)); // never comes down
        (void)c.watch(batch_of(1, t, 1, 8.0));
    }
    for (std::uint32_t done = 10; done < 100; done += 10)
        CHECK_FALSE(c.check(chain_id{0}, 0, done)->thermalised);
    REQUIRE(c.stops().size() == 1);
    CHECK(c.stops().begin()->second.by == stop_reason::limit);
}

TEST_CASE("a replay changes nothing, a gap is noticed, and what is not finite is not believed") {
    conductor once(pairs_of_chains(), "seed", nullptr), again(pairs_of_chains(), "seed", nullptr);
    for (const std::uint32_t chain : {0u, 1u}) {
        (void)once.watch(batch_of(chain, 1, 60));
        (void)again.watch(batch_of(chain, 1, 40));
        (void)again.watch(batch_of(chain, 21, 40)); // 21 ... 40 for the second time
    }
    CHECK(once.stops() == again.stops());
    CHECK(again.watch(batch_of(0, 90, 5)).in_segment == 60);
    auto bad = batch_of(0, 61, 2);
    bad.trajectories[0].observed.plaquette_spatial = std::nan("");
    CHECK(again.watch(bad).in_segment == 60);
}

TEST_CASE("a point is known when its segment is over, chains of one beta count together") {
    conductor c(pairs_of_chains(), "seed", nullptr);
    CHECK(c.points().empty());
    for (const std::uint32_t chain : {0u, 1u, 2u}) {
        (void)c.watch(batch_of(chain, 1, 200));
        c.on_segment_over(chain_id{chain}, 0);
        c.on_segment_over(chain_id{chain}, 0);
        c.on_segment_over(chain_id{chain}, 7); // not the segment that was watched
    }
    const auto points = c.points();
    REQUIRE(points.size() == 2);
    CHECK(points[0].beta == 5.5);
    CHECK(points[1].beta == 5.9);
    // |L| is 0.1 + 0.01 N(0,1): chi_L = V_s 1e-4 = 0.0064; 200 and 100 values
    CHECK(points[0].chi_polyakov == Approx(0.0064).epsilon(0.35));
    CHECK(points[1].chi_polyakov == Approx(0.0064).epsilon(0.5));
    REQUIRE(points[0].chi_error);
    const auto proposal = c.steer({5.5, 5.9}).or_throw();
    REQUIRE(proposal.beta);
    CHECK(*proposal.beta == Approx(5.7)); // two points: the middle of the gap
}

TEST_CASE("the number of steps that is advised makes accepted trajectories cheapest") {
    // sigma(n) = s n0^2 / n^2 and acceptance erfc(sigma / sqrt 8): found by looking at every n.
    for (const double sigma : {0.05, 0.5, 1.0, 3.0}) {
        const auto a = cheapest_steps(10, sigma);
        REQUIRE(a.n_steps);
        const auto rate = [&](std::uint32_t n) { return std::erfc(sigma * 100.0 / (n * n) / std::sqrt(8.0)) / n; };
        for (std::uint32_t n = 1; n <= 160; ++n)
            if (rate(n) * n >= 0.6)
                CHECK(rate(*a.n_steps) >= rate(n));
        CHECK(*a.acceptance == Approx(rate(*a.n_steps) * *a.n_steps));
    }
    CHECK_FALSE(cheapest_steps(10, 0.0).n_steps);
    CHECK_FALSE(cheapest_steps(10, std::nan("")).n_steps);
    CHECK_FALSE(cheapest_steps(0, 1.0).n_steps);
    CHECK_FALSE(cheapest_steps(1, 1e9).n_steps);
    conductor c(pairs_of_chains(), "seed", nullptr);
    CHECK_FALSE(c.suggest_parameters(std::nullopt).n_steps); // nothing tested yet
    (void)c.watch(batch_of(0, 1, 100));
    const auto says = c.suggest_parameters(std::nullopt);
    REQUIRE(says.n_steps);
    CHECK(*says.n_steps < 10); // dH spreads by 0.3 only
    CHECK(says.source == answer_source::heuristic);
}

TEST_CASE("a prediction of thermalisation's length says where it is from") {
    conductor c(pairs_of_chains(), "seed", nullptr);
    CHECK(*c.predict_length(5.6).trajectories == 100);
    for (const std::uint32_t chain : {0u, 1u})
        (void)c.watch(batch_of(chain, 1, 100));
    const auto after = c.stops().begin()->second.after;
    CHECK(*c.predict_length(5.6).trajectories == after);
    CHECK(c.predict_length(5.6).reason.find("5.5") != std::string::npos);
}

TEST_CASE("one chain alone is judged by its drift") {
    conductor c(pairs_of_chains(), "seed", nullptr);
    std::vector<double> still, moving, l;
    for (std::uint32_t t = 0; t < 40; ++t) {
        still.push_back(0.55 + 0.004 * noise(5, t));
        moving.push_back(0.55 + 0.004 * noise(5, t) + 0.002 * t);
        l.push_back(0.1 + 0.01 * noise(6, t));
    }
    CHECK(c.check_alone(still, l).thermalised);
    CHECK_FALSE(c.check_alone(moving, l).thermalised);
    CHECK_FALSE(c.check_alone(std::span(still).first(20), l).thermalised);
}

TEST_CASE("a trained head answers with its uncertainty and earns its trust in public") {
    auto plan = pairs_of_chains();
    network_shape shape;
    shape.reservoir = {.inputs = feature_count, .units = 60, .seed = 4};
    shape.reservoirs = 1;
    shape.feature_version = feature_version;
    shape.heads = {{"rejection", 1, head_activation::sigmoid}, {"deconfinement", 1, head_activation::linear}};
    // A model world: dH = 0.9 always, so that a trajectory is rejected exactly where -ln u < 0.9.
    const std::string seed = "model-world";
    const auto world = [&](std::uint32_t chain, std::uint32_t n) {
        auto b = batch_of(chain, 1, n, 0.1);
        for (std::uint32_t k = 0; k < n; ++k) {
            b.trajectories[k].observed.delta_h = 0.9;
            b.trajectories[k].observed.accepted = metropolis_threshold({rng_key(seed, b.chain), b.first_trajectory + k, b.segment.value}) >= 0.9;
        }
        return b;
    };
    const auto untrained = echo_state_network::make(shape).or_throw();
    network_trainer trainer(untrained);
    for (std::uint32_t chain = 10; chain < 20; ++chain) {
        trainer.begin(chain);
        feature_builder features(plan.lattice);
        const auto b = world(chain, 120);
        for (std::uint32_t k = 0; k + 1 < b.trajectories.size(); ++k) {
            const auto& o = b.trajectories[k].observed;
            trajectory_sample s{b.params.beta, o.plaquette_spatial, o.plaquette_temporal, o.polyakov_re, o.polyakov_im, o.delta_h, o.accepted, chain % 2 == 0, k + 1,
                                metropolis_threshold({rng_key(seed, b.chain), b.first_trajectory + k + 1, b.segment.value})};
            REQUIRE(trainer.step(*features.next(s)).ok());
            const double rejected = b.trajectories[k + 1].observed.accepted ? 0.0 : 1.0;
            REQUIRE(trainer.teach("rejection", std::span(&rejected, 1)).ok());
        }
    }
    conductor_model trained{trainer.solve(usual_penalties()).or_throw(), {{"rejection", true, 0.9, 0.8, 0.5}, {"deconfinement", true, std::nullopt, std::nullopt, 0.5}}, {}, {}, {}, 0, 0, ""};
    conductor c(plan, seed, std::make_shared<const conductor_model>(std::move(trained)));
    CHECK_FALSE(c.standing().front().score); // nothing seen yet
    const auto first = world(2, 200); // the same beta and starts as in training
    CHECK(c.watch(first).heads.size() == head_total);
    const auto says = c.says(chain_id{2});
    CHECK(says.in_segment == 200);
    CHECK(c.says(chain_id{3}).heads.empty());
    REQUIRE(says.heads.size() == head_total);
    std::map<std::string, gate_standing> standing;
    for (const auto& h : c.standing())
        standing[h.head] = h;
    REQUIRE(standing["rejection"].score);
    CHECK(*standing["rejection"].score > 0.8); // balanced accuracy of 20; the law is a threshold
    CHECK(standing["rejection"].trusted);
    CHECK_FALSE(standing.contains("deconfinement")); // never trained: there is nothing to judge
    for (const auto& h : says.heads) {
        CAPTURE(h.head);
        CHECK(h.value.has_value() == (h.source != answer_source::unavailable));
        CHECK_FALSE(h.reason.empty());
        if (h.head == "rejection") {
            CHECK(h.source == answer_source::model);
            CHECK(*h.value >= 0.0);
            CHECK(*h.value <= 1.0);
            CHECK(*h.uncertainty > 0.0);
        } else if (h.head == "deconfinement" || h.head == "quality") { // not trained: the simple rule answers and says so
            CHECK(h.source == answer_source::heuristic);
            CHECK_FALSE(h.uncertainty);
        } else if (h.head == "cg_estimate" || h.head == "transport_d") {
            CHECK_FALSE(h.value); // not 0
        }
    }
}

TEST_CASE("a head that never beat its simple rule is not listened to, however well it does today") {
    network_shape shape;
    shape.reservoir = {.inputs = feature_count, .units = 20, .seed = 4};
    shape.reservoirs = 1;
    shape.feature_version = feature_version;
    shape.heads = {{"deconfinement", 1, head_activation::linear}};
    auto network = echo_state_network::make(shape).or_throw();
    network_trainer trainer(network);
    for (std::uint32_t chain = 0; chain < 6; ++chain) {
        trainer.begin(chain);
        feature_builder features(pairs_of_chains().lattice);
        for (std::uint32_t t = 1; t <= 60; ++t) {
            const auto o = model_of(chain, t, 0.1).observed;
            REQUIRE(trainer.step(*features.next({5.5, o.plaquette_spatial, o.plaquette_temporal, o.polyakov_re, 0.0, o.delta_h, true, false, t, 0.5})).ok());
            const double l = o.polyakov_re;
            REQUIRE(trainer.teach("deconfinement", std::span(&l, 1)).ok());
        }
    }
    network = trainer.solve(usual_penalties()).or_throw();
    for (const bool trusted : {false, true}) {
        conductor c(pairs_of_chains(), "seed",
                    std::make_shared<const conductor_model>(conductor_model{network, {{"deconfinement", trusted, std::nullopt, std::nullopt, 0.5}}, {}, {}, {}, 0, 0, ""}));
        const auto says = c.watch(batch_of(0, 1, 20)); // too early for the gate to know
        for (const auto& h : says.heads)
            if (h.head == "deconfinement")
                CHECK(h.source == answer_source::heuristic);
    }
}
