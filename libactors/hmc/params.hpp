// SPDX-License-Identifier: AGPL-3.0-only
// The parameters of a segment: everything that fixes its Markov kernel.
#pragma once

#include "libactors/base/ids.hpp"
#include "libactors/engine/lattice_engine.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace forge {

/// Numbers are stored on disk: append only.
enum class integrator_kind : std::uint8_t {
    leapfrog = 0, ///< position-momentum-position ... one force per step
    omelyan2 = 1, ///< 2MN, lambda = 0.1931833275037836, two forces per step
};

[[nodiscard]] inline std::string_view name_of(integrator_kind k) {
    return k == integrator_kind::leapfrog ? "leapfrog" : "omelyan2";
}

/// One stretch of a chain with one target distribution.
struct segment_params {
    double beta = 0.0;              ///< 6/g^2 > 0
    double trajectory_length = 1.0; ///< molecular-dynamics time of one trajectory, > 0
    std::uint32_t n_steps = 10;     ///< integrator steps in a trajectory, >= 1
    integrator_kind integrator = integrator_kind::omelyan2;
    std::uint32_t n_thermalise = 0; ///< trajectories before measurement starts
    std::uint32_t n_measure = 0;    ///< measured trajectories at most, >= 1
    std::uint32_t n_warmup = 0;     ///< first trajectories of thermalisation that are accepted without a test
    arithmetic precision;           ///< of the bulk of the work (engine/lattice_engine.hpp)
    std::optional<double> target_error; ///< stop measuring when the plaquette's error is below; from this chain's records only

    friend bool operator==(const segment_params&, const segment_params&) = default;
};

} // namespace forge
