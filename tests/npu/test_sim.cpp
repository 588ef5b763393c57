// SPDX-License-Identifier: AGPL-3.0-only
// The simulator against an integer model written from its rules alone, with other loops and other types.
#include "libactors/engine/npu/sim_akd1000.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <random>

using namespace forge;

namespace {

std::mt19937 generator(20261121);

std::vector<float> any(std::size_t n, float spread = 1.0f) {
    std::normal_distribution<float> normal(0.0f, spread);
    std::vector<float> x(n);
    for (auto& v : x)
        v = normal(generator);
    return x;
}

/// Rectified layers are bounded now and then, some inside what the examples reach.
dense_layer layer(const std::string& name, std::uint32_t in, std::uint32_t out, bool rectified) {
    const float bound = rectified && generator() % 2 == 0 ? 0.5f * static_cast<float>(1 + generator() % 6) : 0.0f;
    return {name, in, out, any(in * out), rectified, bound};
}

/// What the rules say, layer by layer, in long integers and double.
struct paper_device {
    const dense_program& p;
    double sx = 0.0;
    struct scales {
        std::vector<double> sw;
        std::vector<long> t;
        double in = 0.0, out = 0.0;
    };
    std::vector<scales> trunk;

    static long nibble(double w, double sw) { return sw > 0.0 ? std::lround(std::fmin(7.0, std::fmax(-7.0, std::round(w / sw)))) : 0; }
    static std::vector<double> channel_scales(const dense_layer& l) {
        std::vector<double> sw;
        for (std::size_t c = 0; c < l.outputs; ++c) {
            float top = 0.0f;
            for (std::size_t k = 0; k < l.inputs; ++k)
                top = std::fmax(top, std::fabs(l.weights[c * l.inputs + k]));
            sw.push_back(static_cast<double>(top / 7.0f));
        }
        return sw;
    }
    static std::vector<long> sums(const dense_layer& l, const std::vector<double>& sw, const std::vector<long>& in) {
        std::vector<long> out(l.outputs, 0);
        for (std::size_t k = 0; k < l.inputs; ++k)
            for (std::size_t c = 0; c < l.outputs; ++c)
                out[c] += nibble(static_cast<double>(l.weights[c * l.inputs + k]), sw[c]) * in[k];
        return out;
    }
    std::vector<long> quantised(const float* x, std::size_t n) const {
        std::vector<long> q;
        for (std::size_t k = 0; k < n; ++k)
            q.push_back(std::lround(std::fmin(127.0f, std::fmax(-127.0f, std::round(x[k] / static_cast<float>(sx))))));
        return q;
    }
    static void bound(std::vector<long>& s, const std::vector<long>& t) {
        for (std::size_t c = 0; c < s.size(); ++c)
            s[c] = std::min(15L, (std::max(0L, s[c]) + t[c] / 2) / t[c]);
    }
    paper_device(const dense_program& program, const std::vector<float>& examples) : p(program) {
        float top = 0.0f;
        for (const float x : examples)
            top = std::fmax(top, std::fabs(x));
        sx = static_cast<double>(top / 127.0f);
        const std::size_t width = p.trunk.front().inputs;
        std::vector<std::vector<long>> seen;
        for (std::size_t r = 0; r * width < examples.size(); ++r)
            seen.push_back(quantised(examples.data() + r * width, width));
        double in = sx;
        for (const auto& l : p.trunk) {
            scales s;
            s.sw = channel_scales(l);
            s.in = in;
            if (l.rectified) {
                float largest = 0.0f;
                for (const auto& e : seen) {
                    const auto y = sums(l, s.sw, e);
                    for (std::size_t c = 0; c < y.size(); ++c)
                        largest = std::fmax(largest, static_cast<float>(y[c]) * static_cast<float>(s.sw[c]) * static_cast<float>(in));
                }
                if (l.bound > 0.0f)
                    largest = std::fmin(largest, l.bound);
                s.out = static_cast<double>(largest > 0.0f ? largest / 15.0f : 1.0f);
                for (std::size_t c = 0; c < l.outputs; ++c) {
                    const double unit = static_cast<double>(static_cast<float>(s.sw[c]) * static_cast<float>(in));
                    s.t.push_back(std::max(1L, std::lround(std::fmin(1e9, unit > 0.0 ? s.out / unit : 1.0))));
                }
                for (auto& e : seen) {
                    e = sums(l, s.sw, e);
                    bound(e, s.t);
                }
                in = s.out;
            }
            trunk.push_back(s);
        }
    }
    std::vector<double> answer(const float* x) const {
        auto at = quantised(x, p.trunk.front().inputs);
        std::vector<double> out;
        double in = sx;
        for (std::size_t k = 0; k < p.trunk.size(); ++k) {
            at = sums(p.trunk[k], trunk[k].sw, at);
            if (p.trunk[k].rectified) {
                bound(at, trunk[k].t);
                in = trunk[k].out;
            }
        }
        if (p.heads.empty())
            for (std::size_t c = 0; c < at.size(); ++c)
                out.push_back(static_cast<double>(at[c]) * (p.trunk.back().rectified ? in : trunk.back().sw[c] * in));
        for (const auto& h : p.heads) {
            const auto sw = channel_scales(h);
            const auto y = sums(h, sw, at);
            for (std::size_t c = 0; c < y.size(); ++c)
                out.push_back(static_cast<double>(y[c]) * sw[c] * in);
        }
        return out;
    }
};

dense_program random_program(std::uint32_t inputs, std::uint32_t width, std::size_t depth, std::size_t heads) {
    dense_program p;
    p.name = "p";
    std::uint32_t in = inputs;
    for (std::size_t k = 0; k < depth; ++k) {
        p.trunk.push_back(layer("t" + std::to_string(k), in, width, true));
        in = width;
    }
    for (std::size_t k = 0; k < heads; ++k)
        p.heads.push_back(layer("h" + std::to_string(k), width, 1 + static_cast<std::uint32_t>(k % 3), false));
    return p;
}

} // namespace

