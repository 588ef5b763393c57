// SPDX-License-Identifier: AGPL-3.0-only
// One configuration evaluated again: on another device, in another arithmetic, and by a twin of its next trajectory.
#pragma once

#include "libactors/hmc/trajectory.hpp"
#include "libactors/lattice/gauge_field.hpp"

#include <optional>
#include <string>
#include <vector>

namespace forge {

/// What one arithmetic of one device says of a configuration U.
struct evaluation {
    arithmetic precision;
    plaquette_sums sums;
    double polyakov_re = 0.0, polyakov_im = 0.0;
    state_hash state;          ///< of U: arithmetic has no part in it
    double force_rms = 0.0;    ///< sqrt(sum over links of -tr F^2 / (4 V)), F = dS/dU as a kick applies it
    trajectory_observables twin; ///< the next trajectory from U, with the chain's own noise
    state_hash state_after;    ///< of the twin's last configuration
};

/// Evaluates links in the arithmetic of `params` and runs the trajectory that `next` names from them.
///
/// The workspace ends with the twin's configuration. Cost: one trajectory, one force, three kinetic energies, two uploads.
/// @throws failure as run_trajectory and the engine.
[[nodiscard]] evaluation evaluate(gauge_workspace& fields, const gauge_field& links, const segment_params& params, const noise_id& next, bool test);

/// How far two evaluations of one configuration are apart; relative where the field of numbers has a scale.
struct evaluation_difference {
    bool same_state = false;     ///< they evaluated the same links
    bool same_bits = false;      ///< every number and the twin's end are equal to the bit
    bool same_decision = false;  ///< the twin was accepted by both, or by none
    double plaquette = 0.0;      ///< |difference| of the mean plaquette
    double polyakov = 0.0;
    double force = 0.0;          ///< relative
    double delta_h = 0.0;        ///< absolute: what the Metropolis test sees
    friend bool operator==(const evaluation_difference&, const evaluation_difference&) = default;
};
[[nodiscard]] evaluation_difference difference_of(const evaluation& a, const evaluation& b, const extents& lattice);

/// How far evaluations in different arithmetics may be apart.
///
/// Measured on 4^4 between fp64 and df64: force 3e-16, dH 1e-16 of h = T + S, which is of the order of its rounding. The bounds leave two
/// decades for larger lattices and for devices whose double-float has 44 bits; a relative fault of 1e-6 in the force is four decades beyond.
/// A decision may flip only where dH is within its bound of the threshold: it is reported, not judged.
struct validation_bounds {
    double plaquette = 1e-12;
    double polyakov = 1e-12;
    double force = 1e-11;
    double delta_h_per_h = 64.0 * 0x1p-53;
};

struct validation_verdict {
    bool passed = false;
    std::vector<std::string> problems; ///< each a sentence with the numbers
};
/// @param same_class  both devices have one bits class in this arithmetic: then nothing but equal bits will do.
[[nodiscard]] validation_verdict judge(const evaluation_difference& d, const evaluation& reference, const extents& lattice, double beta, bool same_class,
                                       const validation_bounds& bounds = {});

/// What a chain committed of a configuration, and of the trajectory after it.
struct committed_evaluation {
    state_hash state;
    trajectory_observables observed;
    std::optional<trajectory_observables> next;
    std::optional<state_hash> next_state; ///< set with `next`
};
/// Held against an evaluation in the chain's own arithmetic; the twin counts where there is a next trajectory.
/// @param same_class  nothing but equal bits will do, in every number and in the twin's end.
[[nodiscard]] validation_verdict judge(const committed_evaluation& committed, const evaluation& seen, const extents& lattice, double beta, bool same_class,
                                       const validation_bounds& bounds = {});

} // namespace forge
