// SPDX-License-Identifier: AGPL-3.0-only
// Symplectic integrators, written for anything that can kick and drift.
#pragma once

#include "libactors/hmc/params.hpp"

#include <cstdint>

namespace forge {

/// lambda of the second-order minimum-norm scheme (Omelyan, Mryglod, Folk 2003; Takaishi, de Forcrand
/// hep-lat/0505020): the minimum of the norm of the two error coefficients.
inline constexpr double omelyan_lambda = 0.1931833275037836;

/// Calls of kick_and_drift that integrate_pairs makes for a step. Between the last of a step and the first of the next positions
/// stand at the end of the step, momenta before the kick that both share, half of which is each one's.
[[nodiscard]] constexpr std::uint32_t pairs_per_step(integrator_kind kind) { return kind == integrator_kind::leapfrog ? 1 : 2; }

/// Integrates the equations of motion for n_steps steps of size `step`; kicks first and last.
///
/// leapfrog  K(step/2) D(step) K(step/2)                                  n + 1 kicks for n steps
/// omelyan2  K(l step) D(step/2) K((1-2l) step) D(step/2) K(l step)       2n + 1 kicks
/// Neighbouring kicks of two steps are joined. Reversible: a kick or drift with -step undoes it.
///
/// @param kick            P <- P - h F(U), called as kick(h)
/// @param kick_and_drift  kick(h), then U <- exp(d P) U, called as kick_and_drift(h, d): every drift follows a kick
template <class Kick, class KickAndDrift>
void integrate_pairs(integrator_kind kind, std::uint32_t n_steps, double step, Kick&& kick, KickAndDrift&& kick_and_drift) {
    if (kind == integrator_kind::leapfrog) {
        for (std::uint32_t n = 0; n < n_steps; ++n)
            kick_and_drift(n == 0 ? 0.5 * step : step, step);
        kick(0.5 * step);
        return;
    }
    for (std::uint32_t n = 0; n < n_steps; ++n) {
        kick_and_drift(n == 0 ? omelyan_lambda * step : 2.0 * omelyan_lambda * step, 0.5 * step);
        kick_and_drift((1.0 - 2.0 * omelyan_lambda) * step, 0.5 * step);
    }
    kick(omelyan_lambda * step);
}

/// As integrate_pairs, for a system whose drift, called as drift(d), stands alone.
template <class Kick, class Drift>
void integrate(integrator_kind kind, std::uint32_t n_steps, double step, Kick&& kick, Drift&& drift) {
    integrate_pairs(kind, n_steps, step, kick, [&](double h, double d) {
        kick(h);
        drift(d);
    });
}

} // namespace forge
