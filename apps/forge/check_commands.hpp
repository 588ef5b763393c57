// SPDX-License-Identifier: AGPL-3.0-only
// forge ledger check, forge checkpoint check, forge checkpoint validate.
#pragma once

#include "apps/forge/cli.hpp"
#include "libactors/hmc/chain_state.hpp"

namespace forge::app {

/// The state in a checkpoint file, every hash and the links' fingerprint verified.
[[nodiscard]] result<chain_state> verified_checkpoint(const std::string& file);
void add_checkpoint_validate_command(CLI::App& checkpoint, cli_state& state);
void add_check_commands(CLI::App& root, cli_state& state);

} // namespace forge::app
