// SPDX-License-Identifier: AGPL-3.0-only
// What chains ask of the precision validator, inside one process.
#pragma once

#include "actors/messages/messages.hpp"

#include "libactors/hmc/validation.hpp"

namespace forge {

/// The configuration after a trajectory, and what the chain committed of it and of the trajectory after it, where there is one.
struct validate_configuration {
    chain_id chain;
    std::uint64_t trajectory = 0;
    std::uint64_t key = 0; ///< of the chain's random numbers
    links_handle links;
    segment_params params; ///< of the next trajectory, or of this one where there is none
    std::string device, bits_class; ///< of the chain
    committed_evaluation committed;
    std::optional<run_command> next;
};
struct configuration_validated { bool passed; };
/// supervisor -> chain: the validator died and there is a new one, or none.
struct use_validator { caf::actor validator; };

} // namespace forge

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::validate_configuration)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::configuration_validated)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::use_validator)
