// SPDX-License-Identifier: AGPL-3.0-only
// Where a campaign lives on disk, and how its parts are put together.
#pragma once

#include "actors/runtime/campaign_runtime.hpp"
#include "libactors/control/campaign.hpp"

#include <filesystem>
#include <string>

namespace forge::app {

/// RUN/ledger.sqlite, RUN/checkpoints, RUN/status.json, RUN/report/...
struct run_folder {
    std::filesystem::path root;
    [[nodiscard]] std::filesystem::path ledger() const { return root / "ledger.sqlite"; }
    [[nodiscard]] std::filesystem::path checkpoints() const { return root / "checkpoints"; }
    [[nodiscard]] std::filesystem::path status() const { return root / "status.json"; }
    [[nodiscard]] std::filesystem::path log() const { return root / "forge.log"; }
    [[nodiscard]] std::filesystem::path report() const { return root / "report"; }
    [[nodiscard]] std::filesystem::path control_socket() const { return root / "control" / "forge.sock"; }
    [[nodiscard]] std::filesystem::path campaign() const { return root / "campaign.toml"; }
};

/// A campaign file that was read and checked.
struct loaded_campaign {
    campaign plan;
    std::string text; ///< as written
    std::filesystem::path file;
    run_folder folder;
};

/// @param out  --out, or empty: the file's `output`, else runs/NAME in the current folder.
[[nodiscard]] result<loaded_campaign> load_campaign(const std::filesystem::path& file, const std::string& out);

/// A folder that holds a run: `given`, or the only one below runs/ of the current folder.
/// @return errc::not_found, naming the candidates when there are several.
[[nodiscard]] result<run_folder> find_run(const std::string& given);

/// The campaign as the run folder keeps it. @return errc::not_found when it is no run folder.
[[nodiscard]] result<campaign> campaign_of(const run_folder& folder);

/// Version of this program, e.g. "forge 0.1.0".
[[nodiscard]] std::string program_version();

} // namespace forge::app
