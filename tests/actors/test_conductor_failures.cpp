// SPDX-License-Identifier: AGPL-3.0-only
// A conductor that dies in the middle of a campaign: its advice is lost, and nothing else.
#include "tests/actors/campaign_bench.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>

using namespace forge;
using namespace forge::test;

namespace {

/// Dies after so many steps of the reservoirs, as a driver does that throws where it promised an error.
struct dying_stepper final : reservoir_stepper {
    explicit dying_stepper(std::uint64_t after) : left(after) {}
    std::uint64_t left;
    result<void> advance(const echo_state_network& n, std::span<const float> input, network_state& state) override {
        if (left == 0)
            throw std::runtime_error("the board's driver threw");
        --left;
        return n.advance(input, state);
    }
    [[nodiscard]] stepper_report report() const override { return {"test", false, 0, std::nullopt, std::nullopt, 0, ""}; }
};

/// One head on an untaught reservoir: it says something for every trajectory, which is all that is needed of it here.
std::shared_ptr<const conductor_model> any_model() {
    network_shape shape;
    shape.reservoir = {.inputs = feature_count, .units = 8, .seed = 4};
    shape.reservoirs = 1;
    shape.feature_version = feature_version;
    shape.heads = {{"thermalisation", 2, head_activation::linear}};
    auto network = echo_state_network::make(shape).or_throw();
    network_trainer trainer(network);
    for (std::uint32_t chain = 0; chain < 2; ++chain) {
        trainer.begin(chain);
        feature_builder features(small_campaign().lattice);
        for (std::uint32_t t = 1; t <= 40; ++t) {
            const double x = 0.5 + 0.01 * std::sin(t + 3.0 * chain);
            REQUIRE(trainer.step(*features.next({5.5, x, x, 0.1, 0.0, 0.1 * x, true, false, t, 0.5})).ok());
            const double both[] = {x, 0.1};
            REQUIRE(trainer.teach("thermalisation", both).ok());
        }
    }
    return std::make_shared<const conductor_model>(
        conductor_model{trainer.solve(usual_penalties()).or_throw(), {{"thermalisation", true, std::nullopt, std::nullopt, 0.5}}, {}, {}, {}, 0, 0, ""});
}

campaign watched_campaign(conductor_mode mode) {
    auto plan = small_campaign();
    plan.conductor.mode = mode;
    plan.conductor.window_s = 0.0;
    if (mode == conductor_mode::act) { // a pair whose chains wait for each other at every check
        plan.start = start_kind::both;
        plan.conductor.check_every = 1;
        plan.hmc.n_thermalise = 60;
    }
    return plan;
}

run_status run_until_it_dies(const bench& b, std::uint64_t after) {
    auto parts = b.parts({sound_reference(), sound_reference()});
    parts.model = any_model();
    parts.model_name = "test";
    parts.model_device = std::make_shared<dying_stepper>(after);
    campaign_runtime runtime(std::move(parts));
    return run_to_end(runtime);
}

bool tells(const run_status& s, const std::string& words) {
    return std::any_of(s.notices.begin(), s.notices.end(), [&](const std::string& n) { return n.find(words) != std::string::npos; });
}

} // namespace

TEST_CASE("a conductor that dies while it advises changes no bit and stops nobody", "[failure]") {
    const auto hash = undisturbed_hash(small_campaign());
    for (const std::uint64_t after : {0u, 20u, 50u}) {
        CAPTURE(after);
        const bench b(watched_campaign(conductor_mode::advise));
        const auto s = run_until_it_dies(b, after);
        CHECK(s.all_finished);
        CHECK(tells(s, "the conductor ended"));
        CHECK(b.hash() == hash);
    }
}

TEST_CASE("chains that wait for an answer of a conductor that dies go on with the campaign's own numbers", "[failure]") {
    for (const std::uint64_t after : {0u, 30u}) {
        CAPTURE(after);
        const bench b(watched_campaign(conductor_mode::act));
        const auto s = run_until_it_dies(b, after);
        CHECK(s.all_finished);
        CHECK(tells(s, "the conductor ended"));
        auto book = b.open();
        CHECK(book.check().or_throw().ok());
        for (std::uint32_t c = 0; c < 2; ++c) {
            std::uint64_t measured = 0;
            for (const auto& row : book.records(chain_id{c}).or_throw())
                measured += row.record.measured ? 1 : 0;
            CHECK(measured == std::uint64_t{b.plan().beta_points} * b.plan().hmc.n_measure); // each of a pair visits every point
        }
    }
}
