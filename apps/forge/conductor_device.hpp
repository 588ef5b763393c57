// SPDX-License-Identifier: AGPL-3.0-only
// What the reservoirs of a campaign's conductor run on: [conductor] device.
#pragma once

#include "libactors/control/campaign.hpp"
#include "libactors/control/conductor/reservoir_stepper.hpp"
#include "libactors/engine/npu/akida_discovery.hpp"

#include <memory>

namespace forge::app {

/// The row of [u; s] that no feature vector and no state exceeds: what fixes the 8-bit range of a conductor's program.
[[nodiscard]] std::vector<float> range_of_features(std::size_t inputs, std::size_t units);

/// Hybrid execution on sim-akd1000: 4-bit weights and 8-bit inputs there, tanh, leak and state on the host in floats, one program a
/// reservoir. Readouts stay the network's; they fit where the model was trained on 4-bit weights (forge npu train --int4-weights), else the
/// report's note warns: docs/notes/int4.md says what it costs.
///
/// The 8-bit range is not learnt from data: inputs are feature vectors, which end at feature_bound, and states end at 1, and range_of_features
/// fixes it. Nothing is ever cut, and the bits depend on the model alone, on no order in which chains are heard.
/// @return errc::device_memory when the reservoirs do not fit beside each other, errc::unsupported when one is larger than the device.
[[nodiscard]] result<std::shared_ptr<reservoir_stepper>> make_sim_stepper(const echo_state_network& network, std::string note);

/// The stepper of plan.device; null for software. A board is looked for when it is asked for; without one, or as long as none can be spoken
/// to, the simulator stands in, with a note.
[[nodiscard]] result<std::shared_ptr<reservoir_stepper>> conductor_stepper(const conductor_plan& plan, const echo_state_network& network,
                                                                           const akida_discovery& found);

} // namespace forge::app
