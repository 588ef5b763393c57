// SPDX-License-Identifier: AGPL-3.0-only
// Who may commit to a chain, and what may never be lost: the rules that the ledger enforces, as pure functions on a row.
#pragma once

#include "libactors/base/result.hpp"
#include "libactors/control/migration/types.hpp"

#include <optional>
#include <vector>

namespace forge::migration {

/// A checkpoint that the ledger lists, and the nodes whose disk holds a verified, durable copy of it.
struct held_checkpoint {
    checkpoint_ref ref;
    std::vector<node_name> copies; ///< sorted, each once
    [[nodiscard]] bool on(const node_name& node) const;
    friend bool operator==(const held_checkpoint&, const held_checkpoint&) = default;
};

/// What the ledger knows about the ownership of one chain; one durable row with its checkpoints.
///
/// Invariants, kept by every function below:
/// - `epoch` grows with every change of owner, every restart and every abort; it never falls.
/// - sealed.trajectory <= cursor.trajectory <= last; `sealed` never moves back and its history never changes.
/// - every checkpoint in the row is of the live history (its head is the live record at its index).
struct chain_ownership {
    std::optional<place> owner; ///< none before the first grant
    epoch_no epoch;             ///< 0 before the first grant
    position cursor;            ///< last record that the current epoch committed or validated, or where it began
    std::uint64_t last = 0;     ///< index of the last live record; beyond the cursor after a rewind
    position sealed;            ///< newest position that was on enough disks; final
    std::vector<held_checkpoint> checkpoints; ///< newest first
    std::optional<operation_id> open;         ///< the migration that is under way
    std::string parked;                       ///< why nobody may start the chain; empty: anybody may

    [[nodiscard]] const held_checkpoint* find(const digest& file) const;
    /// The newest checkpoint that a new owner may start from and that `node` holds; null: none.
    [[nodiscard]] const held_checkpoint* newest_on(const node_name& node) const;
    friend bool operator==(const chain_ownership&, const chain_ownership&) = default;
};

/// A trajectory handed in for good, reduced to what ownership looks at.
struct commit_claim {
    epoch_no epoch;
    std::uint64_t trajectory = 0;
    digest previous{}; ///< hash of record trajectory - 1
    digest hash{};     ///< hash of this record
    friend bool operator==(const commit_claim&, const commit_claim&) = default;
};

enum class commit_judgement : std::uint8_t {
    committed,        ///< new live record
    validated,        ///< the live record at this index has the same hash
    superseded_older, ///< the live record there had other bits: it and all after it are superseded
    repeated,         ///< this epoch had it already: a message came twice, nothing changes
    refused,
};

struct commit_verdict {
    commit_judgement kind = commit_judgement::refused;
    chain_ownership after;               ///< equals the row before when refused or repeated
    std::vector<held_checkpoint> dropped; ///< checkpoints of the superseded history; their copies may be deleted
    error reason;                        ///< when refused: stale_epoch or out_of_order
};

/// Rules of ownership. Each takes the row as it is in the ledger and returns the row as it has to be, or why not;
/// the caller stores the result in the same transaction in which it read the row.
class ownership_rules {
public:
    /// @param copies_wanted  disks that must hold a checkpoint before its state counts as sealed: 2 in a cluster,
    ///                       1 where there is one node only. Precondition: >= 1.
    explicit ownership_rules(std::size_t copies_wanted, protocol_flaw flaw = {});

    /// The first owner of a chain. @return errc::conflict when the chain has one.
    [[nodiscard]] result<chain_ownership> grant(const chain_ownership& row, const place& to) const;

    /// Judges one commit.
    ///
    /// Accepted iff claim.epoch is current, claim.trajectory = cursor + 1 and claim.previous = cursor.head.
    /// @param live_here  hash of the live record at claim.trajectory, from the records table; none: there is none.
    [[nodiscard]] commit_verdict judge(const chain_ownership& row, const commit_claim& claim,
                                       const std::optional<digest>& live_here) const;

    /// Lists a checkpoint that its owner made durable and verified.
    ///
    /// @param live_here  hash of the live record at ref.at.trajectory (genesis hash for 0).
    /// @return errc::stale_epoch; errc::out_of_order when the cursor has not met ref.at or it is of another history.
    [[nodiscard]] result<chain_ownership> add_checkpoint(const chain_ownership& row, const node_name& by, epoch_no epoch,
                                                         const checkpoint_ref& ref, const digest& live_here) const;
    /// Lists another verified, durable copy; enough of them seal the state. @return errc::not_found when the ledger
    /// does not list the file (any more): the copy is of no use.
    [[nodiscard]] result<chain_ownership> add_copy(const chain_ownership& row, const digest& file, const node_name& on) const;
    /// The node's disk holds these files and no others.
    [[nodiscard]] chain_ownership keep_copies(const chain_ownership& row, const node_name& node,
                                              const std::vector<digest>& held) const;
    /// Checkpoints older than the `generations` newest sealed ones leave the row. @return them too.
    [[nodiscard]] std::vector<held_checkpoint> drop_old(chain_ownership& row, std::size_t generations) const;

    /// The point of no return of a migration: (from, epoch, at) -> (to, epoch + 1, at).
    ///
    /// @return errc::stale_epoch when (from, epoch) is not the owner; errc::conflict when the ledger stands
    ///         elsewhere than `at`, when `at` is not sealed, or when `to` holds no copy of it.
    [[nodiscard]] result<chain_ownership> move(const chain_ownership& row, const node_name& from, epoch_no epoch,
                                               const position& at, const place& to) const;
    /// Gives up a migration: (from, epoch) -> (from, epoch + 1), so that a late `prepared` meets another epoch.
    [[nodiscard]] result<chain_ownership> abort(const chain_ownership& row, const node_name& from, epoch_no epoch) const;
    /// A new owner without the old one's help, or the old one after a restart: epoch + 1, cursor back to `from`.
    ///
    /// Records after `from` stay live until they are met: the same bits validate them, others supersede them.
    /// @param from  a checkpoint of the row on to.node; none: the beginning of the chain.
    /// @return errc::conflict below the sealed position, or when the node holds no copy.
    [[nodiscard]] result<chain_ownership> take_over(const chain_ownership& row, const place& to,
                                                    const std::optional<digest>& from, const digest& genesis) const;

private:
    void seal_what_is_covered(chain_ownership& row) const;
    [[nodiscard]] result<void> owned(const chain_ownership& row, const node_name& by, epoch_no epoch) const;
    std::size_t copies_wanted_;
    protocol_flaw flaw_;
};

} // namespace forge::migration
