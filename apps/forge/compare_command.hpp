// SPDX-License-Identifier: AGPL-3.0-only
// forge gauge compare: how far two configurations are apart, link by link and in what does not depend on the gauge.
#pragma once

#include "apps/forge/cli.hpp"
#include "libactors/lattice/extents.hpp"

#include <optional>
#include <string>

namespace forge::app {

struct compare_request {
    std::string first;            ///< any readable gauge configuration, or a checkpoint of ours
    std::string second;
    std::optional<extents> shape; ///< for files that carry none
    bool as_json = false;         ///< forge.gauge.compare/1 on standard output
};

/// Compares and prints. Different configurations are no failure: the exit code stays 0. A file that gauge check would
/// refuse gives its exit code (3, 4 or 6), different extents errc::conflict.
void compare_configurations(const compare_request& request, cli_state& state);

} // namespace forge::app
