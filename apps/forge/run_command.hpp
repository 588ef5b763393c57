// SPDX-License-Identifier: AGPL-3.0-only
// forge run: the main job.
#pragma once

#include "apps/forge/cli.hpp"

namespace forge::app {

void add_run_command(CLI::App& root, cli_state& state);

/// "90s", "30m", "2h", "1d" or plain seconds. @return errc::invalid_argument otherwise.
[[nodiscard]] result<double> parse_duration_s(const std::string& text);

} // namespace forge::app
