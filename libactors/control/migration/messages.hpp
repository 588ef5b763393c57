// SPDX-License-Identifier: AGPL-3.0-only
// What the coordinator and the nodes say to each other about ownership. Values; the skin turns them into messages.
//
// Every one of them may be lost, doubled or late: a receiver judges by epoch, incarnation and operation id, and
// whoever is unsure asks the ledger (`ask_row`, answered by `row_told`).
#pragma once

#include "libactors/control/migration/ownership.hpp"

#include <variant>
#include <vector>

namespace forge::migration {

// ---- coordinator -> node -------------------------------------------------------------------------------------

/// Finish the running trajectory, commit, seal, freeze; answered by chain_offered or unable.
struct drain_chain {
    operation_id op;
    chain_id chain;
    epoch_no epoch;
    friend bool operator==(const drain_chain&, const drain_chain&) = default;
};
/// Pull a checkpoint and make it durable here; answered by copy_prepared or unable. An empty `op`: as a replica.
struct prepare_copy {
    operation_id op;
    chain_id chain;
    epoch_no epoch;
    checkpoint_ref ref;
    node_name from; ///< a node that holds it
    friend bool operator==(const prepare_copy&, const prepare_copy&) = default;
};
/// The ledger gives the chain to this node with this epoch. A hint: the node reads the row before it starts.
struct chain_granted {
    chain_id chain;
    epoch_no epoch;
    friend bool operator==(const chain_granted&, const chain_granted&) = default;
};
/// The row as it is in the ledger; answers ask_row and every message that came too late.
struct row_told {
    chain_id chain;
    chain_ownership row;
    friend bool operator==(const row_told&, const row_told&) = default;
};
struct commit_judged {
    chain_id chain;
    commit_claim claim;
    bool accepted = false;
    errc reason = errc::internal; ///< when not accepted
    friend bool operator==(const commit_judged&, const commit_judged&) = default;
};
struct seal_judged {
    chain_id chain;
    epoch_no epoch;
    digest file{};
    bool accepted = false;
    errc reason = errc::internal;
    friend bool operator==(const seal_judged&, const seal_judged&) = default;
};
/// The ledger lists this file no more. The same bits may be computed, written and listed again later, so the node
/// deletes only what it wrote in an epoch before `before`, and only as the incarnation that is meant.
struct drop_copy {
    chain_id chain;
    digest file{};
    std::uint64_t incarnation = 0;
    epoch_no before;
    friend bool operator==(const drop_copy&, const drop_copy&) = default;
};
/// The node's lease is new. `seats`: who owns which chain, so that a node that missed a message learns of it.
struct lease_renewed {
    std::uint64_t incarnation = 0;
    double asked_at_s = 0.0; ///< the node's own clock, as it sent it
    struct seat {
        chain_id chain;
        epoch_no epoch;
        node_name owner;
        friend bool operator==(const seat&, const seat&) = default;
    };
    std::vector<seat> seats;
    friend bool operator==(const lease_renewed&, const lease_renewed&) = default;
};
using to_node = std::variant<drain_chain, prepare_copy, chain_granted, row_told, commit_judged, seal_judged, drop_copy, lease_renewed>;

// ---- node -> coordinator -------------------------------------------------------------------------------------

/// What a node holds of one chain on its disk, verified.
struct held_files {
    chain_id chain;
    std::vector<digest> files;
    friend bool operator==(const held_files&, const held_files&) = default;
};
/// A process has started. Incarnations of a node name grow with every start.
struct node_hello {
    std::uint64_t incarnation = 0;
    double asked_at_s = 0.0;       ///< the node's own clock
    std::vector<held_files> holds; ///< every chain of which it holds anything
    friend bool operator==(const node_hello&, const node_hello&) = default;
};
struct renew_lease {
    std::uint64_t incarnation = 0;
    double asked_at_s = 0.0;
    struct running {
        chain_id chain;
        epoch_no epoch;
        friend bool operator==(const running&, const running&) = default;
    };
    std::vector<running> seats; ///< chains whose state this process has in memory
    friend bool operator==(const renew_lease&, const renew_lease&) = default;
};
struct commit_chain {
    chain_id chain;
    commit_claim claim;
    friend bool operator==(const commit_chain&, const commit_chain&) = default;
};
/// The checkpoint is durable and verified on the sender.
struct seal_claim {
    chain_id chain;
    epoch_no epoch;
    checkpoint_ref ref;
    friend bool operator==(const seal_claim&, const seal_claim&) = default;
};
/// The source is frozen: everything is committed and sealed at `ref`.
struct chain_offered {
    operation_id op;
    chain_id chain;
    epoch_no epoch;
    checkpoint_ref ref;
    friend bool operator==(const chain_offered&, const chain_offered&) = default;
};
/// The copy is durable and verified on the sender, of which another incarnation may have lost its disk.
struct copy_prepared {
    operation_id op;
    chain_id chain;
    epoch_no epoch;
    digest file{};
    std::uint64_t incarnation = 0;
    friend bool operator==(const copy_prepared&, const copy_prepared&) = default;
};
struct unable {
    operation_id op;
    chain_id chain;
    epoch_no epoch;
    std::string why;
    friend bool operator==(const unable&, const unable&) = default;
};
struct ask_row {
    chain_id chain;
    friend bool operator==(const ask_row&, const ask_row&) = default;
};
/// The new owner has the state in memory and goes on.
struct chain_activated {
    chain_id chain;
    epoch_no epoch;
    friend bool operator==(const chain_activated&, const chain_activated&) = default;
};
/// The node owns the chain and has not got the state where the cursor stands; `files`: what it does have.
struct cannot_start {
    chain_id chain;
    epoch_no epoch;
    std::vector<digest> files;
    std::string why;
    friend bool operator==(const cannot_start&, const cannot_start&) = default;
};
using to_coordinator = std::variant<node_hello, renew_lease, commit_chain, seal_claim, chain_offered, copy_prepared, unable,
                                    ask_row, chain_activated, cannot_start>;

} // namespace forge::migration
