// SPDX-License-Identifier: AGPL-3.0-only
// forge device list, forge device energy, forge route.
#pragma once

#include "apps/forge/cli.hpp"

namespace forge::app {

void add_device_commands(CLI::App& root, cli_state& state);
void add_energy_command(CLI::App& device);
void add_route_command(CLI::App& root, cli_state& state);

} // namespace forge::app
