// SPDX-License-Identifier: AGPL-3.0-only
// One trajectory: determinism, acceptance, rejection, failure; and a short run in equilibrium.
#include "libactors/numerics/statistics.hpp"
#include "tests/hmc/hmc_tools.hpp"

#include <limits>

using namespace forge;
using namespace forge::testing;

namespace {

segment_params short_segment(double beta = 5.7) {
    segment_params p;
    p.beta = beta;
    p.n_steps = 8;
    return p;
}

struct started {
    std::unique_ptr<gauge_workspace> fields;
    configuration_numbers current;
};

started start(lattice_engine& engine, const gauge_field& links) {
    started s{engine.allocate(links.shape()), {}};
    s.fields->upload(links);
    s.current = measure(*s.fields);
    return s;
}

const extents small{{4, 4, 2, 4}};

} // namespace

TEST_CASE("the same name gives the same trajectory to the bit, another segment or trajectory another one") {
    for (const auto& v : two_engines()) {
        const auto links = random_field(small, 401);
        const auto run = [&](const noise_id& id) {
            auto s = start(engine_of(v), links);
            const auto o = run_trajectory(*s.fields, short_segment(), id, false, s.current);
            return std::pair{o, s.current};
        };
        const auto first = run({7, 3, 2});
        INFO(v.name << ", seed 401");
        CHECK(run({7, 3, 2}) == first);
        for (const noise_id& other : {noise_id{7, 3, 3}, noise_id{7, 4, 2}, noise_id{8, 3, 2}}) {
            CHECK(!(run(other).second.state == first.second.state));
            CHECK(run(other).first.delta_h != first.first.delta_h);
        }
    }
}

TEST_CASE("what a trajectory reports is what its links say") {
    for (const auto& v : two_engines()) {
        auto s = start(engine_of(v), thermalised(engine_of(v), small, 5.7, 10));
        for (std::uint64_t i = 1; i <= 5; ++i) {
            const auto o = run_trajectory(*s.fields, short_segment(), {11, i, 1}, true, s.current);
            const auto links = s.fields->download();
            const auto p = host_plaquette(links);
            INFO(v.name << ", trajectory " << i);
            CHECK(s.current.state == fingerprint_of(links));
            CHECK(s.current == measure(*s.fields));
            CHECK(o.plaquette_spatial == Approx(p.spatial).epsilon(1e-13));
            CHECK(o.plaquette_temporal == Approx(p.temporal).epsilon(1e-13));
            CHECK(o.action_density == Approx(6.0 * 5.7 * (1.0 - p.all())).epsilon(1e-12));
            CHECK(complex(o.polyakov_re, o.polyakov_im) == s.current.polyakov);
            CHECK(o.exp_minus_delta_h == Approx(std::exp(-o.delta_h)).epsilon(1e-14));
            CHECK(deviation_from_group(links).unitarity < 1e-14); // projected after the test
        }
    }
}

TEST_CASE("delta_h is the change of the Hamiltonian") {
    for (const auto& v : two_engines()) {
        const auto links = thermalised(engine_of(v), small, 5.7, 10);
        auto s = start(engine_of(v), links);
        const auto o = run_trajectory(*s.fields, short_segment(), {12, 1, 1}, true, s.current);
        const auto w = engine_of(v).allocate(small);
        INFO(v.name);
        CHECK(o.delta_h == Approx(energy_error(*w, links, {12, 1, 1}, integrator_kind::omelyan2, 5.7, 1.0, 8)).margin(1e-9));
    }
}

TEST_CASE("a rejected trajectory leaves links and numbers to the bit; without a test it is accepted") {
    for (const auto& v : two_engines()) {
        const auto links = thermalised(engine_of(v), small, 5.7, 10);
        auto coarse = short_segment();
        coarse.n_steps = 1;
        coarse.trajectory_length = 1.5; // far outside the stable range: exp(-dH) is nothing
        auto s = start(engine_of(v), links);
        const auto before = s.current;
        const auto o = run_trajectory(*s.fields, coarse, {13, 1, 1}, true, s.current);
        INFO(v.name << ", dH " << o.delta_h);
        REQUIRE(o.delta_h > 60.0); // beyond -log of the smallest uniform number: no draw accepts it
        CHECK(!o.accepted);
        CHECK(s.fields->download() == links);
        CHECK(s.current == before);
        CHECK(o.plaquette() == Approx(averages_of(before.sums, small).all()).epsilon(1e-15));

        const auto forced = run_trajectory(*s.fields, coarse, {13, 1, 1}, false, s.current);
        CHECK(forced.accepted);
        CHECK(forced.delta_h == o.delta_h); // the same proposal
        CHECK(!(s.current == before));
        CHECK(s.fields->fingerprint() == s.current.state);
    }
}

TEST_CASE("accepted links are projected back to the group") {
    for (const auto& v : two_engines()) {
        auto links = random_field(small, 403);
        for (double& x : links.reals())
            x *= 1.0 + 1e-9; // what rounding does over a very long run
        auto s = start(engine_of(v), links);
        INFO(v.name << ", seed 403");
        CHECK(deviation_from_group(links).unitarity > 1e-9);
        CHECK(run_trajectory(*s.fields, short_segment(), {16, 1, 1}, false, s.current).accepted);
        CHECK(deviation_from_group(s.fields->download()).unitarity < 1e-14);
    }
}

