// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/npu_commands.hpp"

namespace forge::app {

void add_npu_model_commands(CLI::App&, cli_state&) {}

} // namespace forge::app
