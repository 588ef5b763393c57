// SPDX-License-Identifier: AGPL-3.0-only
// One hybrid Monte Carlo trajectory.
#pragma once

#include "libactors/hmc/params.hpp"
#include "libactors/hmc/record.hpp"
#include "libactors/observable/gauge_observables.hpp"

#include <optional>

namespace forge {

/// What raises when an operation's rounding changes; part of the bits class.
inline constexpr std::uint32_t numerics_version = 2;

/// What can be known of a trajectory before its end. For studies: a trajectory that is given up because of it breaks detailed
/// balance, for the way back is not given up with the same probability.
struct trajectory_probe {
    double kinetic_start = 0.0; ///< T of the fresh momenta
    double minus_log_u = 0.0;   ///< of the Metropolis test to come: rejection is dH > -ln u
    /// H - H(start) after floor(n_steps / 2) whole steps, positions and momenta at equal times; unset for one step.
    std::optional<double> delta_h_middle;
};

/// Advances the links in `fields` by one trajectory: fresh momenta, molecular dynamics of length
/// params.trajectory_length in params.n_steps steps, Metropolis test with the true Hamiltonian
/// H = -sum tr P^2 + S(U). Accepted links are projected back to SU(3); rejected ones are restored to the bit.
///
/// @param fields  links on entry: the chain's current configuration, which `current` describes; on return: the next.
/// @param noise   names every random number used; the same name gives the same trajectory.
/// @param test    false: accept without a test. Far from equilibrium (cold start, large jump of beta) the error of
///                the integrator grows with the volume and a test would reject for ever; such trajectories sample
///                nothing and belong to thermalisation.
/// @param current updated to the configuration after the test.
/// @param probe   null, or filled in; the trajectory's bits are the same. The kick that two steps share is halved for it, which
///                closes the first of them, on momenta that are put back afterwards: H there differs from H(start) by O(step^2).
/// @throws failure errc::numerics_failed when H is not finite (links and `current` are then restored to the entry's),
///         and what the engine throws.
/// Cost: 2 n_steps + 1 forces (omelyan2), 2 n_steps drifts, two plaquette sums, one fingerprint.
/// With a probe one more force, kinetic energy and plaquette sum, and the momenta once to the host and back.
[[nodiscard]] trajectory_observables run_trajectory(gauge_workspace& fields, const segment_params& params,
                                                    const noise_id& noise, bool test, configuration_numbers& current,
                                                    trajectory_probe* probe = nullptr);

} // namespace forge
