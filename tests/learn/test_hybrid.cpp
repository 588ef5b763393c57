// SPDX-License-Identifier: AGPL-3.0-only
// The executor against reservoir::step, and against an integer model that knows the rules of the device and nothing of the code.
#include "libactors/engine/dense/software_engine.hpp"
#include "libactors/engine/npu/sim_akd1000.hpp"
#include "libactors/learn/hybrid/mapping.hpp"
#include "libactors/learn/program_builder.hpp"
#include "tests/learn/integer_model.hpp"

#include <catch2/catch.hpp>

using namespace forge;
using namespace forge::testing;

namespace {

/// A program with drawn readouts and calibrated examples.
npu_program drawn(std::uint32_t inputs, std::uint32_t units, std::size_t heads, const hybrid_options& options = {}) {
    std::mt19937 g(inputs * 1000 + units);
    reservoir_shape shape;
    shape.inputs = inputs;
    shape.units = units;
    shape.leak = 0.4;
    program_builder b;
    b.shape(shape);
    for (std::size_t k = 0; k < heads; ++k) {
        const auto dim = 1 + static_cast<std::uint32_t>(k % 3);
        b.add_head("h" + std::to_string(k), dim, k % 3 == 1 ? head_activation::softmax : head_activation::sigmoid);
        b.readout("h" + std::to_string(k), normals(g, std::size_t{dim} * units, 0.3f), normals(g, dim));
    }
    auto p = b.build().or_throw();
    std::vector<std::vector<float>> sequences;
    for (int k = 0; k < 4; ++k)
        sequences.push_back(normals(g, 30 * inputs, 0.8f));
    p.examples = calibration_rows(p, options, sequences).or_throw();
    return p;
}

} // namespace

TEST_CASE("in software the network has the bits of the reservoir") {
    const auto p = drawn(7, 60, 3);
    reservoir_shape shape;
    shape.inputs = 7;
    shape.units = 60;
    shape.leak = 0.4;
    const auto r = reservoir::make(shape).or_throw();
    software_engine host;
    auto n = hybrid_network::make(p, host, {}).or_throw();
    CHECK(n.mode() == execution_mode::software_f32);
    CHECK_FALSE(n.readouts_on_device());
    std::mt19937 g(5);
    std::vector<float> s(60, 0.0f);
    for (int t = 0; t < 50; ++t) {
        const auto u = normals(g, 7);
        r.step(u, s);
        n.step(u).or_throw();
        REQUIRE(std::equal(s.begin(), s.end(), n.state().begin()));
    }
    n.reset();
    CHECK(n.state()[0] == 0.0f);
    CHECK(n.cost().steps == 50);
    CHECK(n.cost().model_s == 0.0);
    CHECK(n.cost().measured_s > 0.0);
}

TEST_CASE("its readouts are those of the network they come from") {
    network_shape shape;
    shape.reservoir.inputs = 2;
    shape.reservoir.units = 30;
    shape.reservoirs = 1;
    shape.heads = {{"y", 1, head_activation::linear}, {"c", 2, head_activation::softmax}};
    const auto fresh = echo_state_network::make(shape).or_throw();
    network_trainer trainer(fresh);
    std::mt19937 g(6);
    for (std::uint64_t group = 0; group < 10; ++group) {
        trainer.begin(group);
        for (int t = 0; t < 40; ++t) {
            const auto u = normals(g, 2);
            trainer.step(u).or_throw();
            trainer.teach("y", std::vector<double>{static_cast<double>(u[0])}).or_throw();
            trainer.teach("c", std::vector<double>{u[1] > 0 ? 1.0 : 0.0, u[1] > 0 ? 0.0 : 1.0}).or_throw();
        }
    }
    const auto taught = trainer.solve(usual_penalties()).or_throw();
    software_engine host;
    auto n = hybrid_network::make(program_builder().heads_of(taught).build().or_throw(), host, {}).or_throw();
    auto state = taught.rest();
    for (int t = 0; t < 20; ++t) {
        const auto u = normals(g, 2);
        taught.advance(u, state).or_throw();
        n.step(u).or_throw();
        for (std::size_t h = 0; h < 2; ++h) {
            const auto expected = taught.read(shape.heads[h].name, state).or_throw();
            const auto found = n.value(h);
            REQUIRE(found.size() == expected.size());
            for (std::size_t c = 0; c < found.size(); ++c)
                CHECK(static_cast<double>(found[c]) == Approx(expected[c].value).margin(1e-5));
        }
    }
    const auto outputs = n.outputs();
    REQUIRE(outputs.size() == 2);
    CHECK(outputs[1].name == "c");
    CHECK(outputs[1].value[0] + outputs[1].value[1] == Approx(1.0));
}

