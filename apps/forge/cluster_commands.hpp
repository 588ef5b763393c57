// SPDX-License-Identifier: AGPL-3.0-only
// forge cluster ... and forge node ...: several machines, one campaign.
#pragma once

#include "apps/forge/cli.hpp"

namespace forge::app {

void add_cluster_commands(CLI::App& root, cli_state& state);
void add_node_commands(CLI::App& root, cli_state& state);

} // namespace forge::app
