// SPDX-License-Identifier: AGPL-3.0-only
// The pipeline that a campaign file describes, as a value.
#pragma once

#include "libactors/control/campaign.hpp"
#include "libactors/flow/topology.hpp"

#include <string>
#include <vector>

namespace forge {

/// Chains on their devices, one recorder, one steerer; a conductor and a validator where the campaign has them.
///
/// Edges of a chain: records to the recorder (bounded, flow.capacity), one batch of 16 trajectories to the conductor (bounded 1), selected
/// configurations to the validator (filtered, validation.capacity). What comes back to a chain never blocks (latest).
/// @param devices  their ids, in the campaign's order; at least one.
[[nodiscard]] topology campaign_topology(const campaign& plan, const std::vector<std::string>& devices);

} // namespace forge
