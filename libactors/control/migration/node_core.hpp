// SPDX-License-Identifier: AGPL-3.0-only
// A node's part in the protocol: its lease, and for every chain a seat that may own it, adopt it or keep copies of it.
#pragma once

#include "libactors/control/migration/chain_adopter.hpp"
#include "libactors/control/migration/chain_owner.hpp"

#include <map>

namespace forge::migration {

struct node_settings {
    lease_terms lease;
    std::size_t ahead_max = 64; ///< trajectories that a chain may be ahead of the ledger
    protocol_flaw flaw;
};

/// One chain on one node. `owner` stays as a tombstone after the chain has moved on.
struct chain_seat {
    chain_adopter adopter;
    std::optional<chain_owner> owner;
    [[nodiscard]] bool owns() const { return owner && owner->view().phase != owner_phase::retired; }
};

/// The node's side as (state, event) -> commands. The skin passes on what the coordinator says and what its own jobs
/// answer, and performs the commands in order. A new process makes a new object with a larger incarnation.
class node_core {
public:
    /// @param files  checkpoints found and verified on the disk, per chain.
    node_core(node_name self, std::uint64_t incarnation, std::map<chain_id, std::vector<checkpoint_ref>> files, node_settings settings);

    /// At start, and again every renew_s until welcomed(); later renewals. Call it every renew_s.
    [[nodiscard]] node_commands on_renew_due(double now_s);
    [[nodiscard]] bool welcomed() const { return welcomed_; }
    [[nodiscard]] node_commands on_message(const to_node& message);
    /// Every few seconds: what is not answered is said again.
    [[nodiscard]] node_commands on_resend_due();

    // ---- answers of the node's own jobs
    [[nodiscard]] bool may_start(chain_id chain, double now_s) const;
    /// Precondition: may_start.
    void on_started(chain_id chain);
    [[nodiscard]] node_commands on_finished(chain_id chain, const position& at);
    [[nodiscard]] node_commands on_seal_due(chain_id chain);
    [[nodiscard]] node_commands on_written(chain_id chain, const checkpoint_ref& ref);
    [[nodiscard]] node_commands on_write_failed(chain_id chain, const std::string& why);
    [[nodiscard]] node_commands on_pulled(chain_id chain, const digest& file, bool ok);
    [[nodiscard]] node_commands on_verified(chain_id chain, const digest& file, bool ok);
    [[nodiscard]] node_commands on_durable(chain_id chain, const digest& file, bool ok);
    [[nodiscard]] node_commands on_loaded(chain_id chain, bool ok);

    [[nodiscard]] const std::map<chain_id, chain_seat>& seats() const { return seats_; }
    [[nodiscard]] const node_name& self() const { return self_; }
    [[nodiscard]] std::uint64_t incarnation() const { return incarnation_; }
    [[nodiscard]] double lease_until_s() const { return lease_until_s_; }

private:
    chain_seat& seat(chain_id chain);
    node_commands handle(const lease_renewed& m);
    node_commands handle(const drain_chain& m);
    node_commands handle(const prepare_copy& m);
    node_commands handle(const chain_granted& m);
    node_commands handle(const row_told& m);
    node_commands handle(const commit_judged& m);
    node_commands handle(const seal_judged& m);
    node_commands handle(const drop_copy& m);

    node_name self_;
    std::uint64_t incarnation_;
    node_settings settings_;
    std::map<chain_id, chain_seat> seats_;
    bool welcomed_ = false;
    double lease_until_s_ = 0.0;
};

} // namespace forge::migration
