// SPDX-License-Identifier: AGPL-3.0-only
// A run directory out of a copy that a node kept, when the coordinator's own is lost. No CAF in sight.
#pragma once

#include "actors/runtime/campaign_runtime.hpp"

#include <filesystem>
#include <functional>
#include <string>

namespace forge {

/// What is to be brought back.
struct recovery_wish {
    std::optional<digest> config_hash; ///< of the campaign; unset: whatever there is, if it is one
    std::optional<std::string> seed;   ///< that the campaign names
};

struct recovered_run {
    std::uint64_t trajectories = 0; ///< live records
    std::string from;               ///< node or folder
    std::string lineage;            ///< the new name of this history
};

/// Makes `root` out of a copy that lies in a folder of this machine (a node's, or one that was carried here).
///
/// Everything is copied beside `root` first, verified as a whole (verify_run), given a new name of its history, and only
/// then renamed: `root` is complete or not there. The copy itself is not touched.
/// @return errc::already_exists when `root` is there, errc::not_found, errc::conflict when the copy is of another campaign,
///         or what verification finds.
[[nodiscard]] result<recovered_run> recover_from_folder(const std::filesystem::path& copy, const recovery_wish& wish, const std::filesystem::path& root);

/// The same from a node: listens as the campaign would, waits for the node to come, fetches over the data stream.
///
/// @param node       its name; "node": the first that has a copy.
/// @param cancelled  asked every 0.1 s.  @param say  what goes on, for people.
/// @return errc::interrupted when cancelled; errc::not_found naming what the node has.
[[nodiscard]] result<recovered_run> recover_from_node(const cluster_parts& setup, const std::string& node, const recovery_wish& wish,
                                                      const std::filesystem::path& root, const std::function<bool()>& cancelled,
                                                      const std::function<void(const std::string&)>& say);

} // namespace forge
