// SPDX-License-Identifier: AGPL-3.0-only
// forge chain list, show and verify: looking, not touching.
#pragma once

#include "apps/forge/cli.hpp"

namespace forge::app {

/// Adds list, show and verify below `forge chain`.
void add_chain_views(CLI::App& chain, cli_state& state);

} // namespace forge::app
