// SPDX-License-Identifier: AGPL-3.0-only
// The ledger of a campaign: who owns which chain, every committed trajectory, every decision. One SQLite file.
#pragma once

#include "libactors/base/result.hpp"
#include "libactors/ledger/rows.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace forge {

/// RUN/ledger.sqlite (docs/formats/ledger.md). A resource with one owner: movable, not copyable, one thread at a
/// time. At most one writer per run directory (RUN/ledger.lock); readers open their own object with
/// `open_read_only` and see what was committed before each call.
///
/// Every function that writes is one durable transaction: on return it is on the disk, on error nothing changed
/// and the object stays usable (errc::no_space and errc::io_failed may be retried once there is space).
/// Every function that takes a chain fails with errc::not_found when the campaign has no such chain, and writers
/// fail with errc::permission_denied on a ledger that was opened for reading.
class ledger {
public:
    /// Opens the ledger at `path` for writing; creates it when there is none.
    ///
    /// @return errc::locked when another process (or object) writes, naming its pid; errc::conflict when the file
    ///         belongs to another campaign, naming the fields that differ (seed, config, n_chains);
    ///         errc::version_too_new; errc::unsupported on a network file system; errc::not_found without the
    ///         directory; errc::malformed when the file is no ledger.
    [[nodiscard]] static result<ledger> create_or_open(const std::filesystem::path& path, const campaign_identity& id);

    /// Opens an existing ledger for writing, whichever campaign it belongs to. @return as create_or_open; errc::not_found.
    [[nodiscard]] static result<ledger> open_existing(const std::filesystem::path& path);

    /// Opens an existing ledger for reading; works beside a writer, without one, and on read-only media.
    [[nodiscard]] static result<ledger> open_read_only(const std::filesystem::path& path);

    ledger(ledger&&) noexcept;
    ledger& operator=(ledger&&) noexcept;
    ~ledger();

    /// The campaign as it was when the ledger was created.
    [[nodiscard]] const campaign_identity& identity() const;

    // ---- ownership -------------------------------------------------------------------------------------------

    /// Makes the caller the owner of the chain: epoch + 1. Commits of older epochs are refused from here on.
    /// The cursor of the new epoch stands at the last live record; `begin_at` moves it back to a checkpoint.
    [[nodiscard]] result<epoch_no> take_epoch(chain_id chain);
    /// Current epoch; 0 before the first `take_epoch`.
    [[nodiscard]] result<epoch_no> epoch(chain_id chain);
    /// The next commit of this epoch will be `trajectory` + 1. Records after it stay live until they are met.
    /// @return errc::stale_epoch; errc::out_of_order when there is no live record at `trajectory` (0 is allowed).
    [[nodiscard]] result<void> begin_at(chain_id chain, epoch_no epoch, std::uint64_t trajectory);
    /// Index of the last trajectory that the current epoch committed or validated, or where it began.
    [[nodiscard]] result<std::uint64_t> cursor(chain_id chain);

    // ---- segments --------------------------------------------------------------------------------------------

    /// The segment that starts at `first_trajectory`.
    ///
    /// When a live one starts there, it is returned unchanged whatever `params` say: the decision was taken, a
    /// replay meets it again. Otherwise a new one is issued: number = largest ever issued in the chain + 1
    /// (from 0), ordinal = live segments before it. A new decision in the past of the chain supersedes every live
    /// record from `first_trajectory` on and every live segment that starts later. Earlier segments are finished.
    /// @return errc::stale_epoch; errc::out_of_order when first_trajectory is not beyond the cursor.
    [[nodiscard]] result<segment_row> open_segment(chain_id chain, epoch_no epoch, std::uint64_t first_trajectory,
                                                   const segment_params& params, std::string_view reason);
    /// Marks a live segment as finished (the last of a campaign; the others finish when the next one opens).
    /// Superseding its last record takes the mark away again.
    [[nodiscard]] result<void> finish_segment(chain_id chain, epoch_no epoch, segment_no number);
    /// In order of their numbers.
    [[nodiscard]] result<std::vector<segment_row>> segments(chain_id chain, bool live_only = true);

    // ---- records ---------------------------------------------------------------------------------------------

    /// Commits trajectories, all in one transaction; one outcome per request.
    ///
    /// Request (chain, i, e) is accepted iff e is the chain's epoch, i = cursor + 1, `record.previous` is the hash
    /// of live record i-1 (the genesis hash for i = 1) and `record.segment` is the live segment that covers i.
    /// A refused item changes nothing; later items of the same chain are then refused by the same rules.
    /// @return an error only when the transaction as a whole failed: nothing of it is in the ledger.
    [[nodiscard]] result<commit_result> commit(std::span<const commit_request> requests);

