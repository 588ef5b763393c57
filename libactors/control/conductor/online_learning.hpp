// SPDX-License-Identifier: AGPL-3.0-only
// What a model learns from a campaign while it runs: a copy, for the next campaign.
#pragma once

#include "libactors/control/conductor/reservoir_stepper.hpp"
#include "libactors/control/conductor/trained_model.hpp"

#include <cstddef>

namespace forge {

/// Takes rows of a finished segment into the readouts of the heads that a run can judge (chain_watch::judged), by recursive least squares:
/// the same readouts as if they had been among the training rows. Reservoirs, other heads, trust and thresholds stay.
///
/// @param rows_max  rows taken, evenly spaced along the segment. Cost of one: heads * reservoirs * units^2 multiply-adds.
/// @param stepper  of the reservoirs: the one that the answers come from, so that what is learnt and what is asked are states of one arithmetic;
/// null: the network itself.
/// @return rows that were taken; errc::not_found when the model knows no equilibrium, errc::invalid_argument when history is of another lattice, and what the stepper says.
[[nodiscard]] result<std::size_t> learn_segment(conductor_model& m, const chain_history& history, std::size_t rows_max = 32, reservoir_stepper* stepper = nullptr);

} // namespace forge
