// SPDX-License-Identifier: AGPL-3.0-only
// forge ledger check, forge checkpoint check, forge checkpoint validate.
#pragma once

#include "apps/forge/cli.hpp"

namespace forge::app {

void add_checkpoint_validate_command(CLI::App& checkpoint, cli_state& state);
void add_check_commands(CLI::App& root, cli_state& state);

} // namespace forge::app
