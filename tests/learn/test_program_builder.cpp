// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/program_builder.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace forge;

namespace {

program_builder eleven() {
    program_builder b;
    b.name("conductor").reservoir_dims(50, 128);
    b.add_head("thermalization", 1, head_activation::sigmoid)
        .add_head("phase", 2, head_activation::softmax)
        .add_head("anomaly", 1, head_activation::sigmoid);
    for (const auto* name : {"priority", "cg", "quality", "schedule", "deconfinement"})
        b.add_head(name, 1, head_activation::relu);
    return b.add_head("rejection", 1, head_activation::sigmoid)
        .add_head("transport_d", 1, head_activation::linear)
        .add_head("transport_eta", 1, head_activation::linear);
}

} // namespace

TEST_CASE("a program is the reservoir as one matrix on [u; s], and its heads") {
    const auto p = eleven().build().or_throw();
    CHECK(p.heads.size() == 11);
    CHECK(p.reservoir.size() == 128 * (50 + 128));
    reservoir_shape shape;
    shape.inputs = 50;
    shape.units = 128;
    const auto r = reservoir::make(shape).or_throw();
    std::vector<float> u(50), s(128), drive(128);
    for (std::size_t k = 0; k < 50; ++k)
        u[k] = std::sin(static_cast<float>(k));
    for (std::size_t k = 0; k < 128; ++k)
        s[k] = std::cos(0.3f * static_cast<float>(k));
    r.drive(u, s, drive);
    std::vector<float> both = u;
    both.insert(both.end(), s.begin(), s.end());
    for (std::size_t row = 0; row < 128; ++row) {
        float sum = 0.0f;
        for (std::size_t c = 0; c < 178; ++c)
            sum += p.reservoir[row * 178 + c] * both[c];
        CHECK(sum == drive[row]); // zeros between the sparse weights change no bit
    }
    const auto graph = one_pass(p);
    CHECK(validate(graph).ok());
    CHECK(graph.trunk.size() == 1);
    CHECK(graph.trunk.front().rectified);
    CHECK(graph.heads[1].outputs == 2);
    CHECK(eleven().untrained().size() == 11);
}

TEST_CASE("readouts of a trained network become weights and biases") {
    network_shape shape;
    shape.reservoir.inputs = 3;
    shape.reservoir.units = 20;
    shape.reservoirs = 2;
    shape.heads = {{"y", 2, head_activation::linear}, {"z", 1, head_activation::sigmoid}};
    shape.feature_version = 7;
    const auto fresh = echo_state_network::make(shape).or_throw();
    network_trainer trainer(fresh);
    for (std::uint64_t group = 0; group < 8; ++group) {
        trainer.begin(group);
        for (int t = 0; t < 30; ++t) {
            const float x = std::sin(0.2f * static_cast<float>(t) + static_cast<float>(group));
            trainer.step(std::vector<float>{x, -x, 1.0f}).or_throw();
            trainer.teach("y", std::vector<double>{static_cast<double>(x), 2.0}).or_throw();
        }
    }
    const auto taught = trainer.solve(usual_penalties()).or_throw();
    for (const std::size_t which : {0u, 1u}) {
        program_builder b;
        const auto p = b.heads_of(taught, which).build().or_throw();
        CHECK(p.feature_version == 7);
        CHECK(b.untrained() == std::vector<std::string>{"z"});
        auto state = taught.rest();
        for (int t = 0; t < 5; ++t)
            taught.advance(std::vector<float>{0.3f, 0.1f, 1.0f}, state).or_throw();
        for (std::size_t c = 0; c < 2; ++c) {
            double z = static_cast<double>(p.heads[0].bias[c]);
            for (std::size_t k = 0; k < 20; ++k)
                z += static_cast<double>(p.heads[0].weights[c * 20 + k]) * static_cast<double>(state.of[which][k]);
            CHECK(z == Approx(taught.readout(which, "y", c)->predict(state.of[which])).margin(1e-4));
        }
        CHECK(std::all_of(p.heads[1].weights.begin(), p.heads[1].weights.end(), [](float w) { return w == 0.0f; }));
    }
    CHECK(program_builder().heads_of(taught, 2).build().reason().code == errc::not_found);
}

