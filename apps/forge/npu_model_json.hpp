// SPDX-License-Identifier: AGPL-3.0-only
// Models as JSON: w_in, w_res, w_out and what goes with them, readable by other programs and from them.
#pragma once

#include "apps/forge/cli.hpp"
#include "libactors/control/conductor/trained_model.hpp"

#include <filesystem>

namespace forge::app {

/// One reservoir of the model: {w_in[N*I], w_res[N*N], w_out[O*N], input_size, reservoir_size, output_size, leak_rate, activation: "Tanh"},
/// all by rows, and what those fields leave out: bias[O], schema_version, seed, feature_version, features, training_size, runs, heads
/// (name, first output, dim, activation, trained, trusted). Outputs are the heads one after another; a head that is not trained has zeros.
[[nodiscard]] result<nlohmann::json> model_to_json(const conductor_model& m, std::uint32_t reservoir);

/// Reads the same, and files that have the first eight fields alone: nine outputs are the nine-head conductor, which becomes the
/// eleven-head one with zeros for quenched_length and quenched_thermalisation; eleven are that. Heads that came so are not trusted, the
/// last two of nine count as not trained; variances are unknown.
/// @return errc::malformed naming the field, errc::unsupported (another activation), errc::version_too_new, errc::conflict (features).
[[nodiscard]] result<conductor_model> model_from_json(const nlohmann::json& j);

/// The model file: read and checked, written durably.
[[nodiscard]] result<conductor_model> load_model(const std::filesystem::path& file);
[[nodiscard]] result<void> save_model(const conductor_model& m, const std::filesystem::path& file);

} // namespace forge::app
