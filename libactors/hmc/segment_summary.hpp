// SPDX-License-Identifier: AGPL-3.0-only
// A segment in numbers with errors.
#pragma once

#include "libactors/hmc/record.hpp"
#include "libactors/lattice/extents.hpp"
#include "libactors/numerics/statistics.hpp"

#include <span>

namespace forge {

/// Means over the measured trajectories of a segment, errors by the Gamma method (numerics/statistics.hpp).
struct segment_summary {
    std::size_t n = 0;                ///< measured trajectories
    gamma_estimate plaquette;         ///< P
    gamma_estimate plaquette_spatial;
    gamma_estimate plaquette_temporal;
    gamma_estimate action_density;    ///< S / V
    gamma_estimate polyakov_re;
    gamma_estimate polyakov_im;
    gamma_estimate polyakov_abs;      ///< |L|
    gamma_estimate chi_polyakov;      ///< V_s (<|L|^2> - <|L|>^2)
    gamma_estimate chi_plaquette;     ///< V (<P^2> - <P>^2)
    gamma_estimate exp_minus_delta_h; ///< 1 in equilibrium (Creutz)
    gamma_estimate delta_h;
    gamma_estimate acceptance;
};

/// @param records  live records of one segment in order; those with measured == false are passed over.
[[nodiscard]] segment_summary summarise(std::span<const physics_record> records, const extents& l);

} // namespace forge
