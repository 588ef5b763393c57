// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/dense/software_engine.hpp"
#include "libactors/engine/npu/sim_akd1000.hpp"
#include "libactors/learn/hybrid/architecture_search.hpp"
#include "libactors/learn/hybrid/attack_transfer.hpp"
#include "tests/learn/integer_model.hpp"

#include <catch2/catch.hpp>

using namespace forge;
using namespace forge::testing;

namespace {

reservoir_shape small_shape() {
    reservoir_shape s;
    s.inputs = 2;
    s.units = 40;
    s.leak = 0.7;
    return s;
}

struct verdicts {
    std::vector<std::uint8_t> a, b;
    std::vector<std::uint64_t> group;
};

/// 80 both right, 10 a alone, 2 b alone, 8 neither, each `copies` times in a group of its own.
verdicts hundred(std::size_t copies) {
    verdicts v;
    for (std::uint64_t k = 0; k < 100; ++k)
        for (std::size_t i = 0; i < copies; ++i) {
            v.a.push_back(k < 90 ? 1 : 0);
            v.b.push_back(k < 80 || k >= 98 ? 1 : 0);
            v.group.push_back(k);
        }
    return v;
}

} // namespace

TEST_CASE("paired differences have McNemar's p and an interval that knows of groups") {
    const auto one = hundred(1);
    const auto d = compare_paired(one.a, one.b, one.group);
    CHECK(d.n == 100);
    CHECK(d.only_a == 10);
    CHECK(d.only_b == 2);
    CHECK(d.difference == Approx(0.08));
    CHECK(d.p_value == Approx(2.0 * (1 + 12 + 66) / 4096.0));
    CHECK(d.half_width == Approx(1.96 * std::sqrt(12 - 0.64) / 100).epsilon(1e-4));
    CHECK(d.half_width_by_group == Approx(d.half_width * std::sqrt(100.0 / 99.0)));
    const auto ten = hundred(10); // nothing new is known, only copied
    const auto c = compare_paired(ten.a, ten.b, ten.group);
    CHECK(c.difference == Approx(0.08));
    CHECK(c.half_width == Approx(d.half_width / std::sqrt(10.0)).epsilon(1e-3));
    CHECK(c.half_width_by_group == Approx(d.half_width_by_group));
    const auto same = compare_paired(one.a, one.a, one.group);
    CHECK(same.p_value == 1.0);
    CHECK(same.difference == 0.0);
    CHECK(compare_paired({}, {}, {}).n == 0);
    std::mt19937 g(31); // under the null the p of an exact test is below 0.05 in at most 5 % of trials
    int small = 0;
    for (int trial = 0; trial < 2000; ++trial) {
        verdicts v;
        for (std::uint64_t k = 0; k < 60; ++k) {
            v.a.push_back(g() % 4 != 0 ? 1 : 0);
            v.b.push_back(g() % 4 != 0 ? 1 : 0);
            v.group.push_back(k);
        }
        small += compare_paired(v.a, v.b, v.group).p_value < 0.05 ? 1 : 0;
    }
    CHECK(small < 2000 * 0.05 + 3 * std::sqrt(2000 * 0.05 * 0.95));
    CHECK(small > 10);
}

TEST_CASE("rates carry Wilson's interval") {
    CHECK(rate{0, 100}.low() == Approx(0.0).margin(1e-12));
    CHECK(rate{0, 100}.high() == Approx(0.03699).epsilon(1e-3));
    CHECK(rate{50, 100}.low() == Approx(0.40383).epsilon(1e-4));
    CHECK(rate{50, 100}.high() == Approx(0.59617).epsilon(1e-4));
    CHECK(rate{0, 0}.high() == 1.0);
}

TEST_CASE("whole groups have one role, and what does not fit a task is one clear error") {
    auto all = synthetic_task(2, 200, 20, 3);
    std::map<sample_role, int> count;
    for (const auto& s : all)
        ++count[s.role];
    CHECK(count[sample_role::test] + count[sample_role::validation] + count[sample_role::train] == 200);
    CHECK(std::abs(count[sample_role::test] - 40) < 25);
    CHECK(std::abs(count[sample_role::validation] - 40) < 25);
    auto again = all;
    split_by_group(again, 3);
    CHECK(std::equal(all.begin(), all.end(), again.begin(), [](const auto& a, const auto& b) { return a.role == b.role; }));
    CHECK(validate(all, 2).ok());
    const auto says = [&](const auto& spoil, const std::string& what) {
        auto bad = all;
        spoil(bad);
        REQUIRE_FALSE(validate(bad, 2).ok());
        CHECK_THAT(validate(bad, 2).reason().what, Catch::Contains(what));
    };
    says([](auto& b) { b[3].inputs.pop_back(); }, "39 values for 20 rows of 2 inputs");
    says([](auto& b) { b[3].inputs[0] = INFINITY; }, "not a number");
    says([](auto& b) { b[3].labels[12] = 0.5f; }, "a label of 0.5");
    says(
        [](auto& b) {
            b[1].group = b[0].group;
            b[1].role = b[0].role == sample_role::test ? sample_role::train : sample_role::test;
        },
        "different roles");
    says(
        [](auto& b) {
            for (auto& s : b)
                for (auto& y : s.labels)
                    y = std::isnan(y) ? y : 1.0f;
        },
        "0 of class 0");
}

