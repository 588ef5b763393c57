// SPDX-License-Identifier: AGPL-3.0-only
// What an operator asks of a running campaign, and what became of it.
#pragma once

#include "libactors/base/ids.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace forge {

/// Stored on disk by name.
enum class operation_verb : std::uint8_t { pause, resume, checkpoint, stop, migrate, disable, enable, drain, undrain };
[[nodiscard]] std::string_view name_of(operation_verb v);
[[nodiscard]] std::optional<operation_verb> verb_from(std::string_view name);

/// Stored on disk by name.
enum class operation_state : std::uint8_t {
    running, ///< begun; ends as one of the others
    done,
    refused, ///< nothing was begun
    failed,  ///< begun and given up; the text says where things stand
};
[[nodiscard]] std::string_view name_of(operation_state s);
[[nodiscard]] std::optional<operation_state> operation_state_from(std::string_view name);

struct operation_request {
    std::string id; ///< chosen by the asker, unique for ever; asking again with it returns the first answer
    operation_verb verb = operation_verb::pause;
    std::string object; ///< chain "c0"; for disable and enable a device "opencl:0.1"; for drain and undrain a node "lab2"
    std::string target; ///< migrate: device, or empty for any other
    bool dry_run = false; ///< say what would be done
};

/// Where the time of a migration went. While it drains, the chain still computes; the rest is its pause, in this order,
/// with what the actors took to tell each other in none of the parts.
struct migration_times {
    double drain_s = 0.0;    ///< from the request to the end of the running trajectory
    double snapshot_s = 0.0; ///< device to host
    double copy_out_s = 0.0; ///< to the coordinator over the data stream; 0 on a device of its own
    double seal_s = 0.0;     ///< written, synced, read back, verified, in the ledger
    double grant_s = 0.0;    ///< new epoch; the checkpoint read and verified again
    double copy_in_s = 0.0;  ///< to the new node over the data stream; 0 on a device of the coordinator
    double upload_s = 0.0;   ///< host to device, and its sums checked against the record
    friend bool operator==(const migration_times&, const migration_times&) = default;
};

struct operation_report {
    std::string id;
    operation_verb verb = operation_verb::pause;
    std::string object;
    std::string target; ///< migrate: the device that was chosen
    operation_state state = operation_state::refused;
    std::string text; ///< one sentence: what was done, or why not and what would do
    double seconds = 0.0; ///< from request to end; of a migration the chain's pause
    std::optional<migration_times> times{}; ///< of a migration that is done
    friend bool operator==(const operation_report&, const operation_report&) = default;
};

} // namespace forge
