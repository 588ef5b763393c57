// SPDX-License-Identifier: AGPL-3.0-only
// The adopting side: fetches copies, makes them durable, and starts a chain that the ledger gave to this node.
#pragma once

#include "libactors/control/migration/node_commands.hpp"

namespace forge::migration {

enum class copy_phase : std::uint8_t { idle, pulling, verifying, syncing };

/// A verified, durable checkpoint on this node's disk.
struct local_file {
    checkpoint_ref ref;
    epoch_no written_in; ///< newest epoch that asked for it or wrote it; 0: found on the disk at start
    friend bool operator==(const local_file&, const local_file&) = default;
};

/// One chain's copies on one node, and the way from a grant to a running chain; (state, event) -> commands.
///
/// A copy is reported when it is verified and durable, not before. A grant is a hint: the row is read, and the state
/// where its cursor stands is loaded, before anything starts.
class chain_adopter {
public:
    struct start {
        place where;
        epoch_no epoch;
        position at;
        std::optional<checkpoint_ref> from;
        friend bool operator==(const start&, const start&) = default;
    };
    struct data {
        chain_id chain;
        node_name self;
        std::uint64_t incarnation = 0;
        std::vector<local_file> files;
        copy_phase phase = copy_phase::idle;
        std::optional<prepare_copy> fetching; ///< unless idle
        std::optional<epoch_no> asked;        ///< granted this epoch, waiting for the row
        std::optional<start> loading;
        friend bool operator==(const data&, const data&) = default;
    };

    /// @param files  found and verified on the disk, with written_in = 0.
    chain_adopter(chain_id chain, node_name self, std::uint64_t incarnation, std::vector<local_file> files, protocol_flaw flaw);

    [[nodiscard]] node_commands on_prepare(const prepare_copy& m);
    [[nodiscard]] node_commands on_pulled(const digest& file, bool ok);
    [[nodiscard]] node_commands on_verified(const digest& file, bool ok);
    [[nodiscard]] node_commands on_durable(const digest& file, bool ok);
    [[nodiscard]] node_commands on_drop(const drop_copy& m);
    /// The owner on this node wrote a checkpoint.
    void on_own_file(const checkpoint_ref& ref, epoch_no epoch);

    [[nodiscard]] node_commands on_granted(const chain_granted& m);
    [[nodiscard]] node_commands on_row(const chain_ownership& row);
    /// @return the chain that is to be owned from here on, when it was loaded and the grant still stands.
    [[nodiscard]] std::optional<start> on_loaded(bool ok, node_commands& out);
    [[nodiscard]] node_commands on_resend_due() const;

    [[nodiscard]] bool holds(const digest& file) const;
    [[nodiscard]] std::vector<digest> file_names() const;
    [[nodiscard]] const data& view() const { return data_; }

private:
    void report(const prepare_copy& m, node_commands& out) const;
    void put_file(const checkpoint_ref& ref, epoch_no epoch);
    data data_;
    protocol_flaw flaw_;
};

} // namespace forge::migration