TEST_CASE("the simulator computes what an independent integer model computes") {
    for (int trial = 0; trial < 60; ++trial) {
        CAPTURE(trial);
        const auto inputs = 1 + static_cast<std::uint32_t>(generator() % 60);
        const auto p = random_program(inputs, 1 + static_cast<std::uint32_t>(generator() % 40), 1 + generator() % 3, generator() % 5);
        const auto examples = any(inputs * 20);
        sim_akd1000 sim;
        const auto id = sim.map(p, examples).or_throw();
        const paper_device paper(p, examples);
        const auto probe = any(inputs * 10, 2.0f); // beyond the examples, too: it saturates
        const auto answers = sim.run(id, probe).or_throw();
        REQUIRE(answers.size() == 10);
        for (std::size_t r = 0; r < 10; ++r) {
            const auto expected = paper.answer(probe.data() + r * inputs);
            REQUIRE(answers[r].size() == expected.size());
            for (std::size_t k = 0; k < expected.size(); ++k)
                CHECK(answers[r][k] == Approx(expected[k]).epsilon(1e-5).margin(1e-6)); // the integers agree; the last factor is float
        }
    }
}

TEST_CASE("a batch is its rows one by one, and programs do not disturb each other") {
    sim_akd1000 sim;
    const auto a = random_program(12, 16, 2, 3);
    const auto b = random_program(5, 8, 1, 1);
    const auto ia = sim.map(a, any(12 * 10)).or_throw();
    const auto ib = sim.map(b, any(5 * 10)).or_throw();
    const auto rows = any(12 * 8);
    const auto all = sim.run(ia, rows).or_throw();
    CHECK(sim.cost().source.starts_with("model"));
    const double batch = sim.cost().seconds;
    double singles = 0.0;
    for (std::size_t r = 0; r < 8; ++r) {
        CHECK(sim.run(ia, std::span(rows).subspan(r * 12, 12)).or_throw().front() == all[r]);
        singles += sim.cost().seconds;
        (void)sim.run(ib, any(5)).or_throw();
    }
    CHECK(batch < 0.25 * singles); // the link is paid once
}

TEST_CASE("inputs beyond the examples saturate at 127, activations at 15") {
    sim_akd1000 sim;
    dense_program p;
    p.name = "one";
    p.trunk.push_back({"t", 1, 1, {1.0f}, true});
    const auto id = sim.map(p, std::vector<float>{-1.0f, 1.0f}).or_throw();
    const auto at = [&](float x) { return sim.run(id, std::span(&x, 1)).or_throw().front().front(); };
    CHECK(at(1.0f) == Approx(1.0f));
    CHECK(at(50.0f) == at(1.0f));
    CHECK(at(-1.0f) == 0.0f); // a ReLU
    CHECK(at(0.5f) == Approx(0.5f).margin(1.0 / 15.0));
}

