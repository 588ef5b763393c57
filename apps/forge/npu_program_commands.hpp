// SPDX-License-Identifier: AGPL-3.0-only
// forge npu deploy: a program file, or a program from its heads, onto the device.
#pragma once

#include "apps/forge/cli.hpp"
#include "libactors/learn/npu_program.hpp"

namespace forge::app {

void add_npu_deploy_command(CLI::App& npu, cli_state& state);

/// "name:dim:activation", e.g. "phase:2:softmax". @return errc::invalid_argument with what is wrong.
[[nodiscard]] result<head_spec> head_from(const std::string& text);

} // namespace forge::app
