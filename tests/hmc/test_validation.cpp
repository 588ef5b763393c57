// SPDX-License-Identifier: AGPL-3.0-only
// A configuration evaluated again: what must agree to the bit, what within rounding, and what a fault looks like.
#include "libactors/hmc/validation.hpp"
#include "tests/hmc/hmc_tools.hpp"

using namespace forge;
using namespace forge::testing;

namespace {

constexpr double validated_beta = 5.7;
const extents validated{{4, 4, 4, 4}};
const noise_id twin_noise{77, 12, 3};

segment_params params_in(const arithmetic& a) {
    segment_params p;
    p.beta = validated_beta;
    p.n_steps = 8;
    p.precision = a;
    return p;
}

gauge_field equilibrated() {
    static const gauge_field links = [] {
        auto& engine = engine_of(all_variants().front());
        return thermalised(engine, validated, validated_beta, 20);
    }();
    return links;
}

} // namespace

TEST_CASE("every engine evaluates a configuration to the same links, numbers within rounding of each other, and itself to the bit") {
    auto& first = engine_of(all_variants().front());
    const auto reference = evaluate(*first.allocate(validated), equilibrated(), params_in({}), twin_noise, true);
    for (const auto& v : all_variants()) {
        CAPTURE(v.name);
        auto& engine = engine_of(v);
        const auto w = engine.allocate(validated);
        const auto e = evaluate(*w, equilibrated(), params_in({}), twin_noise, true);
        const auto again = evaluate(*w, equilibrated(), params_in({}), twin_noise, true);
        CHECK(difference_of(e, again, validated).same_bits);
        const auto d = difference_of(reference, e, validated);
        const bool same_class = bits_class_of(engine) == bits_class_of(first);
        const auto verdict = judge(d, reference, validated, validated_beta, same_class);
        CHECK(verdict.passed);
        CHECK(verdict.problems.empty());
        CHECK(d.same_decision);
    }
}

TEST_CASE("the force of an evaluation is the derivative of the action, and the twin is the chain's own next trajectory") {
    auto& engine = engine_of(all_variants().front());
    const auto w = engine.allocate(validated);
    const auto e = evaluate(*w, equilibrated(), params_in({}), twin_noise, true);
    // dS/dt along its own force: d/dh S(exp(h F) U) at h = 0 is the sum of squares that T measures, by central differences.
    const double h = 1e-4;
    const auto action_at = [&](double step) {
        w->upload(equilibrated());
        w->upload_momenta(momentum_field(validated));
        w->kick(validated_beta, 1.0);
        w->drift(step);
        return action_of(*w, validated_beta);
    };
    const double slope = (action_at(h) - action_at(-h)) / (2.0 * h);
    w->upload(equilibrated());
    w->upload_momenta(momentum_field(validated));
    w->kick(validated_beta, 1.0);
    // dH/dt = 0 with T = -sum tr P^2: dS/dt = 2 sum tr P F, which along P = F (from rest, unit kick) is -2 T.
    CHECK(slope == Approx(-2.0 * w->kinetic_energy()).epsilon(1e-5));
    CHECK(e.force_rms == Approx(std::sqrt(w->kinetic_energy() / (4.0 * 256.0))).epsilon(1e-12));
    w->upload(equilibrated());
    auto current = measure(*w);
    CHECK(current.state == e.state);
    const auto next = run_trajectory(*w, params_in({}), twin_noise, true, current);
    CHECK(next == e.twin);
    CHECK(current.state == e.state_after);
}

TEST_CASE("double-float is within its bounds and says that it is no fp64") {
    for (const auto& v : all_variants()) {
        auto& engine = engine_of(v);
        if (!engine.df64_bits())
            continue;
        CAPTURE(v.name);
        const auto w = engine.allocate(validated);
        const auto native = evaluate(*w, equilibrated(), params_in({}), twin_noise, true);
        const auto hybrid = evaluate(*w, equilibrated(), params_in({precision_strategy::hybrid, 0.0}), twin_noise, true);
        const auto d = difference_of(native, hybrid, validated);
        CHECK(d.same_state);
        CHECK_FALSE(d.same_bits);
        const auto verdict = judge(d, native, validated, validated_beta, false);
        for (const auto& p : verdict.problems)
            UNSCOPED_INFO(p);
        CHECK(verdict.passed);
        if (&v == &all_variants()[1])
            WARN(v.name << ": native against df64: plaquette " << d.plaquette << ", force " << d.force << ", dH " << d.delta_h);
    }
}

TEST_CASE("a device that computes wrongly is found, in words") {
    auto& engine = engine_of(all_variants().front());
    const auto w = engine.allocate(validated);
    const auto good = evaluate(*w, equilibrated(), params_in({}), twin_noise, true);
    SECTION("one link in which a bit has flipped") {
        auto links = equilibrated();
        auto u = links.link(3, 1);
        u(0, 0) += complex{0x1p-40, 0.0};
        links.set_link(3, 1, u);
        const auto d = difference_of(good, evaluate(*w, links, params_in({}), twin_noise, true), validated);
        CHECK_FALSE(d.same_state);
        CHECK_FALSE(judge(d, good, validated, validated_beta, false).passed);
    }
    SECTION("another beta in the kick: the links agree and the dynamics does not") {
        auto p = params_in({});
        p.beta = validated_beta * (1.0 + 1e-6);
        const auto d = difference_of(good, evaluate(*w, equilibrated(), p, twin_noise, true), validated);
        CHECK(d.same_state);
        const auto verdict = judge(d, good, validated, validated_beta, false);
        CHECK_FALSE(verdict.passed);
        REQUIRE(verdict.problems.size() == 2);
        CHECK(verdict.problems[0].find("the force (relative) differs by") != std::string::npos);
        CHECK(verdict.problems[1].find("dH of the twin") != std::string::npos);
    }
    SECTION("the last bit of dH, in one bits class and in two") {
        auto bad = good;
        bad.twin.delta_h = std::nextafter(bad.twin.delta_h, 1.0);
        const auto d = difference_of(good, bad, validated);
        CHECK_FALSE(judge(d, good, validated, validated_beta, true).passed);
        CHECK(judge(d, good, validated, validated_beta, false).passed);
    }
    SECTION("what is no number is beyond every bound") {
        auto bad = good;
        bad.twin.delta_h = std::nan("");
        CHECK_FALSE(judge(difference_of(good, bad, validated), good, validated, validated_beta, false).passed);
    }
}
