// SPDX-License-Identifier: AGPL-3.0-only
// From runs to a model.
#pragma once

#include "apps/forge/npu_model_study.hpp"
#include "libactors/control/conductor/trained_model.hpp"

namespace forge::app {

/// Trains on every chain; with `validate`, every head is judged on held-out chains first and only those that beat the constant and their
/// simple rule are marked as trusted. Without it none is.
/// @return errc::invalid_argument when the runs are of several lattices.
[[nodiscard]] result<conductor_model> train_model(const training_data& data, const study_options& o, bool validate, const study_progress& progress);

/// A model against runs that it has not seen: every head against the constant and its simple rule, both set on these very runs, which
/// favours them.
/// @return errc::conflict when a run was trained on, errc::not_found when the model knows no equilibrium on its lattice.
[[nodiscard]] result<study_report> judge_model(const conductor_model& m, const training_data& data, const study_options& o, const study_progress& progress);

} // namespace forge::app
