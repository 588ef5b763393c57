// SPDX-License-Identifier: AGPL-3.0-only
// forge npu ...: the conductor's device and its models.
#pragma once

#include "apps/forge/cli.hpp"

namespace forge::app {

void add_npu_commands(CLI::App& root, cli_state& state);

/// Parts of it: info, bench, deploy, search; and train, eval, export.
void add_npu_device_commands(CLI::App& npu, cli_state& state);
void add_npu_model_commands(CLI::App& npu, cli_state& state);
void add_npu_steering_command(CLI::App& npu, cli_state& state);
void add_npu_compare_command(CLI::App& npu, cli_state& state);
void add_npu_mid_trajectory_command(CLI::App& npu, cli_state& state);

} // namespace forge::app
