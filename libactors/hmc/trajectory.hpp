// SPDX-License-Identifier: AGPL-3.0-only
// One hybrid Monte Carlo trajectory.
#pragma once

#include "libactors/hmc/params.hpp"
#include "libactors/hmc/record.hpp"
#include "libactors/observable/gauge_observables.hpp"

namespace forge {

/// What raises when an operation's rounding changes; part of the bits class.
inline constexpr std::uint32_t numerics_version = 2;

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
/// @throws failure errc::numerics_failed when H is not finite (links and `current` are then restored to the entry's),
///         and what the engine throws.
/// Cost: 2 n_steps + 1 forces (omelyan2), 2 n_steps drifts, two plaquette sums, one fingerprint.
[[nodiscard]] trajectory_observables run_trajectory(gauge_workspace& fields, const segment_params& params,
                                                    const noise_id& noise, bool test, configuration_numbers& current);

} // namespace forge
