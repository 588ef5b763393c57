// SPDX-License-Identifier: AGPL-3.0-only
// A reservoir of 2,048 units as four times 512, on whatever back ends: one step, one state.
#include "libactors/engine/dense/software_engine.hpp"
#include "libactors/engine/npu/sim_akd1000.hpp"
#include "libactors/learn/hybrid/hybrid_network.hpp"
#include "tests/learn/integer_model.hpp"

#include <catch2/catch.hpp>

using namespace forge;
using namespace forge::testing;

namespace {

/// Sparse recurrent weights of spectral radius about 0.9 (circular law), without the eigenvalues of a 2,048 x 2,048 matrix.
npu_program large(std::uint32_t inputs, std::uint32_t units) {
    std::mt19937 g(11);
    npu_program p;
    p.name = "large";
    p.inputs = inputs;
    p.units = units;
    p.leak = 0.5;
    std::uniform_real_distribution<float> in(-0.5f, 0.5f);
    std::normal_distribution<float> normal(0.0f, 0.9f / std::sqrt(0.05f * static_cast<float>(units)));
    for (std::uint32_t r = 0; r < units; ++r) {
        for (std::uint32_t c = 0; c < inputs; ++c)
            p.reservoir.push_back(in(g));
        for (std::uint32_t c = 0; c < units; ++c)
            p.reservoir.push_back(g() % 20 == 0 ? normal(g) : 0.0f);
    }
    p.heads.push_back({{"y", 2, head_activation::linear}, normals(g, std::size_t{2} * units, 0.05f), {0.1f, -0.1f}});
    const std::vector<std::vector<float>> sequences{normals(g, std::size_t{8} * inputs), normals(g, std::size_t{8} * inputs)};
    p.examples = calibration_rows(p, {}, sequences).or_throw();
    return p;
}

} // namespace

TEST_CASE("four chunks in software have the bits of the whole") {
    const auto p = large(50, 2048);
    software_engine a, b, c, d;
    auto whole = hybrid_network::make(p, a, {}).or_throw();
    auto parts = hybrid_network::make(p, a, {&a, &b, &c, &d}).or_throw();
    CHECK(parts.routes().front().rule == 14);
    CHECK(parts.mode() == execution_mode::software_f32);
    std::mt19937 g(12);
    for (int t = 0; t < 4; ++t) {
        const auto u = normals(g, 50);
        whole.step(u).or_throw();
        parts.step(u).or_throw();
        REQUIRE(std::equal(whole.state().begin(), whole.state().end(), parts.state().begin()));
        REQUIRE(std::equal(whole.readout(0).begin(), whole.readout(0).end(), parts.readout(0).begin()));
    }
    CHECK(parts.cost().passes == 4 * 4);
}

TEST_CASE("half on an int4 device: the state stays coherent and within what quantisation allows") {
    const auto p = large(50, 2048);
    const std::size_t width = 50 + 2048;
    software_engine host;
    sim_akd1000 sim;
    auto whole = hybrid_network::make(p, host, {}).or_throw();
    for (const auto path : {linear_path::threshold_override, linear_path::split}) {
        auto mixed = hybrid_network::make(p, host, {&sim, &host, &sim, &host}, {.path = path}).or_throw();
        CHECK(mixed.mode() == execution_mode::hybrid);
        CHECK(sim.units_used() == 2 * 179 + (mixed.readouts_on_device() ? 179 : 0));
        const float sx = integer_executor::top_of(p.examples) / 127.0f;
        std::mt19937 g(13);
        double largest = 0.0;
        for (int t = 0; t < 3; ++t) {
            auto u = normals(g, 50);
            for (auto& x : u)
                x = std::clamp(x, -1.5f, 1.5f); // inside the examples
            whole.set_state(mixed.state());
            std::vector<float> both = u;
            both.insert(both.end(), mixed.state().begin(), mixed.state().end());
            whole.step(u).or_throw();
            mixed.step(u).or_throw();
            for (std::size_t k = 0; k < 2048; ++k) {
                const double difference = std::abs(static_cast<double>(whole.state()[k]) - static_cast<double>(mixed.state()[k]));
                if (k / 512 % 2 == 1) { // the software's rows: the same bits
                    REQUIRE(difference == 0.0);
                    continue;
                }
                if (path == linear_path::split)
                    continue; // its 31 levels are bounded below
                // |q sw x' - w x| <= |x| sw/2 + |w| sx/2 + sw sx/4, summed; tanh does not widen it.
                float top = 0.0f;
                for (std::size_t c = 0; c < width; ++c)
                    top = std::fmax(top, std::fabs(p.reservoir[k * width + c]));
                const double sw = static_cast<double>(top) / 7.0, sxd = static_cast<double>(sx);
                double bound = 1e-4;
                for (std::size_t c = 0; c < width; ++c) {
                    const double w = std::abs(static_cast<double>(p.reservoir[k * width + c])), x = std::abs(static_cast<double>(both[c]));
                    if (w > 0.0) // a weight of 0 is exact
                        bound += x * std::min(sw / 2, w) + w * sxd / 2 + sw * sxd / 4;
                }
                REQUIRE(difference <= 0.5 * bound);
                largest = std::max(largest, difference);
            }
        }
        if (path == linear_path::threshold_override) {
            CHECK(largest > 0.0);  // it does quantise
            CHECK(largest < 0.35); // and the errors are far from their sum in the worst case
        }
        // Over a run: the chunk's states follow the software's.
        whole.reset();
        mixed.reset();
        double wrong = 0.0, size = 0.0;
        for (int t = 0; t < 6; ++t) {
            const auto u = normals(g, 50, 0.7f);
            whole.step(u).or_throw();
            mixed.step(u).or_throw();
            for (std::size_t k = 0; k < 2048; ++k) {
                wrong += std::pow(static_cast<double>(whole.state()[k] - mixed.state()[k]), 2);
                size += std::pow(static_cast<double>(whole.state()[k]), 2);
            }
        }
        CHECK(std::sqrt(wrong / size) < 0.25);
    }
}

TEST_CASE("chunks with heads in the same pass add up to the whole") {
    hybrid_options options{.activation = state_activation::bounded_relu, .readouts = readout_place::device};
    const auto p = large(10, 96);
    software_engine host;
    sim_akd1000 one, other;
    auto n = hybrid_network::make(p, host, {&one, &other}, options).or_throw();
    CHECK(n.mode() == execution_mode::device_native);
    std::mt19937 g(14);
    for (int t = 0; t < 20; ++t)
        n.step(normals(g, 10)).or_throw();
    // By linearity: each half's 4-bit weights (ranges of their own) on its half of the state.
    for (std::size_t c = 0; c < 2; ++c) {
        double z = static_cast<double>(p.heads[0].bias[c]);
        for (std::size_t half = 0; half < 2; ++half) {
            const auto from = p.heads[0].weights.begin() + static_cast<long>(c * 96 + half * 48);
            const integer_layer l({from, from + 48}, 48);
            for (std::size_t k = 0; k < 48; ++k)
                z += static_cast<double>(l.q[0][k]) * l.sw[0] * static_cast<double>(n.state()[half * 48 + k]);
        }
        CHECK(static_cast<double>(n.readout(0)[c]) == Approx(z).margin(1e-4));
    }
}