    /// Calls `use` for every record with from <= trajectory <= to, in order of trajectory (superseded rows of an
    /// index before the live one); stops early when `use` returns false.
    [[nodiscard]] result<void> each_record(chain_id chain, bool live_only, std::uint64_t from, std::uint64_t to,
                                           const std::function<bool(const record_row&)>& use);
    [[nodiscard]] result<std::vector<record_row>> records(chain_id chain, bool live_only = true, std::uint64_t from = 1,
                                                          std::uint64_t to = UINT64_MAX);
    /// Last live record; none before the first commit.
    [[nodiscard]] result<std::optional<record_row>> last_record(chain_id chain);
    [[nodiscard]] result<std::uint64_t> count(chain_id chain, bool live_only = true);
    /// Receipts of the live record at `trajectory`: its commit first, then its validations.
    [[nodiscard]] result<std::vector<receipt_row>> receipts(chain_id chain, std::uint64_t trajectory);

    // ---- checkpoints -----------------------------------------------------------------------------------------

    /// Records a durable, verified file. A row with the same chain and file name is replaced.
    /// @return errc::stale_epoch; errc::out_of_order when `head` is not the live record at `trajectory`
    ///         (commit first, then seal).
    [[nodiscard]] result<void> add_checkpoint(const checkpoint_row& row);
    /// Newest first (by trajectory, then by time of writing), live or not.
    [[nodiscard]] result<std::vector<checkpoint_row>> checkpoints(chain_id chain);
    /// Trajectory of the newest live checkpoint: everything up to it is sealed. None: nothing is.
    [[nodiscard]] result<std::optional<std::uint64_t>> sealed(chain_id chain);
    /// Takes the row out. @return errc::not_found.
    [[nodiscard]] result<void> forget_checkpoint(chain_id chain, std::string_view file);

    // ---- decisions and events --------------------------------------------------------------------------------

    [[nodiscard]] result<void> add_event(const event_row& event);
    /// In order of writing, those with id > `after`.
    [[nodiscard]] result<std::vector<event_row>> events(std::uint64_t after = 0);

    // ---- copies (ledger_mirror.cpp) ----------------------------------------------------------------------------

    [[nodiscard]] result<ledger_standing> standing();
    /// Writes the whole ledger to `file`, which must not exist, and notes from here on what changes.
    /// Cost: one pass over the file; not synced, for it travels.
    [[nodiscard]] result<ledger_standing> copy_to(const std::filesystem::path& file);
    /// What changed since copy_to or the last call, one row once however often it changed.
    /// @return errc::out_of_order when nothing was noted, or so much (64 MiB) that noting was given up: make a whole copy.
    [[nodiscard]] result<ledger_changes> take_changes();
    /// On a copy: brings it forward, or changes nothing.
    /// @return errc::out_of_order when the copy is not where the changes begin, errc::checksum_mismatch when it then does not
    ///         stand where they end, errc::malformed when the bytes are no changes.
    [[nodiscard]] result<void> apply(const ledger_changes& changes);
    /// The names of this history, oldest first: a new one is added when a run is rebuilt from a copy.
    [[nodiscard]] result<std::vector<std::string>> lineage();
    [[nodiscard]] result<void> add_lineage(const std::string& name, const std::string& utc);

    // ---- integrity -------------------------------------------------------------------------------------------

    /// SHA-256 of the chain heads as bytes, in order of chain id (hash of the last live record, or genesis).
    /// Depends on the physics only: not on epochs, receipts, superseded rows or how commits were grouped.
    [[nodiscard]] result<digest> ledger_hash();

    /// Recomputes everything: SQLite's own integrity check, the seal of every row, every record's bytes, hash,
    /// columns and chain link, one live record per index without gaps, segments, epochs.
    /// @param only  that chain alone (and the file as a whole); all when empty.
    /// @return the report, with what is wrong; an error only when the file cannot be read at all.
    [[nodiscard]] result<check_report> check(std::optional<chain_id> only = std::nullopt);

    struct inner; ///< what the implementation files share; incomplete everywhere else

private:
    explicit ledger(std::unique_ptr<inner> in);
    std::unique_ptr<inner> in_;
};

} // namespace forge