TEST_CASE("threshold override: 4-bit products there, tanh here, as the integer model has it") {
    const auto p = drawn(5, 40, 3);
    software_engine host;
    sim_akd1000 sim;
    for (const auto place : {readout_place::host, readout_place::device}) {
        auto n = hybrid_network::make(p, host, {&sim}, {.readouts = place}).or_throw();
        CHECK(n.mode() == execution_mode::hybrid);
        integer_executor model(p, integer_executor::way::override_threshold);
        std::mt19937 g(7);
        for (int t = 0; t < 40; ++t) {
            const auto u = normals(g, 5);
            n.step(u).or_throw();
            model.step(u);
            for (std::size_t k = 0; k < 40; ++k)
                REQUIRE(static_cast<double>(n.state()[k]) == Approx(model.s[k]).margin(1e-5));
            for (std::size_t h = 0; h < 3; ++h) {
                const auto expected = place == readout_place::host ? model.float_readout(h) : model.integer_readout(h);
                for (std::size_t c = 0; c < expected.size(); ++c)
                    REQUIRE(static_cast<double>(n.readout(h)[c]) == Approx(expected[c]).margin(1e-4));
            }
            model.s.assign(n.state().begin(), n.state().end()); // float and double round 8-bit inputs apart once in a while
        }
        CHECK(n.cost().passes == (place == readout_place::host ? 40 : 80)); // tanh lies between: a second pass
        CHECK(n.cost().model_s > 40 * 650e-6);
    }
    CHECK(sim.units_used() == 0); // a network takes its programs with it
}

TEST_CASE("split: W and -W rectified, and the difference keeps what is negative") {
    const auto p = drawn(5, 40, 2);
    software_engine host;
    sim_akd1000 sim;
    auto n = hybrid_network::make(p, host, {&sim}, {.path = linear_path::split, .readouts = readout_place::host}).or_throw();
    integer_executor model(p, integer_executor::way::split, 1.5f);
    std::mt19937 g(8);
    std::size_t negative = 0;
    for (int t = 0; t < 40; ++t) {
        const auto u = normals(g, 5);
        const std::vector<float> before(n.state().begin(), n.state().end());
        n.step(u).or_throw();
        model.step(u);
        for (std::size_t k = 0; k < 40; ++k) {
            REQUIRE(static_cast<double>(n.state()[k]) == Approx(model.s[k]).margin(1e-5));
            const double drive =
                std::atanh(std::clamp((static_cast<double>(n.state()[k]) - 0.6 * static_cast<double>(before[k])) / 0.4, -0.999999, 0.999999));
            negative += drive < -0.01 ? 1 : 0;
        }
        model.s.assign(n.state().begin(), n.state().end());
    }
    CHECK(negative > 400); // of 1,600: about half of all drives
}

TEST_CASE("device native: one pass for all heads, and the leak commutes with the readout") {
    hybrid_options options;
    options.activation = state_activation::bounded_relu;
    const auto p = drawn(5, 40, 4, options);
    software_engine host;
    sim_akd1000 sim;
    options.readouts = readout_place::device;
    auto n = hybrid_network::make(p, host, {&sim}, options).or_throw();
    CHECK(n.mode() == execution_mode::device_native);
    CHECK(sim.units_used() == 179 + 12 * 5); // four heads, and the identity that brings the state
    integer_executor model(p, integer_executor::way::rectified, 1.0f);
    std::mt19937 g(9);
    std::vector<double> integrated(7, 0.0); // dims 1, 2, 3, 1
    for (int t = 0; t < 60; ++t) {
        const auto u = normals(g, 5);
        n.step(u).or_throw();
        model.step(u);
        for (std::size_t k = 0; k < 40; ++k) {
            REQUIRE(static_cast<double>(n.state()[k]) == Approx(model.s[k]).margin(1e-5));
            REQUIRE((n.state()[k] >= 0.0f && n.state()[k] <= 1.00001f));
        }
        std::size_t at = 0;
        for (std::size_t h = 0; h < 4; ++h)
            for (std::size_t c = 0; c < p.heads[h].spec.dim; ++c, ++at) {
                integrated[at] = 0.6 * integrated[at] + 0.4 * model.head_of_activations(h, c);
                REQUIRE(static_cast<double>(n.readout(h)[c]) == Approx(integrated[at] + static_cast<double>(p.heads[h].bias[c])).margin(1e-4));
                // And by linearity it is the 4-bit readout of the state itself.
                REQUIRE(static_cast<double>(n.readout(h)[c]) ==
                        Approx(model.rounded_head_of_state(h, c) + static_cast<double>(p.heads[h].bias[c])).margin(1e-3));
            }
        model.s.assign(n.state().begin(), n.state().end());
    }
    CHECK(n.cost().passes == 60);
}

TEST_CASE("the scale trick cancels to the bit where ranges come from examples") {
    std::mt19937 g(10);
    const auto w = normals(g, 30 * 20), examples = normals(g, 20 * 50), probe = normals(g, 20 * 30);
    auto small = w;
    const float eps = scale_trick(w, 20);
    CHECK(eps <= 0.05f / 3.0f);
    CHECK(std::log2(eps) == std::round(std::log2(eps)));
    for (auto& x : small)
        x *= eps;
    sim_akd1000 sim;
    const auto a = sim.map({"a", {{"t", 20, 30, w, true}}, {}}, examples).or_throw();
    const auto b = sim.map({"b", {{"t", 20, 30, small, true}}, {}}, examples).or_throw();
    const auto ya = sim.run(a, probe).or_throw(), yb = sim.run(b, probe).or_throw();
    for (std::size_t r = 0; r < ya.size(); ++r)
        for (std::size_t k = 0; k < 30; ++k)
            REQUIRE(ya[r][k] == yb[r][k] / eps);
    CHECK(scale_trick(std::vector<float>(4, 0.0f), 2) == 1.0f);
}

