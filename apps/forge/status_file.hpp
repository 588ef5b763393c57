// SPDX-License-Identifier: AGPL-3.0-only
// RUN/status.json: the published snapshot that forge status reads.
#pragma once

#include "actors/runtime/status_board.hpp"
#include "apps/forge/campaign_files.hpp"

#include <nlohmann/json.hpp>

namespace forge::app {

/// The snapshot as JSON: chains, stages with all metrics, state; unknown numbers are null.
[[nodiscard]] nlohmann::json status_json(const campaign& plan, const run_status& status);

/// Replaces the file in one step (temporary file and rename). Failures are ignored: it is a view, the ledger is the truth.
void write_status_file(const run_folder& folder, const campaign& plan, const run_status& status);

} // namespace forge::app
