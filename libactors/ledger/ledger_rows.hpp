// SPDX-License-Identifier: AGPL-3.0-only
// From rows of SQLite to values. Private to libactors/ledger.
#pragma once

#include "libactors/ledger/rows.hpp"
#include "libactors/ledger/sqlite_handle.hpp"

namespace forge {

/// Columns: number, ordinal, first_trajectory, beta, trajectory_length, n_steps, integrator, n_thermalise,
/// n_measure, n_warmup, precision, df64_share, target_error, reason, epoch, superseded_by, finished_at.
[[nodiscard]] segment_row segment_of(const query& q, chain_id c);

} // namespace forge
