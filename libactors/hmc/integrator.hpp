// SPDX-License-Identifier: AGPL-3.0-only
// Symplectic integrators, written for anything that can kick and drift.
#pragma once

#include "libactors/hmc/params.hpp"

#include <cstdint>

namespace forge {

/// lambda of the second-order minimum-norm scheme (Omelyan, Mryglod, Folk 2003; Takaishi, de Forcrand
/// hep-lat/0505020): the minimum of the norm of the two error coefficients.
inline constexpr double omelyan_lambda = 0.1931833275037836;

/// Integrates the equations of motion for n_steps steps of size `step`; kicks first and last.
///
/// leapfrog  K(step/2) D(step) K(step/2)                                  n + 1 kicks for n steps
/// omelyan2  K(l step) D(step/2) K((1-2l) step) D(step/2) K(l step)       2n + 1 kicks
/// Neighbouring kicks of two steps are joined. Reversible: a kick or drift with -step undoes it.
///
/// @param kick   P <- P - h F(U), called as kick(h)
/// @param drift  U <- exp(h P) U, called as drift(h)
template <class Kick, class Drift>
void integrate(integrator_kind kind, std::uint32_t n_steps, double step, Kick&& kick, Drift&& drift) {
    if (kind == integrator_kind::leapfrog) {
        kick(0.5 * step);
        for (std::uint32_t n = 1; n <= n_steps; ++n) {
            drift(step);
            kick(n == n_steps ? 0.5 * step : step);
        }
        return;
    }
    kick(omelyan_lambda * step);
    for (std::uint32_t n = 1; n <= n_steps; ++n) {
        drift(0.5 * step);
        kick((1.0 - 2.0 * omelyan_lambda) * step);
        drift(0.5 * step);
        kick(n == n_steps ? omelyan_lambda * step : 2.0 * omelyan_lambda * step);
    }
}

} // namespace forge
