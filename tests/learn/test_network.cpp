// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/echo_state_network.hpp"
#include "libactors/learn/trust_gate.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <cmath>
#include <random>

using namespace forge;

namespace {

network_shape shape_of(std::vector<head_spec> heads) {
    network_shape s;
    s.reservoir.units = 60;
    s.reservoir.leak = 0.8;
    s.heads = std::move(heads);
    return s;
}

/// A sequence whose answers need memory: y_t = u_{t-2}, sign of u_{t-1}.
struct memory_task {
    std::mt19937 random;
    std::array<float, 4> last{};
    explicit memory_task(unsigned seed) : random(seed) {}
    float next() {
        std::uniform_real_distribution<float> any(-1.0f, 1.0f);
        for (std::size_t k = 3; k > 0; --k)
            last[k] = last[k - 1];
        return last[0] = any(random);
    }
};

echo_state_network trained_on_memory(const network_shape& shape, unsigned chains = 12, int steps = 200) {
    const auto n = echo_state_network::make(shape).or_throw();
    network_trainer t(n);
    for (unsigned g = 0; g < chains; ++g) {
        memory_task task(g);
        t.begin(g);
        for (int k = 0; k < steps; ++k) {
            const float u = task.next();
            t.step(std::span(&u, 1)).or_throw();
            if (k < 20)
                continue;
            for (const auto& h : shape.heads) {
                if (h.name == "delay")
                    t.teach("delay", std::array{static_cast<double>(task.last[2])}).or_throw();
                if (h.name == "sign")
                    t.teach("sign", std::array{task.last[1] > 0.0f ? 1.0 : 0.0}).or_throw();
                if (h.name == "thirds")
                    t.teach("thirds", std::array{task.last[1] < -0.33f ? 1.0 : 0.0, std::abs(task.last[1]) <= 0.33f ? 1.0 : 0.0, task.last[1] > 0.33f ? 1.0 : 0.0}).or_throw();
            }
        }
    }
    return t.solve(usual_penalties()).or_throw();
}

} // namespace

TEST_CASE("one pass answers every head: memory, a class, one of three") {
    const auto n = trained_on_memory(shape_of({{"delay", 1, head_activation::linear}, {"sign", 1, head_activation::sigmoid}, {"thirds", 3, head_activation::softmax}}));
    memory_task task(999); // a chain that nobody trained on
    auto state = n.rest();
    double missed = 0.0;
    double varied = 0.0;
    int right = 0;
    int third = 0;
    int asked = 0;
    for (int k = 0; k < 500; ++k) {
        const float u = task.next();
        n.advance(std::span(&u, 1), state).or_throw();
        if (k < 20)
            continue;
        ++asked;
        const double y = n.read("delay", state).or_throw().front().value;
        missed += (y - task.last[2]) * (y - task.last[2]);
        varied += task.last[2] * task.last[2];
        right += (n.read("sign", state).or_throw().front().value > 0.5) == (task.last[1] > 0.0f) ? 1 : 0;
        const auto t = n.read("thirds", state).or_throw();
        CHECK(t[0].value + t[1].value + t[2].value == Approx(1.0));
        const std::size_t truth = task.last[1] < -0.33f ? 0 : task.last[1] <= 0.33f ? 1 : 2;
        third += t[truth].value >= t[0].value && t[truth].value >= t[1].value && t[truth].value >= t[2].value ? 1 : 0;
    }
    CHECK(1.0 - missed / varied > 0.95);
    CHECK(right > 0.95 * asked);
    CHECK(third > 0.6 * asked); // chance: 1/3; the class between two others is what a linear readout sees worst
}

TEST_CASE("the stated uncertainty covers what is missed, and grows where nothing was seen") {
    const auto n = trained_on_memory(shape_of({{"delay", 1, head_activation::linear}}), 6, 80);
    auto state = n.rest();
    memory_task task(77);
    int inside = 0;
    double usual = 0.0;
    for (int k = 0; k < 420; ++k) {
        const float u = task.next();
        n.advance(std::span(&u, 1), state).or_throw();
        if (k < 20)
            continue;
        const auto v = n.read("delay", state).or_throw().front();
        usual += v.variance / 400.0;
        inside += std::abs(v.value - task.last[2]) < 3.0 * std::sqrt(v.variance) ? 1 : 0;
    }
    CHECK(inside > 0.97 * 400);
    const float far = 25.0f;
    for (int k = 0; k < 5; ++k)
        n.advance(std::span(&far, 1), state).or_throw();
    CHECK(n.read("delay", state).or_throw().front().variance > 3.0 * usual);
}

