// SPDX-License-Identifier: AGPL-3.0-only
// The copy of somebody else's run on this machine's disk, without actors. Private to actors/.
#pragma once

#include "libactors/base/result.hpp"
#include "libactors/control/mirror/mirror_sender.hpp"
#include "libactors/ledger/rows.hpp"

#include <filesystem>
#include <functional>
#include <optional>

namespace forge {

/// A file of a run, by its place in the run directory: ledger.sqlite, campaign.toml or checkpoints/NAME.
struct run_file {
    std::string name;
    digest hash{}; ///< SHA-256 of all its bytes
    std::uint64_t bytes = 0;
};

/// A copy as somebody who has lost the run sees it.
struct kept_run {
    std::string id;   ///< its folder's name
    std::string seed;
    digest config_hash{};
    std::uint64_t trajectories = 0; ///< live records
    std::vector<run_file> files;    ///< the ledger first
};

/// Reads a run directory and believes nothing: the whole ledger check, and for every chain that was sealed its newest
/// checkpoint, decoded, at the place where the ledger has it.
/// @return live records, or the first thing that is wrong.
[[nodiscard]] result<std::uint64_t> verify_run(const std::filesystem::path& folder);

/// ROOT/NAME-HASH/ is a run directory as its owner's: the same files, so that forge reads it and a run can go on from it.
/// One owner, one thread; every function leaves a copy that is either the one before or the one after.
class mirror_keeper {
public:
    explicit mirror_keeper(std::filesystem::path root);

    /// The files (by content) that this copy has, if it may follow the offer. @return judge_mirror_offer's refusal;
    /// errc::malformed for an offer that makes no sense; what the disk says.
    [[nodiscard]] result<std::set<digest>> open(const mirror_offer& offer);
    /// Where the next file is to be written before it is kept; emptied.
    [[nodiscard]] result<std::filesystem::path> clear_incoming();
    /// What was written there becomes this file, once its hash and contents are right. Only after open().
    [[nodiscard]] result<void> keep_file(const run_file& file);
    /// What was written there is a whole ledger, or (`whole` false) changes. Files that it does not list go.
    [[nodiscard]] result<void> keep_ledger(bool whole, const digest& hash, const ledger_standing& after);

    [[nodiscard]] result<std::vector<kept_run>> list() const;
    /// Path of a listed file. @return errc::not_found.
    [[nodiscard]] result<std::filesystem::path> find(const std::string& id, const std::string& name) const;

private:
    [[nodiscard]] result<void> install_whole(const digest& hash, const ledger_standing& after);
    [[nodiscard]] result<void> drop_unlisted() const;
    [[nodiscard]] std::filesystem::path incoming() const { return root_ / "incoming"; }

    std::filesystem::path root_;
    std::filesystem::path folder_; ///< of the campaign that is open
    mirror_offer offer_;
};

} // namespace forge
