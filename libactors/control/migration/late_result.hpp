// SPDX-License-Identifier: AGPL-3.0-only
// What a node computed for a chain that has gone on elsewhere: refused before it reaches the chain.
#pragma once

#include "libactors/base/error.hpp"
#include "libactors/base/ids.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace forge {

/// A trajectory that a node hands in: computed for the owner that held the chain with `epoch`.
struct late_result {
    chain_id chain;
    epoch_no epoch;
    std::uint64_t trajectory = 0;
};

/// The refusal of a result of another epoch than the chain's, with both epochs and where the chain is now.
/// @param where  device that runs the chain now ("lab2/opencl:0.0"); empty while none does.
[[nodiscard]] error refuse_late(const late_result& late, epoch_no current, const std::string& where);

/// The fence: a result counts only under the epoch that the chain has now. The ledger would refuse the commit as well;
/// this stops it earlier, before the chain's state has taken it in.
/// @return the refusal; nothing when the result is the current owner's.
[[nodiscard]] std::optional<error> judge_late(const late_result& late, epoch_no current, const std::string& where);

} // namespace forge