TEST_CASE("learning on goes on where training stopped") {
    auto n = trained_on_memory(shape_of({{"delay", 1, head_activation::linear}}), 4, 60);
    const auto error_of = [&](const echo_state_network& net) {
        memory_task task(5);
        auto s = net.rest();
        double missed = 0.0;
        for (int k = 0; k < 300; ++k) {
            const float u = task.next();
            net.advance(std::span(&u, 1), s).or_throw();
            if (k >= 20)
                missed += std::pow(net.read("delay", s).or_throw().front().value - task.last[2], 2.0) / 280.0;
        }
        return missed;
    };
    const double before = error_of(n);
    memory_task task(6);
    auto s = n.rest();
    for (int k = 0; k < 3000; ++k) {
        const float u = task.next();
        n.advance(std::span(&u, 1), s).or_throw();
        if (k >= 20)
            n.learn("delay", s, std::array{static_cast<double>(task.last[2])}).or_throw();
    }
    CHECK(error_of(n) < before);
}

TEST_CASE("what a network cannot do it says") {
    CHECK_FALSE(echo_state_network::make(shape_of({})));
    CHECK_FALSE(echo_state_network::make(shape_of({{"a"}, {"a"}})));
    CHECK_FALSE(echo_state_network::make(shape_of({{"a", 1, head_activation::softmax}})));
    CHECK_FALSE(echo_state_network::make(shape_of({{"a", 0}})));
    auto n = echo_state_network::make(shape_of({{"a"}, {"b"}})).or_throw();
    auto s = n.rest();
    const std::array<float, 2> two{1.0f, 2.0f};
    const float nan = std::nanf("");
    CHECK_FALSE(n.advance(two, s));
    CHECK_FALSE(n.advance(std::span(&nan, 1), s));
    for (const float x : s.of[0])
        CHECK(x == 0.0f); // a refused input leaves no trace
    const auto untrained = n.read("a", s);
    REQUIRE_FALSE(untrained);
    CHECK_THAT(untrained.reason().what, Catch::Contains("never trained"));
    const auto unknown = n.read("c", s);
    REQUIRE_FALSE(unknown);
    CHECK_THAT(unknown.reason().hint, Catch::Contains("a, b"));
    CHECK_FALSE(n.learn("a", s, std::array{1.0}));
    network_trainer t(n);
    CHECK_FALSE(t.teach("a", std::array{1.0, 2.0}));
    CHECK_FALSE(t.teach("a", std::array{std::nan("")}));
}

TEST_CASE("trust is earned, and lost") {
    trust_gate r(head_kind::regression);
    for (int k = 0; k < 19; ++k)
        r.observe(k, k + 0.1);
    CHECK_FALSE(r.score()); // not enough
    r.observe(19, 19);
    CHECK(r.trusted());
    for (int k = 0; k < 20; ++k)
        r.observe(10.0, k); // the mean, always: R^2 is about 0
    CHECK_FALSE(r.trusted());
    r.observe(std::nan(""), 1.0);
    CHECK_FALSE(r.score());
    trust_gate c(head_kind::classification);
    for (int k = 0; k < 20; ++k)
        c.observe(1.0, k == 0 ? 0.0 : 1.0); // the commoner class, always: 95 % right, and worth nothing
    CHECK(c.score().value() == 0.5);
    CHECK_FALSE(c.trusted());
    for (int k = 0; k < 20; ++k)
        c.observe(k % 2, k % 2);
    CHECK(c.trusted());
    for (int k = 0; k < 20; ++k)
        c.observe(1.0, 1.0);
    CHECK_FALSE(c.score()); // one class only: nobody knows
}
