// SPDX-License-Identifier: AGPL-3.0-only
// Molecular dynamics outside a trajectory, for laws that need its parts.
#pragma once

#include "libactors/hmc/integrator.hpp"
#include "libactors/hmc/start.hpp"
#include "libactors/hmc/trajectory.hpp"
#include "tests/support/engine_variants.hpp"
#include "tests/support/field_distance.hpp"
#include "tests/support/random_fields.hpp"

#include <cmath>

namespace forge::testing {

inline double action_of(gauge_workspace& w, double beta) { return gauge_action(w.plaquette(), w.shape(), beta); }

inline double hamiltonian(gauge_workspace& w, double beta) { return w.kinetic_energy() + action_of(w, beta); }

inline void evolve(gauge_workspace& w, integrator_kind kind, double beta, double length, std::uint32_t n_steps) {
    integrate(
        kind, n_steps, length / n_steps, [&](double h) { w.kick(beta, h); }, [&](double h) { w.drift(h); });
}

/// H(end) - H(start) from these links with the momenta of `noise`.
inline double energy_error(gauge_workspace& w, const gauge_field& links, const noise_id& noise, integrator_kind kind,
                           double beta, double length, std::uint32_t n_steps) {
    w.upload(links);
    w.refresh_momenta(noise);
    const double start = hamiltonian(w, beta);
    evolve(w, kind, beta, length, n_steps);
    return hamiltonian(w, beta) - start;
}

/// Links near equilibrium: warm-up without a test, then accepted and rejected trajectories.
inline gauge_field thermalised(lattice_engine& engine, const extents& l, double beta, std::uint32_t n) {
    const auto w = engine.allocate(l);
    w->upload(cold_start(l));
    auto current = measure(*w);
    segment_params p;
    p.beta = beta;
    p.n_steps = 10;
    for (std::uint32_t i = 1; i <= n; ++i)
        (void)run_trajectory(*w, p, {4711, i, 1}, i > 5, current);
    return w->download();
}

} // namespace forge::testing
