// SPDX-License-Identifier: AGPL-3.0-only
// HMC against an independent heat bath, and the exact statistical laws of HMC. The reference plaquettes were made with
// another algorithm and program (Cabibbo-Marinari heat bath with overrelaxation, errors by the Gamma method).
#include "tests/physics/chain_runner.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <cmath>
#include <iostream>

using namespace forge;
using namespace forge::testing;

namespace {

struct reference_row {
    extents lattice;
    double beta;
    double plaquette;
    double error;
    std::uint32_t n_measure;
    std::uint32_t steps_omelyan;
    std::uint32_t steps_leapfrog;
};

const extents l4{{4, 4, 4, 4}};
const extents l8{{8, 8, 8, 8}};
const extents l884{{8, 8, 8, 4}};

// Lengths are chosen for an error of at most twice the reference's.
const reference_row table[] = {
    {l4, 1.0, 0.060176, 0.000046, 16000, 4, 8},  {l4, 2.0, 0.128721, 0.000065, 12000, 4, 9},
    {l4, 3.0, 0.205032, 0.000069, 14000, 4, 10}, {l4, 5.0, 0.400408, 0.000165, 14000, 5, 13},
    {l4, 5.7, 0.559998, 0.000230, 24000, 5, 14}, {l4, 6.0, 0.597010, 0.000124, 24000, 5, 14},
    {l4, 6.5, 0.640019, 0.000094, 24000, 5, 14}, {l8, 5.5, 0.497108, 0.000253, 4000, 8, 22},
    {l8, 5.7, 0.549027, 0.000201, 6000, 8, 22},  {l8, 6.0, 0.594153, 0.000091, 5000, 8, 22},
    {l884, 5.69, 0.550893, 0.000331, 12000, 7, 20},
};

std::vector<physics_job> jobs() {
    std::vector<physics_job> all;
    for (const auto kind : {integrator_kind::omelyan2, integrator_kind::leapfrog})
        for (const auto& row : table) {
            physics_job j;
            j.lattice = row.lattice;
            j.params.beta = row.beta;
            j.params.trajectory_length = 1.0;
            j.params.integrator = kind;
            j.params.n_steps = kind == integrator_kind::omelyan2 ? row.steps_omelyan : row.steps_leapfrog;
            j.params.n_thermalise = 300;
            j.params.n_warmup = 10;
            j.params.n_measure = row.n_measure;
            j.reference = row.plaquette;
            j.reference_error = row.error;
            j.measure_force = row.lattice == l4;
            all.push_back(j);
        }
    return all;
}

/// The runs are made once and looked at by every test below.
const std::vector<physics_outcome>& outcomes() {
    static const std::vector<physics_outcome> all = run_jobs(jobs());
    return all;
}

std::string name_of(const physics_outcome& o) {
    return fmt::format("{} beta {} {}", to_text(o.job.lattice), o.job.params.beta, forge::name_of(o.job.params.integrator));
}

} // namespace

TEST_CASE("the plaquette agrees with the heat bath, for both integrators", "[physics]") {
    double chi2 = 0.0;
    std::cout << "lattice beta integrator: N, P (HMC), error, tau_int | P (heat bath), error | pull | acceptance, <exp(-dH)>\n";
    for (const auto& o : outcomes()) {
        const auto& p = o.summary.plaquette;
        REQUIRE(p.error);
        REQUIRE(p.tau_int);
        const double pull = (p.mean - o.job.reference) / std::hypot(*p.error, o.job.reference_error);
        chi2 += pull * pull;
        std::cout << fmt::format("{:<32} {:>6} {:.6f} {:.6f} {:6.2f} | {:.6f} {:.6f} | {:+.2f} | {:.3f} {:.4f}({:.0f})\n", name_of(o), p.n, p.mean, *p.error,
                                 *p.tau_int, o.job.reference, o.job.reference_error, pull, o.summary.acceptance.mean,
                                 o.summary.exp_minus_delta_h.mean, 1e4 * *o.summary.exp_minus_delta_h.error);
        INFO(name_of(o));
        CHECK(p.reliable);
        CHECK(*p.error <= 2.0 * o.job.reference_error);
        CHECK(std::abs(pull) < 4.0);
    }
    // Both integrators share the reference value, so the pulls are not quite independent: the test is conservative.
    const double tail = chi_squared_tail(chi2, outcomes().size());
    std::cout << fmt::format("chi^2 = {:.1f} for {} pulls, p = {:.3f}\n", chi2, outcomes().size(), tail);
    CHECK(tail > 0.001);
}

TEST_CASE("the mean of exp(-dH) is one (Creutz), 3 sigma", "[physics]") {
    for (const auto& o : outcomes()) {
        const auto& e = o.summary.exp_minus_delta_h;
        INFO(name_of(o) << " N " << e.n << " mean " << e.mean << " error " << *e.error);
        CHECK(std::abs(e.mean - 1.0) < 3.0 * *e.error);
    }
}

TEST_CASE("acceptance is erfc(sqrt(<dH>)/2) on 8^4", "[physics]") {
    for (const auto& o : outcomes()) {
        if (!(o.job.lattice == l8))
            continue;
        const auto& s = o.summary;
        REQUIRE(s.delta_h.mean > 0.0);
        const double expected = std::erfc(0.5 * std::sqrt(s.delta_h.mean));
        std::cout << fmt::format("{}: acceptance {:.4f}({:.0f}), erfc(sqrt<dH>/2) = {:.4f}, <dH> = {:.4f}\n", name_of(o), s.acceptance.mean,
                                 1e4 * *s.acceptance.error, expected, s.delta_h.mean);
        CHECK(std::abs(s.acceptance.mean - expected) < std::max(0.02, 3.0 * *s.acceptance.error));
    }
}

TEST_CASE("virial identity: <sum_a F_a^2> per link = 8 beta <P>, 3 sigma", "[physics]") {
    for (const auto& o : outcomes()) {
        if (o.virial.n == 0)
            continue;
        REQUIRE(o.virial.error);
        std::cout << fmt::format("{}: <F^2> - 8 beta P = {:+.4f} +- {:.4f} (8 beta P = {:.3f}, N = {})\n", name_of(o), o.virial.mean, *o.virial.error,
                                 8.0 * o.job.params.beta * o.summary.plaquette.mean, o.virial.n);
        CHECK(std::abs(o.virial.mean) < 3.0 * *o.virial.error);
    }
}

TEST_CASE("the chi-squared tail is right where it is known", "[physics]") {
    CHECK(chi_squared_tail(2.0 * std::log(2.0), 2) == Approx(0.5));
    CHECK(chi_squared_tail(3.841458820694124, 1) == Approx(0.05));
    CHECK(chi_squared_tail(18.307038053275146, 10) == Approx(0.05));
    CHECK(chi_squared_tail(33.92443847144381, 22) == Approx(0.05));
}
