// SPDX-License-Identifier: AGPL-3.0-only
// Faults that the checks must find; they exist in the tests' surroundings of the cores only.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace forge::model {

enum class flaw : std::uint8_t {
    none,
    epoch_not_checked,   ///< the ledger takes a commit whatever its epoch says
    commit_before_verify, ///< the checkpoint's row is written before the file is there and verified
    restart_keeps_epoch, ///< prepare goes on under the epoch that the ledger has
    resend_without_id,   ///< a repeated request gets an id of its own
    folder_not_synced,   ///< the name of a checkpoint is not made durable
    late_result_taken,   ///< a node's result counts whatever its epoch says
};

inline constexpr std::array<std::pair<flaw, std::string_view>, 6> planted_flaws{{
    {flaw::epoch_not_checked, "epoch not checked at commit"},
    {flaw::commit_before_verify, "checkpoint row before the file is verified"},
    {flaw::restart_keeps_epoch, "restart keeps the epoch"},
    {flaw::resend_without_id, "resend without the operation's id"},
    {flaw::folder_not_synced, "folder not synced"},
    {flaw::late_result_taken, "late result taken"},
}};

} // namespace forge::model