TEST_CASE("set_variable changes the weights of one layer within the ranges of map, and nothing else") {
    sim_akd1000 sim;
    auto p = random_program(10, 12, 1, 2);
    const auto examples = any(10 * 20);
    const auto id = sim.map(p, examples).or_throw();
    const auto probe = any(10);
    const auto before = sim.run(id, probe).or_throw().front();
    sim.set_variable(id, "h0", p.heads[0].weights).or_throw();
    CHECK(sim.cost().seconds >= 14e-3); // the safe path
    CHECK(sim.run(id, probe).or_throw().front() == before);
    auto scaled = p.heads[0].weights;
    for (auto& w : scaled)
        w *= 0.5f; // still in range
    sim.set_variable(id, "h0", scaled).or_throw();
    const auto after = sim.run(id, probe).or_throw().front();
    CHECK(after != before);
    for (std::size_t k = p.heads[0].outputs; k < after.size(); ++k)
        CHECK(after[k] == before[k]);
    auto huge = p.heads[0].weights;
    for (auto& w : huge)
        w *= 1000.0f; // out of range: every nibble clamps, and the answer stays bounded
    sim.set_variable(id, "h0", huge).or_throw();
    float bound = 0.0f;
    for (const float w : p.heads[0].weights)
        bound = std::max(bound, std::abs(w));
    for (std::size_t k = 0; k < p.heads[0].outputs; ++k)
        CHECK(std::abs(sim.run(id, probe).or_throw().front()[k]) <= 12 * bound * 1000);
    akd1000_figures fast;
    fast.fast_set_variable = true;
    sim_akd1000 quick(fast);
    const auto other = quick.map(p, examples).or_throw();
    quick.set_variable(other, "h0", scaled).or_throw();
    CHECK(quick.cost().seconds < 1e-3);
}

TEST_CASE("the budget is 179 and 12 a head, over all programs, and the refusal shows the sum") {
    sim_akd1000 sim;
    std::uint32_t largest = 0;
    for (std::uint32_t n = 1; n <= 70; ++n) {
        const auto p = random_program(4, 4, 1, n);
        CHECK(sim.units_of(p) == 179 + 12 * n);
        const auto id = sim.map(p, any(8));
        if (id) {
            largest = n;
            sim.unmap(*id);
        }
    }
    CHECK(largest == 68); // 179 + 12 * 68 = 995
    const auto eleven = random_program(4, 4, 1, 11); // 311
    for (int k = 0; k < 3; ++k)
        REQUIRE(sim.map(eleven, any(8)).ok());
    CHECK(sim.units_used() == 933);
    const auto fourth = sim.map(eleven, any(8));
    REQUIRE_FALSE(fourth.ok());
    CHECK(fourth.reason().code == errc::device_memory);
    CHECK_THAT(fourth.reason().what, Catch::Contains("311 (p) + 311 (p) + 311 (p) + 311 (p) = 1244 of 1000"));
}

TEST_CASE("heads are one pass: eleven cost hardly more than one") {
    sim_akd1000 sim;
    const auto seconds = [&](std::size_t heads) {
        const auto id = sim.map(random_program(50, 128, 1, heads), any(50 * 4)).or_throw();
        (void)sim.run(id, any(50)).or_throw();
        sim.unmap(id);
        return sim.cost().seconds;
    };
    const double one = seconds(1);
    CHECK(seconds(11) < 1.2 * one);
    CHECK(sim.cost().chip_s.value() < sim.cost().seconds);
    CHECK(sim.cost().joules.value() > 0.0);
}

TEST_CASE("what the device cannot take is one clear error") {
    sim_akd1000 sim;
    auto p = random_program(4, 4, 2, 1);
    CHECK(sim.map(p, {}).reason().code == errc::invalid_argument);
    CHECK(sim.map(p, any(5)).reason().code == errc::invalid_argument);
    CHECK(sim.map(p, std::vector<float>{0, 0, 0, std::nanf("")}).reason().code == errc::invalid_argument);
    auto bad = p;
    bad.trunk[0].rectified = false;
    CHECK_THAT(sim.map(bad, any(8)).reason().what, Catch::Contains("no other activation"));
    bad = p;
    bad.heads[0].weights.pop_back();
    CHECK(sim.map(bad, any(8)).reason().code == errc::invalid_argument);
    bad = p;
    bad.trunk[1].weights[0] = INFINITY;
    CHECK_THAT(sim.map(bad, any(8)).reason().what, Catch::Contains("not a number"));
    const auto id = sim.map(p, any(8)).or_throw();
    CHECK(sim.run(id, any(3)).reason().code == errc::invalid_argument);
    CHECK(sim.run(id, std::vector<float>{0, 0, 0, std::nanf("")}).reason().code == errc::invalid_argument);
    CHECK(sim.run(id + 1, any(4)).reason().code == errc::not_found);
    CHECK(sim.set_variable(id, "nothing", any(4)).reason().code == errc::not_found);
    CHECK(sim.set_variable(id, "h0", any(1)).reason().code == errc::invalid_argument);
    sim.unmap(id);
    CHECK(sim.run(id, any(4)).reason().code == errc::not_found);
    CHECK(sim.units_used() == 0);
}
