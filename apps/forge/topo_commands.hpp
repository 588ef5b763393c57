// SPDX-License-Identifier: AGPL-3.0-only
// forge topo check, show and diff: topology files without a run.
#pragma once

#include "apps/forge/cli.hpp"

namespace forge::app {

/// Adds the noun `topo` with its verbs; the callbacks store the exit code in `state`, which outlives `root`.
void add_topo_commands(CLI::App& root, cli_state& state);

} // namespace forge::app
