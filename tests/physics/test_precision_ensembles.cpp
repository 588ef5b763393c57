// SPDX-License-Identifier: AGPL-3.0-only
// Double-float arithmetic samples the same distribution as fp64: whole ensembles, not single trajectories. The bulk of
// the force in df64 moves the proposal by its coarser rounding, which the Metropolis test with the Hamiltonian of the same
// arithmetic must not turn into a bias.
#include "tests/physics/chain_runner.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <cmath>
#include <iostream>

using namespace forge;
using namespace forge::testing;

namespace {

constexpr double heat_bath_plaquette = 0.559998; ///< 4^4, beta = 5.7, another algorithm and program (test_ensembles.cpp)
constexpr double heat_bath_error = 0.000230;

physics_job job_of(precision_strategy strategy) {
    physics_job j;
    j.lattice = extents{{4, 4, 4, 4}};
    j.params.beta = 5.7;
    j.params.integrator = integrator_kind::omelyan2;
    j.params.n_steps = 5;
    j.params.n_thermalise = 300;
    j.params.n_warmup = 10;
    j.params.n_measure = 4000;
    j.params.precision = {strategy, 0.0};
    j.reference = heat_bath_plaquette;
    j.reference_error = heat_bath_error;
    return j;
}

double pull(double a, double a_error, double b, double b_error) { return (a - b) / std::hypot(a_error, b_error); }

} // namespace

TEST_CASE("hybrid and native chains sample one distribution, that of the heat bath", "[physics][precision]") {
    // The runner gives every job a seed of its own, so the ensembles are independent.
    const auto outcomes = run_jobs({job_of(precision_strategy::native), job_of(precision_strategy::hybrid)});
    std::cout << "4^4, beta 5.7: precision, N, P, error, tau_int | pull against the heat bath | acceptance, <exp(-dH)>, error\n";
    for (const auto& o : outcomes) {
        const auto& p = o.summary.plaquette;
        const auto& e = o.summary.exp_minus_delta_h;
        REQUIRE(p.error);
        REQUIRE(p.tau_int);
        REQUIRE(e.error);
        const double away = pull(p.mean, *p.error, o.job.reference, o.job.reference_error);
        std::cout << fmt::format("{:<8} {} {:.6f} {:.6f} {:.2f} | {:+.2f} | {:.3f} {:.5f} {:.5f}\n", name_of(o.job.params.precision.strategy), p.n,
                                 p.mean, *p.error, *p.tau_int, away, o.summary.acceptance.mean, e.mean, *e.error);
        INFO(name_of(o.job.params.precision.strategy));
        CHECK(p.n == 4000);
        CHECK(std::abs(away) < 3.0);
        CHECK(std::abs(e.mean - 1.0) < 3.0 * *e.error);
    }
    const auto& native = outcomes[0].summary.plaquette;
    const auto& hybrid = outcomes[1].summary.plaquette;
    const double apart = pull(hybrid.mean, *hybrid.error, native.mean, *native.error);
    std::cout << fmt::format("hybrid - native = {:+.6f} +- {:.6f} ({:+.2f} sigma)\n", hybrid.mean - native.mean, std::hypot(*hybrid.error, *native.error), apart);
    CHECK(std::abs(apart) < 3.0);
}
