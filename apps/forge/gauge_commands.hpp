// SPDX-License-Identifier: AGPL-3.0-only
// forge gauge check, forge gauge convert.
#pragma once

#include "apps/forge/cli.hpp"

namespace forge::app {

/// Adds the noun `gauge` with its verbs; the callbacks store the exit code in `state`, which outlives `root`.
void add_gauge_commands(CLI::App& root, cli_state& state);

} // namespace forge::app