TEST_CASE("units are 179 + 12 N, and beyond 1000 the refusal shows the sum") {
    const auto rows = scaling_table(70);
    REQUIRE(rows.size() == 70);
    for (const auto& [heads, units, left] : {std::tuple{1u, 191u, 809u},
                                             {2u, 203u, 797u},
                                             {4u, 227u, 773u},
                                             {8u, 275u, 725u},
                                             {11u, 311u, 689u},
                                             {20u, 419u, 581u},
                                             {55u, 839u, 161u}}) {
        CHECK(rows[heads - 1].heads == heads);
        CHECK(rows[heads - 1].units == units);
        CHECK(rows[heads - 1].left == left);
        CHECK(rows[heads - 1].fits);
    }
    CHECK(rows[67].fits);
    CHECK(rows[67].units == 995);
    CHECK_FALSE(rows[68].fits);
    CHECK_THAT(within_budget(69).reason().what, Catch::Contains("179 + 12 * 69 = 1007 of 1000 units"));
    auto b = program_builder().shape({.inputs = 2, .units = 4, .connectivity = 1.0});
    for (int k = 0; k < 68; ++k)
        b.add_head("h" + std::to_string(k), 1, head_activation::linear);
    CHECK(b.build().ok());
    b.add_head("one_more", 1, head_activation::linear);
    CHECK(b.build().reason().code == errc::device_memory);
    CHECK_THAT(b.build().reason().hint, Catch::Contains("at most 68 heads"));
}

TEST_CASE("what makes no program is one clear error") {
    const auto says = [](const program_builder& b, const std::string& what) {
        const auto p = b.build();
        REQUIRE_FALSE(p.ok());
        CHECK(p.reason().code == errc::invalid_argument);
        CHECK_THAT(p.reason().what, Catch::Contains(what));
    };
    const auto base = [] { return program_builder().shape({.inputs = 2, .units = 4, .connectivity = 1.0}); };
    const auto linear = head_activation::linear;
    says(base(), "without heads");
    says(base().add_head("a", 1, linear).add_head("a", 1, linear), "there twice: \"a\"");
    says(base().add_head("", 1, linear), "is empty");
    says(base().add_head("reservoir", 1, linear), "reservoir");
    says(base().add_head("p", 1, head_activation::softmax), "head p has 1 components");
    says(base().add_head("p", 0, linear), "head p has 0 components");
    says(base().add_head("p", 65, linear), "head p has 65 components");
    says(base().add_head("p", 4000000000u, linear), "head p has 4000000000 components");
    says(program_builder().reservoir_dims(0, 4).add_head("p", 1, linear), "0 inputs");
    says(program_builder().reservoir_dims(2, 0).add_head("p", 1, linear), "0 units");
    says(program_builder().reservoir_dims(2, 4000000000u).add_head("p", 1, linear), "4000000000 units");
    says(base().add_head("p", 1, linear).readout("p", {1.0f}, {0.0f}), "head p has 1 weights and 1 biases for 1 x 4");
    says(base().add_head("p", 1, linear).readout("q", {1, 1, 1, 1}, {0.0f}), "no such head");
    says(base().add_head("p", 1, linear).readout("p", {1, 1, NAN, 1}, {0.0f}), "not a number");
    says(base().add_head("p", 1, linear).examples({1.0f}), "1 example values");
    says(base().add_head("p", 1, linear).examples({1, 1, 1, 1, 1, INFINITY}), "example values");
    auto p = base().add_head("p", 1, linear).build().or_throw();
    p.leak = 0.0;
    CHECK_THAT(validate(p).reason().what, Catch::Contains("leak"));
    p.leak = std::nan("");
    CHECK_FALSE(validate(p).ok());
    p.leak = 1.0;
    p.reservoir.pop_back();
    CHECK_THAT(validate(p).reason().what, Catch::Contains("23 reservoir weights for 4 x 6"));
}
