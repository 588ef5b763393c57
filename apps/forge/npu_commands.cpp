// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/npu_commands.hpp"

namespace forge::app {

void add_npu_commands(CLI::App& root, cli_state& state) {
    auto* npu = root.add_subcommand("npu", "the conductor: its device and its models");
    npu->require_subcommand(1);
    add_npu_device_commands(*npu, state);
    add_npu_model_commands(*npu, state);
    add_npu_steering_command(*npu, state);
    add_npu_compare_command(*npu, state);
    add_npu_mid_trajectory_command(*npu, state);
}

} // namespace forge::app
