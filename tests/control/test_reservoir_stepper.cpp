// SPDX-License-Identifier: AGPL-3.0-only
// The conductor's port to a device: who steps the reservoirs decides what is said, and nothing else does.
#include "libactors/control/conductor/conductor.hpp"

#include "libactors/numerics/counter_rng.hpp"

#include <catch2/catch.hpp>

using namespace forge;

namespace {

campaign two_chains() {
    campaign c;
    c.n_chains = 2;
    c.lattice = {{4, 4, 4, 4}};
    c.beta_min = c.beta_max = 5.5;
    c.hmc.n_thermalise = 100;
    c.hmc.n_measure = 100;
    c.start = start_kind::both;
    c.conductor.mode = conductor_mode::act;
    return c;
}

/// A model of a chain, a function of chain and trajectory alone.
watched_batch batch_of(std::uint32_t chain, std::uint32_t n) {
    watched_batch b{chain_id{chain}, 0, segment_no{0}, 1, 1, {}, {}};
    b.params.beta = 5.5;
    for (std::uint32_t t = 1; t <= n; ++t) {
        const auto z = normal_pair(philox4x32({t, chain, 7, 0}, {1, 2}));
        watched_trajectory w;
        w.observed.plaquette_spatial = w.observed.plaquette_temporal = 0.5 + 0.005 * z[0];
        w.observed.polyakov_re = 0.1 + 0.02 * z[1];
        w.observed.delta_h = 0.3 * z[1];
        w.observed.accepted = true;
        b.trajectories.push_back(w);
    }
    return b;
}

/// Predicts |L| of the trajectory itself: anything that depends on the state will do.
std::shared_ptr<const conductor_model> small_model() {
    network_shape shape;
    shape.reservoir = {.inputs = feature_count, .units = 20, .seed = 4};
    shape.reservoirs = 2;
    shape.feature_version = feature_version;
    shape.heads = {{"thermalisation", 2, head_activation::linear}, {"deconfinement", 1, head_activation::linear}};
    auto network = echo_state_network::make(shape).or_throw();
    network_trainer trainer(network);
    for (std::uint32_t chain = 10; chain < 16; ++chain) {
        trainer.begin(chain);
        feature_builder features(two_chains().lattice);
        for (const auto& w : batch_of(chain, 60).trajectories) {
            REQUIRE(trainer
                        .step(*features.next({5.5, w.observed.plaquette_spatial, w.observed.plaquette_temporal, w.observed.polyakov_re, 0.0,
                                              w.observed.delta_h, true, false, 1, 0.5}))
                        .ok());
            const double l = w.observed.polyakov_re;
            const double both[] = {l, w.observed.plaquette()};
            REQUIRE(trainer.teach("deconfinement", std::span(&l, 1)).ok());
            REQUIRE(trainer.teach("thermalisation", both).ok());
        }
    }
    return std::make_shared<const conductor_model>(
        conductor_model{trainer.solve(usual_penalties()).or_throw(),
                        {{"thermalisation", true, std::nullopt, std::nullopt, 0.5}, {"deconfinement", true, std::nullopt, std::nullopt, 0.5}},
                        {},
                        {},
                        {},
                        0,
                        0,
                        ""});
}

/// The network's own steps times a factor; from `fails_after` steps on it fails.
struct scaled_stepper final : reservoir_stepper {
    float factor = 1.0f;
    std::uint64_t steps = 0, fails_after = UINT64_MAX;
    result<void> advance(const echo_state_network& n, std::span<const float> input, network_state& state) override {
        if (steps == fails_after)
            return error{errc::device_unavailable, "the device is gone", "test", ""};
        if (auto done = n.advance(input, state); !done)
            return done;
        ++steps;
        for (auto& s : state.of)
            for (auto& x : s)
                x *= factor;
        return {};
    }
    [[nodiscard]] stepper_report report() const override { return {"test", true, steps, std::nullopt, std::nullopt, 0, ""}; }
};

std::optional<equilibrium_distance> distance_with(const conductor_model& m, reservoir_stepper* stepper, std::uint32_t n = 40) {
    chain_watch w(&m, two_chains().lattice, stepper);
    for (const auto& t : batch_of(0, n).trajectories)
        if (!w.step({5.5, t.observed.plaquette_spatial, t.observed.plaquette_temporal, t.observed.polyakov_re, 0.0, t.observed.delta_h, true, true, 1,
                     0.5},
                    [](head_id, double, double) {}))
            return std::nullopt;
    return w.distance();
}

} // namespace

TEST_CASE("a stepper that does what the network does says the same to the bit, once a trajectory; another arithmetic is heard") {
    const auto m = small_model();
    scaled_stepper same, other;
    other.factor = 0.99f;
    const auto by_itself = distance_with(*m, nullptr), by_same = distance_with(*m, &same), by_other = distance_with(*m, &other);
    REQUIRE((by_itself && by_same && by_other));
    CHECK(by_same->plaquette == by_itself->plaquette);
    CHECK(by_same->polyakov == by_itself->polyakov);
    CHECK(by_other->plaquette != by_itself->plaquette);
    CHECK(same.steps == 40);
}

TEST_CASE("the conductor hands its stepper every trajectory of every chain; of later segments none when nobody asks its model") {
    const auto m = small_model();
    for (const bool classify : {true, false}) {
        auto plan = two_chains();
        plan.conductor.classify = classify;
        const auto stepper = std::make_shared<scaled_stepper>();
        conductor c(plan, "seed", m, stepper);
        (void)c.watch(batch_of(0, 30));
        (void)c.watch(batch_of(1, 20));
        (void)c.watch(batch_of(1, 20)); // a replay
        CHECK(stepper->steps == 50); // where thermalisation is judged the model is always asked
        auto later = batch_of(0, 10);
        later.ordinal = 1;
        (void)c.watch(later);
        CHECK(stepper->steps == (classify ? 60 : 50));
    }
}

TEST_CASE("where a device fails the history of that chain ends: no answer is made of a state that is not there") {
    const auto stepper = std::make_shared<scaled_stepper>();
    stepper->fails_after = 25;
    conductor c(two_chains(), "seed", small_model(), stepper);
    const auto says = c.watch(batch_of(0, 40));
    CHECK(says.in_segment == 25);
    CHECK(says.heads.empty());
    scaled_stepper gone;
    gone.fails_after = 0;
    CHECK_FALSE(distance_with(*small_model(), &gone));
}
