// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/hmc/trajectory.hpp"

#include "libactors/hmc/integrator.hpp"
#include "libactors/numerics/elementary.hpp"

#include <cmath>

namespace forge {

namespace {

/// Plaquette sums are of Re tr U_p: S = -beta/3 of them and a constant.
double action_change(double beta, const plaquette_sums& from, const plaquette_sums& to) {
    return (beta / 3.0) * ((from.spatial + from.temporal) - (to.spatial + to.temporal));
}

/// H where a kick of `h` begins: half of it brings the momenta to the time of the positions. Leaves the fields as they were.
double delta_h_within(gauge_workspace& fields, double beta, double h, double kinetic_start, const plaquette_sums& start) {
    const auto momenta = fields.download_momenta();
    fields.kick(beta, 0.5 * h);
    const double kinetic = fields.kinetic_energy();
    const double potential = action_change(beta, start, fields.plaquette());
    fields.upload_momenta(momenta);
    return (kinetic - kinetic_start) + potential;
}

} // namespace

trajectory_observables run_trajectory(gauge_workspace& fields, const segment_params& params, const noise_id& noise,
                                      bool test, configuration_numbers& current, trajectory_probe* probe) {
    expects(params.n_steps >= 1 && params.trajectory_length > 0.0, "a trajectory has steps and length");
    const double step = params.trajectory_length / params.n_steps;

    fields.set_arithmetic(params.precision);
    fields.save_links();
    fields.refresh_momenta(noise);
    const double kinetic_start = fields.kinetic_energy();
    // u < exp(-dH) as -dH > log u, so that no exponential decides.
    const double log_u = det_log(open_uniform(noise_block(noise, 0, noise_purpose::accept, 0)));
    if (probe != nullptr)
        *probe = {kinetic_start, -log_u, std::nullopt};
    const std::uint32_t middle = pairs_per_step(params.integrator) * (params.n_steps / 2); // 0: one step has no inner boundary
    std::uint32_t pair = 0;
    integrate_pairs(
        params.integrator, params.n_steps, step, [&](double h) { fields.kick(params.beta, h); },
        [&](double h, double d) {
            if (probe != nullptr && pair == middle && middle != 0)
                probe->delta_h_middle = delta_h_within(fields, params.beta, h, kinetic_start, current.sums);
            ++pair;
            fields.kick_and_drift(params.beta, h, d);
        });
    const double kinetic_end = fields.kinetic_energy();
    const plaquette_sums proposed = fields.plaquette();

    trajectory_observables o;
    o.delta_h = (kinetic_end - kinetic_start) + action_change(params.beta, current.sums, proposed);
    if (!std::isfinite(o.delta_h)) {
        fields.restore_links();
        throw failure(error{errc::numerics_failed, "the Hamiltonian is not finite after " + std::to_string(params.n_steps) +
                                                       " steps of " + std::to_string(step),
                            "trajectory " + std::to_string(noise.trajectory), "a smaller step (more n_steps)"});
    }
    o.exp_minus_delta_h = det_exp(-o.delta_h);
    o.accepted = !test || -o.delta_h >= log_u;
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