TEST_CASE("the test accepts exactly when u < exp(-dH)") {
    const auto v = two_engines().back();
    auto coarse = short_segment();
    coarse.n_steps = 4;
    auto s = start(engine_of(v), thermalised(engine_of(v), small, 5.7, 10));
    int accepted = 0;
    for (std::uint64_t i = 1; i <= 60; ++i) {
        const noise_id id{14, i, 1};
        const auto o = run_trajectory(*s.fields, coarse, id, true, s.current);
        const double u = open_uniform(noise_block(id, 0, noise_purpose::accept, 0));
        INFO(v.name << ", trajectory " << i << ", dH " << o.delta_h << ", u " << u);
        CHECK(o.accepted == (u <= std::exp(-o.delta_h)));
        accepted += o.accepted ? 1 : 0;
    }
    CHECK(accepted > 0);
    CHECK(accepted < 60); // both branches were taken
}

TEST_CASE("a Hamiltonian that is not finite is a failure that restores links and numbers") {
    for (const auto& v : two_engines()) {
        const auto links = random_field(small, 402);
        auto s = start(engine_of(v), links);
        const auto before = s.current;
        auto p = short_segment(std::numeric_limits<double>::infinity());
        INFO(v.name);
        try {
            (void)run_trajectory(*s.fields, p, {15, 9, 1}, true, s.current);
            FAIL("no failure was reported");
        } catch (const failure& f) {
            CHECK(f.reason().code == errc::numerics_failed);
            CHECK(f.reason().where.find('9') != std::string::npos);
            CHECK(!f.reason().hint.empty());
        }
        CHECK(s.fields->download() == links);
        CHECK(s.current == before);
    }
}

TEST_CASE("a trajectory without steps or length breaks the contract") {
    const auto v = two_engines().front();
    auto s = start(engine_of(v), cold_start(small));
    auto p = short_segment();
    p.n_steps = 0;
    CHECK_THROWS_AS(run_trajectory(*s.fields, p, {1, 1, 1}, true, s.current), contract_broken);
    p = short_segment();
    p.trajectory_length = 0.0;
    CHECK_THROWS_AS(run_trajectory(*s.fields, p, {1, 1, 1}, true, s.current), contract_broken);
}

TEST_CASE("in equilibrium <exp(-dH)> = 1, <dH> = <dH^2>/2, the acceptance fits and the virial identity holds") {
    // 4^4 at beta 5.42, N = 500 after 80, key 501; 4 standard deviations of the Gamma method.
    // Virial (Schwinger-Dyson): <sum_a F_a^2> a link = 8 beta <P>; with tr T_a T_b = -1/2 the left side is -2 tr F^2.
    const extents l{{4, 4, 4, 4}};
    const auto v = two_engines().back();
    if (!v.is_opencl()) {
        WARN("SKIPPED: equilibrium without an OpenCL engine takes too long");
        return;
    }
    const double beta = 5.42;
    auto s = start(engine_of(v), cold_start(l));
    auto p = short_segment(beta);
    p.n_steps = 6;
    const auto zero = momentum_field(l);
    std::vector<double> creutz, mean_minus_half_square, virial, accepted, energies;
    for (std::uint64_t i = 1; i <= 580; ++i) {
        const auto o = run_trajectory(*s.fields, p, {501, i, 1}, i > 10, s.current);
        if (i <= 80)
            continue;
        creutz.push_back(o.exp_minus_delta_h);
        energies.push_back(o.delta_h);
        mean_minus_half_square.push_back(o.delta_h - 0.5 * o.delta_h * o.delta_h);
        accepted.push_back(o.accepted ? 1.0 : 0.0);
        s.fields->upload_momenta(zero);
        s.fields->kick(beta, 1.0);
        virial.push_back(2.0 * s.fields->kinetic_energy() / double(l.links()) - 8.0 * beta * o.plaquette());
    }
    const auto c = gamma_method(creutz);
    INFO(v.name << ", <exp(-dH)> " << c.mean << " +- " << *c.error << ", variance of dH " << gamma_method(energies).variance);
    CHECK(gamma_method(energies).variance < 1.5 * 1.5);
    CHECK(std::abs(c.mean - 1.0) < 4.0 * *c.error);
    const auto d = gamma_method(mean_minus_half_square);
    CHECK(std::abs(d.mean) < 4.0 * *d.error);
    const auto f = gamma_method(virial);
    INFO("virial difference " << f.mean << " +- " << *f.error);
    CHECK(std::abs(f.mean) < 4.0 * *f.error);
    CHECK(*f.error < 0.1); // of 20.7: the identity was tested to half a percent
    const double expected = std::erfc(0.5 * std::sqrt(std::max(gamma_method(energies).mean, 0.0)));
    CHECK(std::abs(gamma_method(accepted).mean - expected) < 0.08); // Gupta et al.: a few percent
}
