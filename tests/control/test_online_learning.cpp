// SPDX-License-Identifier: AGPL-3.0-only
// A model that learns from the campaign it serves: from the states that its answers come from.
#include "libactors/control/conductor/online_learning.hpp"

#include "libactors/control/conductor/chain_watch.hpp"
#include "libactors/numerics/counter_rng.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace forge;

namespace {

constexpr extents lattice{{4, 4, 4, 4}};

/// A model of a chain: independent values, dH of fixed spread.
chain_history chain_of(std::uint32_t chain, std::uint32_t n) {
    chain_history h;
    h.run = "model";
    h.chain = chain_id{chain};
    h.lattice = lattice;
    h.beta = 5.6;
    h.warmup = 5;
    for (std::uint32_t t = 1; t <= n; ++t) {
        const auto z = normal_pair(philox4x32({t, chain, 9, 0}, {3, 4}));
        trajectory_sample s;
        s.beta = 5.6;
        s.plaquette_spatial = s.plaquette_temporal = 0.53 + 0.01 * z[0];
        s.polyakov_re = std::abs(0.1 + 0.03 * z[1]);
        s.delta_h = 0.4 * z[1];
        s.accepted = t % 7 != 0;
        s.in_segment = t;
        s.threshold_next = 0.5;
        h.samples.push_back(s);
    }
    return h;
}

conductor_model taught_model() {
    network_shape shape;
    shape.reservoir = {.inputs = feature_count, .units = 16, .seed = 4};
    shape.reservoirs = 2;
    shape.feature_version = feature_version;
    shape.heads = {{"deconfinement", 1, head_activation::linear}};
    auto network = echo_state_network::make(shape).or_throw();
    network_trainer trainer(network);
    std::vector<chain_history> chains;
    for (std::uint32_t c = 0; c < 4; ++c)
        chains.push_back(chain_of(c, 200));
    std::vector<const chain_history*> pointers;
    for (const auto& c : chains)
        pointers.push_back(&c);
    const auto equilibrium = equilibrium_table::make(pointers).or_throw();
    const auto column = *column_of(head_id::deconfinement);
    for (const auto& c : chains) {
        trainer.begin(c.chain.value);
        each_row(c, equilibrium, [&](const feature_vector& x, const training_row* row) {
            REQUIRE(trainer.step(x).ok());
            if (row != nullptr && std::isfinite(row->targets[column]))
                REQUIRE(trainer.teach("deconfinement", std::span(&row->targets[column], 1)).ok());
        });
    }
    return {trainer.solve(usual_penalties()).or_throw(), {{"deconfinement", true, std::nullopt, std::nullopt, 0.5}}, {}, {equilibrium}, {}, 4, 0, ""};
}

struct scaled_stepper final : reservoir_stepper {
    float factor = 1.0f;
    std::uint64_t steps = 0, fails_after = UINT64_MAX;
    result<void> advance(const echo_state_network& n, std::span<const float> input, network_state& state) override {
        if (steps++ == fails_after)
            return error{errc::device_unavailable, "the device is gone", "test", ""};
        if (auto done = n.advance(input, state); !done)
            return done;
        for (auto& s : state.of)
            for (auto& x : s)
                x *= factor;
        return {};
    }
    [[nodiscard]] stepper_report report() const override { return {"test", true, steps, std::nullopt, std::nullopt, 0, ""}; }
};

/// What the head says at the end of a history.
double says(const conductor_model& m, const chain_history& h) {
    chain_watch w(&m, lattice);
    for (const auto& s : h.samples)
        REQUIRE(w.step(s, [](head_id, double, double) {}));
    for (const auto& a : w.answers([](head_id) { return true; }, false))
        if (a.head == "deconfinement")
            return a.value.value();
    FAIL("the head says nothing");
    return 0.0;
}

} // namespace

TEST_CASE("what is learnt moves the readouts, and the rows of a segment are bounded") {
    auto m = taught_model();
    const auto before = says(m, chain_of(9, 60));
    const auto rows = m.rows;
    const auto taken = learn_segment(m, chain_of(7, 200), 32).or_throw();
    CHECK(taken > 16);
    CHECK(taken <= 32);
    CHECK(m.rows == rows + taken);
    CHECK(says(m, chain_of(9, 60)) != before);
    CHECK(learn_segment(m, chain_of(8, 30), 32).or_throw() <= 30);
}

TEST_CASE("learning goes through the device that answers: the same steps the same bits, another arithmetic other weights") {
    const auto start = taught_model();
    auto by_itself = start, by_same = start, by_other = start;
    scaled_stepper same, other;
    other.factor = 0.9f;
    const auto h = chain_of(7, 120);
    const auto n = learn_segment(by_itself, h).or_throw();
    CHECK(learn_segment(by_same, h, 32, &same).or_throw() == n);
    CHECK(learn_segment(by_other, h, 32, &other).or_throw() == n);
    CHECK(same.steps == h.samples.size());
    const auto asked = chain_of(9, 60);
    CHECK(says(by_same, asked) == says(by_itself, asked));
    CHECK(says(by_other, asked) != says(by_itself, asked));
}

TEST_CASE("a device that fails while it learns is an error, and so is a chain of another lattice") {
    auto m = taught_model();
    scaled_stepper gone;
    gone.fails_after = 10;
    CHECK(learn_segment(m, chain_of(7, 120), 32, &gone).reason().code == errc::device_unavailable);
    auto other = chain_of(7, 120);
    other.lattice = {{8, 8, 8, 4}};
    CHECK(learn_segment(m, other).reason().code == errc::invalid_argument);
    m.equilibrium.clear();
    CHECK(learn_segment(m, chain_of(7, 120)).reason().code == errc::not_found);
}
