// SPDX-License-Identifier: AGPL-3.0-only
// forge status: the published snapshot, never a question to a busy actor.
#pragma once

#include "apps/forge/cli.hpp"

namespace forge::app {

void add_status_command(CLI::App& root, cli_state& state);

} // namespace forge::app