TEST_CASE("several sequences at once have the bits of one after the other, and pay the link once") {
    software_engine host;
    for (const auto& options : {hybrid_options{}, hybrid_options{.readouts = readout_place::device}, hybrid_options{.path = linear_path::split},
                                hybrid_options{.activation = state_activation::bounded_relu}}) {
        const auto p = drawn(5, 40, 4, options);
        sim_akd1000 sim;
        auto n = hybrid_network::make(p, host, {&sim}, options).or_throw();
        auto alone = hybrid_network::make(p, host, {&sim}, options).or_throw();
        std::vector<hybrid_state> states(8, n.rest());
        std::mt19937 g(15);
        for (int t = 0; t < 10; ++t) {
            const auto rows = normals(g, 8 * 5);
            auto before = states;
            n.step(rows, states).or_throw();
            for (std::size_t b = 0; b < 8; ++b) {
                alone.step(std::span(rows).subspan(b * 5, 5), std::span(before).subspan(b, 1)).or_throw();
                REQUIRE(before[b].s == states[b].s);
                REQUIRE(before[b].z == states[b].z);
            }
        }
        CHECK(n.cost().steps == 80);
        CHECK(alone.cost().steps == 80);
        CHECK(n.cost().passes * 8 == alone.cost().passes);
        CHECK(n.cost().model_s < 0.25 * alone.cost().model_s);
        CHECK(n.state()[0] == 0.0f); // its own sequence has not begun
        CHECK_THAT(n.step(std::vector<float>(39), states).reason().what, Catch::Contains("39 inputs for a program of 5 and 8 states"));
    }
}

TEST_CASE("what cannot be stepped leaves everything as it was") {
    const auto p = drawn(5, 40, 2);
    software_engine host;
    sim_akd1000 sim;
    auto n = hybrid_network::make(p, host, {&sim}).or_throw();
    n.step(std::vector<float>(5, 0.5f)).or_throw();
    const std::vector<float> before(n.state().begin(), n.state().end());
    CHECK_THAT(n.step(std::vector<float>(4)).reason().what, Catch::Contains("4 inputs for a program of 5"));
    CHECK_THAT(n.step(std::vector<float>{0, 0, NAN, 0, 0}).reason().what, Catch::Contains("not a number"));
    CHECK(std::equal(before.begin(), before.end(), n.state().begin()));
    CHECK(n.set_readout(0, std::vector<float>(3), std::vector<float>(1)).reason().code == errc::invalid_argument);
    CHECK(n.set_readout(0, std::vector<float>(40), std::vector<float>{NAN}).reason().code == errc::invalid_argument);
    auto blind = p;
    blind.examples.clear();
    CHECK_THAT(hybrid_network::make(blind, host, {&sim}).reason().what, Catch::Contains("fixed by examples"));
    CHECK(hybrid_network::make(blind, host, {}).ok()); // the host needs none
    CHECK_THAT(hybrid_network::make(p, host, {}, {.readouts = readout_place::device}).reason().what, Catch::Contains("no back end is one"));
    CHECK(calibration_rows(p, {}, std::vector<std::vector<float>>{{1.0f, 2.0f}}).reason().code == errc::invalid_argument);
}

TEST_CASE("heads that do not fit the device's units beside the state stay on the host") {
    hybrid_options options;
    options.activation = state_activation::bounded_relu;
    software_engine host;
    for (const std::size_t heads : {67u, 68u}) { // 179 + 12 * (67 + 1) = 995
        const auto p = drawn(3, 16, heads, options);
        sim_akd1000 sim;
        auto n = hybrid_network::make(p, host, {&sim}, options).or_throw();
        CHECK(n.mode() == execution_mode::device_native);
        CHECK(n.readouts_on_device() == (heads == 67));
        CHECK(sim.units_used() == (heads == 67 ? 995 : 179));
        n.step(std::vector<float>(3, 0.5f)).or_throw();
    }
}

TEST_CASE("routing decides: weights that 4 bits lose stay on the host, and the report says why") {
    auto p = drawn(5, 40, 2);
    software_engine host;
    sim_akd1000 sim;
    auto n = hybrid_network::make(p, host, {&sim}, {.int4_tolerance = 0.01}).or_throw();
    CHECK(n.mode() == execution_mode::software_f32);
    CHECK(n.routes().front().rule == 2);
    CHECK(sim.units_used() == 0);
    auto d = hybrid_network::make(p, host, {&sim}).or_throw();
    CHECK_FALSE(d.readouts_on_device()); // tanh lies between
    std::set<int> rules;
    for (const auto& r : d.routes()) {
        rules.insert(r.rule);
        CHECK_FALSE(r.reason.empty());
    }
    CHECK(rules == std::set<int>{1, 4, 6, 8, 12, 13});
}
