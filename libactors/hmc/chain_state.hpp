// SPDX-License-Identifier: AGPL-3.0-only
// All that a chain is between two trajectories: the value that is checkpointed, moved and restored.
#pragma once

#include "libactors/hmc/params.hpp"
#include "libactors/hmc/record.hpp"
#include "libactors/lattice/gauge_field.hpp"

#include <string>

namespace forge {

/// There is no random-number state: noise is a function of (key, site, trajectory, segment, purpose).
struct chain_state {
    chain_id chain;
    std::string campaign_seed;        ///< text that the random-number key is derived from
    segment_no segment;               ///< segment of the last trajectory (or the one about to start, for i = 0)
    std::uint64_t segment_first = 1;  ///< index of that segment's first trajectory
    segment_params params;            ///< of that segment
    std::uint64_t trajectory = 0;     ///< i of the last finished trajectory; 0 before the first
    digest head{};                    ///< hash of record i (genesis hash for i = 0)
    state_hash state;                 ///< fingerprint of `links`
    plaquette_averages plaquette;     ///< of `links`, for the check on reading
    std::string provenance;           ///< free text: program version, device, time
    gauge_field links;
};

} // namespace forge
