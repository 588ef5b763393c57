// SPDX-License-Identifier: AGPL-3.0-only
// RUN/report: results.csv, report.md, plots.
#pragma once

#include "apps/forge/campaign_files.hpp"
#include "apps/forge/cli.hpp"

#include <string>

namespace forge::app {

struct written_report {
    std::filesystem::path markdown;
    std::string table;                 ///< for the terminal
    std::vector<std::string> warnings; ///< e.g. gnuplot is missing
    nlohmann::json data;
};

/// Reads the ledger (also of a run that is going on) and writes the report.
[[nodiscard]] result<written_report> write_report(const run_folder& folder);

void add_report_command(CLI::App& root, cli_state& state);

} // namespace forge::app