TEST_CASE("modes are compared on the same held-out samples, each with its own readouts") {
    const auto all = synthetic_task(2, 120, 40, 5);
    software_engine host;
    sim_akd1000 sim;
    const auto rows = compare_modes(small_shape(), all, host, sim).or_throw();
    REQUIRE(rows.size() == 7);
    CHECK(rows.front().name == "f32 tanh");
    std::size_t asked = 0;
    for (const auto& s : all)
        asked += s.role == sample_role::test ? 30 : 0;
    for (const auto& r : rows) {
        CAPTURE(r.name);
        CHECK(r.answers.right.size() == asked);
        CHECK(r.answers.label == rows.front().answers.label);
        CHECK(r.answers.group == rows.front().answers.group);
        CHECK(r.answers.balanced_accuracy() > (r.name.ends_with("tanh") || r.name.starts_with("hybrid") ? 0.75 : 0.65)); // a constant has 0.5
        CHECK(r.to_f32.difference == Approx(rows.front().answers.accuracy().value() - r.answers.accuracy().value()).margin(1e-12));
        CHECK((r.cost.model_s > 0.0) == !r.name.starts_with("f32"));
    }
    CHECK(rows[0].to_f32.only_a == 0);
    CHECK(rows[1].to_f32.only_a + rows[1].to_f32.only_b > 0); // another arithmetic, other mistakes
    CHECK(sim.units_used() == 0);
}

TEST_CASE("a search is the same every time, ranks by validation, and deploys its best") {
    const auto all = synthetic_task(2, 60, 30, 6);
    software_engine host;
    sim_akd1000 sim;
    const search_options o{.candidates = 6, .deployed = 2, .seed = 9, .units = {16, 32}};
    const auto rows = search_architecture(all, 2, host, sim, o).or_throw();
    const auto again = search_architecture(all, 2, host, sim, o).or_throw();
    REQUIRE(rows.size() == 6);
    for (std::size_t k = 0; k < rows.size(); ++k) {
        CHECK(rows[k].candidate == again[k].candidate);
        CHECK(rows[k].validation == again[k].validation);
        CHECK(rows[k].shape == search_candidate(o, 2, rows[k].candidate));
        CHECK((k == 0 || rows[k].validation <= rows[k - 1].validation));
        CHECK(rows[k].test_tuned.has_value() == (k < 2));
    }
    CHECK(rows[0].test_tuned == again[0].test_tuned);
    CHECK(*rows[0].test_f32 > 0.7);
    CHECK(*rows[0].test_tuned > 0.6);
    const auto shape = search_candidate(o, 2, 3);
    CHECK((shape.spectral_radius >= 0.5 && shape.spectral_radius <= 1.2 && shape.leak >= 0.1 && shape.leak <= 1.0 && shape.connectivity >= 0.05 &&
           shape.connectivity <= 0.5));
    auto untested = all;
    for (auto& s : untested)
        s.role = s.role == sample_role::test ? sample_role::train : s.role;
    CHECK(search_architecture(untested, 2, host, sim, o).reason().code == errc::invalid_argument);
}

TEST_CASE("the attack's gradient is that of the readout, and its flips are counted against a control") {
    const auto all = synthetic_task(2, 80, 30, 7);
    software_engine host;
    sim_akd1000 sim;
    const hybrid_options float_readouts{.readouts = readout_place::host, .int4_tolerance = 1e9};
    const auto p = train_classifier(small_shape(), all, host, {}, {}).or_throw();
    std::mt19937 g(8);
    auto n = hybrid_network::make(p, host, {}).or_throw();
    for (int trial = 0; trial < 10; ++trial) {
        const auto u = normals(g, 2), s = normals(g, 40, 0.3f);
        const auto gradient = input_gradient(p, u, s);
        for (std::size_t c = 0; c < 2; ++c) {
            const auto at = [&](float h) {
                auto v = u;
                v[c] += h;
                n.set_state(s);
                n.step(v).or_throw();
                return static_cast<double>(n.readout(0)[0]);
            };
            CHECK((at(0.01f) - at(-0.01f)) / 0.02 == Approx(static_cast<double>(gradient[c])).margin(0.02));
        }
    }
    const std::vector<double> sizes{0.0, 0.1, 0.4};
    const auto tuned = retrain_classifier(p, all, host, {&sim}, float_readouts).or_throw();
    const auto rows = attack_transfer(p, tuned, all, sample_role::test, host, sim, float_readouts, sizes).or_throw();
    REQUIRE(rows.size() == 3);
    std::uint64_t asked = 0;
    for (const auto& s : all)
        asked += s.role == sample_role::test ? 20 : 0;
    for (const auto& r : rows) {
        CHECK(r.f32_flips.n == asked);
        CHECK(r.int4_flips.n == asked);
        CHECK(r.transferred.n == r.f32_flips.k);
    }
    CHECK(rows[0].f32_flips.k == 0);
    CHECK(rows[0].int4_flips.k == 0);
    CHECK(rows[1].f32_flips.k > rows[0].f32_flips.k);
    CHECK(rows[2].f32_flips.k > rows[1].f32_flips.k);
    CHECK(rows[2].f32_flips.k > 2 * rows[2].f32_random.k); // better than noise of the same size
    auto two = p;
    two.heads.push_back(two.heads.front());
    two.heads.back().spec.name = "other";
    CHECK(attack_transfer(two, tuned, all, sample_role::test, host, sim, float_readouts, sizes).reason().code == errc::invalid_argument);
}
