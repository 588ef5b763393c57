// SPDX-License-Identifier: AGPL-3.0-only
// Who may write what to a chain: the rules of the ledger as pure functions. The ledger applies them inside a transaction;
// the model check of tests/migration applies the same ones to a ledger in memory.
#pragma once

#include "libactors/base/result.hpp"
#include "libactors/ledger/rows.hpp"

#include <optional>

namespace forge {

/// Where a chain stands: its row in `chains`.
struct chain_row {
    chain_id chain;
    epoch_no epoch;
    std::uint64_t cursor = 0; ///< last trajectory of the current epoch
    std::uint64_t last = 0;   ///< last live record
    friend bool operator==(const chain_row&, const chain_row&) = default;
};

/// Where a chain stands, with the hash of live record `row.cursor` (genesis for 0).
struct chain_standing {
    chain_row row;
    digest head{};
};

/// What the ledger holds at the index of a claim.
struct live_place {
    std::optional<segment_no> segment; ///< live segment that covers the index
    std::optional<digest> record;      ///< hash of the live record there; looked at only up to the last one
};

/// What becomes of a commit.
struct commit_verdict {
    commit_kind kind = commit_kind::refused;
    std::optional<error> reason; ///< set when refused
    chain_standing after;        ///< when superseded_older: once every live record from the index on is superseded
};

/// A refusal as the ledger words it: of which trajectory of which chain.
[[nodiscard]] error commit_refusal(errc code, std::string what, const physics_record& r, std::string hint);

/// Nothing when `epoch` owns the chain, else errc::stale_epoch.
[[nodiscard]] std::optional<error> refuse_epoch(const chain_row& row, epoch_no epoch);

/// A new owner: the epoch grows, the cursor stands at the last live record.
[[nodiscard]] chain_row next_owner(const chain_row& row);

/// The owner goes on after `trajectory`; errc::stale_epoch, or errc::out_of_order beyond the last live record.
[[nodiscard]] result<chain_row> stand_at(const chain_row& row, epoch_no epoch, std::uint64_t trajectory);

/// The compare-and-set of a commit: accepted iff the epoch owns the chain, the index follows the cursor, the record names
/// the live one before it, and its segment covers it. Other bits than those that are live supersede them.
/// @param hash  of the record.
[[nodiscard]] commit_verdict judge_commit(const chain_standing& at, const commit_request& request, const digest& hash, const live_place& here);

/// A decision may only lie beyond the cursor of its owner. It supersedes every live record from its first trajectory on.
[[nodiscard]] std::optional<error> refuse_segment(const chain_row& row, std::uint64_t first_trajectory);

/// Commit first, then seal: a checkpoint's head is the live record there, and its writer owns the chain.
/// @param live  hash of the live record at the checkpoint's trajectory (genesis for 0), if there is one.
[[nodiscard]] std::optional<error> refuse_checkpoint(const chain_row& row, const checkpoint_row& checkpoint, const std::optional<digest>& live);

} // namespace forge
