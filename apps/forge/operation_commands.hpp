// SPDX-License-Identifier: AGPL-3.0-only
// forge chain ..., forge op ..., forge device disable|enable: what an operator does to a running campaign.
#pragma once

#include "apps/forge/cli.hpp"

namespace forge::app {

void add_chain_commands(CLI::App& root, cli_state& state);
void add_operation_commands(CLI::App& root, cli_state& state);
/// disable and enable below `forge device`.
void add_device_operations(CLI::App& device, cli_state& state);

/// list, drain and undrain below `forge node`.
void add_node_operations(CLI::App& node, cli_state& state);

} // namespace forge::app
