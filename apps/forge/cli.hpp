// SPDX-License-Identifier: AGPL-3.0-only
// What every forge command shares: exit code, output streams, JSON envelope.
#pragma once

#include "libactors/base/result.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace forge::app {

/// Set by the command that ran; main() returns exit_code.
struct cli_state {
    int exit_code = 0;
};

/// Prints the error to stderr and stores its exit code.
void report_error(cli_state& state, const error& e);

/// One versioned envelope on stdout: {"schema": "forge.<name>/1", "at": UTC, "data": ..., "warnings": [...]}.
void print_json(const std::string& schema, nlohmann::json data, const std::vector<std::string>& warnings = {});

/// Null where there is no value: an unknown is never 0.
template <class T>
[[nodiscard]] nlohmann::json or_null(const std::optional<T>& value) {
    return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

/// What every command that looks at a run can be told.
struct run_view {
    std::string run; ///< --run DIR; empty: the only one below runs/
    bool json = false;
};
/// Adds --run and --json; the options live as long as the returned handle.
[[nodiscard]] std::shared_ptr<run_view> add_run_view(CLI::App& command);

/// Current UTC time, "2026-11-21T05:00:00Z".
[[nodiscard]] std::string utc_now();

/// True when standard error is a terminal that may be decorated (not NO_COLOR, not TERM=dumb).
[[nodiscard]] bool fancy_terminal();

} // namespace forge::app
