// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/dense/software_engine.hpp"
#include "libactors/engine/npu/sim_akd1000.hpp"
#include "libactors/learn/hybrid/online_training.hpp"
#include "libactors/learn/program_builder.hpp"
#include "tests/learn/integer_model.hpp"

#include <catch2/catch.hpp>

using namespace forge;
using namespace forge::testing;

namespace {

constexpr std::uint32_t units = 48;

npu_program pupil(head_activation a, std::uint32_t dim) {
    std::mt19937 g(21);
    reservoir_shape shape;
    shape.inputs = 4;
    shape.units = units;
    shape.leak = 0.7;
    auto p = program_builder().shape(shape).add_head("y", dim, a).build().or_throw(); // readouts are 0
    std::vector<std::vector<float>> sequences;
    for (int k = 0; k < 4; ++k)
        sequences.push_back(normals(g, 40 * 4));
    p.examples = calibration_rows(p, {}, sequences).or_throw();
    return p;
}

struct learning_curve {
    double first = 0.0, last = 0.0; ///< mean loss above the teacher's own, of the first and the last 200 steps
    std::uint64_t clamped = 0;
};

/// A teacher of the same reservoir, in float, says what the pupil should answer.
learning_curve taught(hybrid_network& pupil_network, hybrid_network& teacher, int steps, float rate) {
    std::mt19937 g(22);
    learning_curve curve;
    for (int t = 0; t < steps; ++t) {
        const auto u = normals(g, 4);
        teacher.step(u).or_throw();
        const auto out = train_step(pupil_network, 0, u, teacher.value(0), rate).or_throw();
        double least = 0.0; // a cross-entropy is never below the entropy of its target
        if (teacher.program().heads[0].spec.activation == head_activation::sigmoid)
            for (const float y : teacher.value(0)) {
                const double q = static_cast<double>(y);
                least -= q * std::log(q) + (1.0 - q) * std::log(1.0 - q);
            }
        curve.first += t < 200 ? (out.loss - least) / 200 : 0.0;
        curve.last += t >= steps - 200 ? (out.loss - least) / 200 : 0.0;
        curve.clamped += out.clamped;
    }
    return curve;
}

hybrid_network teacher_of(const npu_program& p, dense_engine& host, float spread) {
    std::mt19937 g(23);
    auto t = hybrid_network::make(p, host, {}).or_throw();
    const auto dim = p.heads.front().spec.dim;
    t.set_readout(0, normals(g, std::size_t{dim} * units, spread), normals(g, dim, spread)).or_throw();
    return t;
}

} // namespace

TEST_CASE("one training step is gradient descent on the loss") {
    software_engine host;
    for (const auto a : {head_activation::linear, head_activation::sigmoid, head_activation::softmax, head_activation::relu}) {
        CAPTURE(name_of(a));
        auto p = pupil(a, 2);
        std::mt19937 g(24);
        p.heads[0].weights = normals(g, 2 * units, 0.3f);
        p.heads[0].bias = {3.0f, 3.0f}; // so that a ReLU is open
        const std::vector<float> target = a == head_activation::softmax ? std::vector<float>{1.0f, 0.0f} : std::vector<float>{0.3f, 0.7f};
        const auto u = normals(g, 4);
        const auto loss_with = [&](const std::vector<float>& w) {
            auto q = p;
            q.heads[0].weights = w;
            auto n = hybrid_network::make(q, host, {}).or_throw();
            return train_step(n, 0, u, target, 0.0f).or_throw().loss;
        };
        auto n = hybrid_network::make(p, host, {}).or_throw();
        (void)train_step(n, 0, u, target, 1.0f).or_throw();
        for (const std::size_t k : {0u, 7u, units, units + 30u}) { // rate 1: the change is minus the gradient
            auto up = p.heads[0].weights, down = up;
            const float h = 1e-2f;
            up[k] += h;
            down[k] -= h;
            const double slope = (loss_with(up) - loss_with(down)) / (2.0 * static_cast<double>(h));
            CHECK(static_cast<double>(p.heads[0].weights[k] - n.program().heads[0].weights[k]) == Approx(slope).margin(1e-3));
        }
    }
}

TEST_CASE("the loss falls when the forward pass is the device's, in every mode") {
    software_engine host;
    for (const auto a : {head_activation::linear, head_activation::sigmoid}) {
        const auto p = pupil(a, 2);
        auto teacher = teacher_of(p, host, 0.3f);
        sim_akd1000 sim;
        auto n = hybrid_network::make(p, host, {&sim}, {.readouts = readout_place::device, .readout_range = 1.0f}).or_throw();
        REQUIRE(n.readouts_on_device());
        const auto device = taught(n, teacher, 4000, 0.05f);
        auto in_float = hybrid_network::make(p, host, {}).or_throw();
        teacher.reset();
        const auto software = taught(in_float, teacher, 4000, 0.05f);
        CAPTURE(name_of(a), device.first, device.last, software.last);
        CHECK(device.clamped == 0);
        CHECK(software.last < 0.1 * software.first);
        CHECK(device.last < 0.3 * device.first); // its 15 weight values are what remains
        CHECK(device.last > software.last);
    }
}

TEST_CASE("weights beyond the range of map are cut, counted, and the loss shows it") {
    software_engine host;
    const auto p = pupil(head_activation::linear, 1);
    auto teacher = teacher_of(p, host, 0.5f);
    sim_akd1000 sim, other, third;
    auto narrow = hybrid_network::make(p, host, {&sim}, {.readouts = readout_place::device, .readout_range = 0.1f}).or_throw();
    const auto cut = taught(narrow, teacher, 2000, 0.02f);
    CHECK(cut.clamped > 1000);
    auto wide = hybrid_network::make(p, host, {&other}, {.readouts = readout_place::device, .readout_range = 2.0f}).or_throw();
    teacher.reset();
    const auto free = taught(wide, teacher, 2000, 0.02f);
    CHECK(free.clamped == 0);
    CHECK(free.last < 0.5 * cut.last);
    // Mapped with its own weights of 0 a readout has no range at all: every weight is lost, and said to be.
    auto none = hybrid_network::make(p, host, {&third}, {.readouts = readout_place::device}).or_throw();
    teacher.reset();
    CHECK(taught(none, teacher, 300, 0.02f).clamped > 300);
    CHECK(train_step(none, 0, std::vector<float>(4), std::vector<float>{NAN}, 0.1f).reason().code == errc::invalid_argument);
    CHECK(train_step(none, 0, std::vector<float>(4), std::vector<float>(2), 0.1f).reason().code == errc::invalid_argument);
}
