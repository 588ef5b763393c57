// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/hmc/trajectory.hpp"

#include "libactors/hmc/integrator.hpp"
#include "libactors/numerics/elementary.hpp"

#include <cmath>

namespace forge {

trajectory_observables run_trajectory(gauge_workspace& fields, const segment_params& params, const noise_id& noise,
                                      bool test, configuration_numbers& current) {
    expects(params.n_steps >= 1 && params.trajectory_length > 0.0, "a trajectory has steps and length");
    const double step = params.trajectory_length / params.n_steps;

    fields.set_arithmetic(params.precision);
    fields.save_links();
    fields.refresh_momenta(noise);
    const double kinetic_start = fields.kinetic_energy();
    integrate_pairs(
        params.integrator, params.n_steps, step, [&](double h) { fields.kick(params.beta, h); },
        [&](double h, double d) { fields.kick_and_drift(params.beta, h, d); });
    const double kinetic_end = fields.kinetic_energy();
    const plaquette_sums proposed = fields.plaquette();

    trajectory_observables o;
    const double action_change = (params.beta / 3.0) * ((current.sums.spatial + current.sums.temporal) -
                                                        (proposed.spatial + proposed.temporal));
    o.delta_h = (kinetic_end - kinetic_start) + action_change;
    if (!std::isfinite(o.delta_h)) {
        fields.restore_links();
        throw failure(error{errc::numerics_failed, "the Hamiltonian is not finite after " + std::to_string(params.n_steps) +
                                                       " steps of " + std::to_string(step),
                            "trajectory " + std::to_string(noise.trajectory), "a smaller step (more n_steps)"});
    }
    o.exp_minus_delta_h = det_exp(-o.delta_h);
    // u < exp(-dH) as -dH > log u, so that no exponential decides.
    const double u = open_uniform(noise_block(noise, 0, noise_purpose::accept, 0));
    o.accepted = !test || -o.delta_h >= det_log(u);
    if (o.accepted) {
        fields.reunitarise();
        current = measure(fields);
    } else {
        fields.restore_links();
    }
    const auto p = averages_of(current.sums, fields.shape());
    o.plaquette_spatial = p.spatial;
    o.plaquette_temporal = p.temporal;
    o.action_density = gauge_action(current.sums, fields.shape(), params.beta) / static_cast<double>(fields.shape().volume());
    o.polyakov_re = current.polyakov.real();
    o.polyakov_im = current.polyakov.imag();
    return o;
}

} // namespace forge
