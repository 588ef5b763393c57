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

struct operation_report {
    std::string id;
    operation_verb verb = operation_verb::pause;
    std::string object;
    std::string target; ///< migrate: the device that was chosen
    operation_state state = operation_state::refused;
    std::string text; ///< one sentence: what was done, or why not and what would do
    double seconds = 0.0; ///< from request to end; of a migration the chain's pause
    friend bool operator==(const operation_report&, const operation_report&) = default;
};

} // namespace forge
