// SPDX-License-Identifier: AGPL-3.0-only
// The one arbiter of ownership: who runs which chain, migrations, take-overs, copies. Pure; it stands beside the ledger.
#pragma once

#include "libactors/control/migration/messages.hpp"
#include "libactors/control/migration/operation_log.hpp"
#include "libactors/control/migration/placement.hpp"
#include "libactors/control/migration/takeover.hpp"

#include <map>
#include <set>

namespace forge::migration {

struct coordinator_settings {
    lease_terms lease;
    restart_bound restarts;
    std::size_t copies_wanted = 2;    ///< see ownership_rules
    std::size_t generations_kept = 2; ///< sealed checkpoints per chain whose files stay
    std::size_t operations_kept = 1000;
    double resend_s = 2.0;
    double drain_limit_s = 600.0;   ///< a trajectory may take minutes
    double prepare_limit_s = 600.0; ///< so may a pull
    double grant_limit_s = 60.0;    ///< then the asker is told `unknown`
    protocol_flaw flaw;
};

struct node_row {
    node_name node;
    std::uint64_t incarnation = 0;
    friend bool operator==(const node_row&, const node_row&) = default;
};
struct chain_row {
    chain_id chain;
    digest genesis{}; ///< constant
    chain_ownership row;
    friend bool operator==(const chain_row&, const chain_row&) = default;
};
/// A chain that nobody has owned.
[[nodiscard]] inline chain_row fresh_chain(chain_id chain, const digest& genesis) {
    chain_row c{chain, genesis, {}};
    c.row.cursor = c.row.sealed = {0, genesis};
    return c;
}
/// Everything that outlives the coordinator's process.
struct durable_rows {
    std::vector<chain_row> chains;
    std::vector<operation> operations;
    std::vector<node_row> nodes;
};

// ---- commands; the skin performs them in order, and goes on only when a store succeeded ------------------------

/// One durable transaction. `chain` replaces the chain's row, its checkpoints and their copies.
struct store_rows {
    std::optional<chain_row> chain;
    std::optional<operation> op;
    std::optional<node_row> node;
    std::vector<operation_id> forget; ///< operations whose rows go
};
/// The record of this claim, and the row, in one transaction; superseding as the judgement says.
struct store_record {
    chain_row chain;
    commit_claim claim;
    commit_judgement judgement;
};
struct send_to_node {
    node_name to;
    to_node message;
};
/// Call on_resend_due(op) or, with `limit`, on_phase_limit(op, phase) after this time.
struct arm_timer {
    operation_id op;
    operation_phase phase;
    double after_s;
    bool limit;
};
/// For whoever asked for this operation: its row as it is now.
struct answer_operation {
    operation op;
};
/// For the event log and for people.
struct coordinator_notice {
    std::optional<chain_id> chain;
    std::string text;
};
using coordinator_command = std::variant<store_rows, store_record, send_to_node, arm_timer, answer_operation, coordinator_notice>;
using coordinator_commands = std::vector<coordinator_command>;

/// Coordinator as (state, event) -> commands. No clock, no I/O, no randomness; times are seconds, passed in.
///
/// All writes of ownership go through one object of this class. When a store fails, nothing after it may be
/// performed: the skin throws the object away and makes a new one from the durable rows, exactly as after a crash.
/// A migration is given up only by a ledger write (epoch + 1), so a late `copy_prepared` cannot race it.
class coordinator {
public:
    /// Rebuilt from durable rows after every start. Call `begin` next.
    coordinator(const coordinator_settings& settings, const durable_rows& rows);
    /// Every known node gets a full lease from now; open operations are taken up where the ledger says they are.
    [[nodiscard]] coordinator_commands begin(double now_s);

    /// Gives a chain that nobody ever owned to its first owner; the program does it after every start, for a crash may
    /// have come before. @return a notice only when somebody owns it.
    [[nodiscard]] coordinator_commands assign(chain_id chain, const place& to);

    /// The record of which `on_message` must be told the live hash: (chain, trajectory >= 1).
    struct record_key {
        chain_id chain;
        std::uint64_t trajectory = 0;
    };
    [[nodiscard]] static std::optional<record_key> record_needed(const to_coordinator& message);
    /// @param live_here  hash of the live record at record_needed(message), if there is one.
    [[nodiscard]] coordinator_commands on_message(const node_name& from, const to_coordinator& message,
                                                  const std::optional<digest>& live_here, double now_s);

    /// Somebody wants the chain elsewhere. A known id is answered from the log, whatever else is asked.
    /// @param verdict  judge_placement of the wish, with the owner as `current`.
    [[nodiscard]] coordinator_commands request_migrate(const operation_id& id, chain_id chain, const placement& verdict, double now_s);
    /// An operator overrides: the chain starts again now, unparked, on `to` or on the best live node.
    /// @param force  even when the owner holds a lease; its later commits are refused by their epoch.
    [[nodiscard]] coordinator_commands request_take_over(const operation_id& id, chain_id chain, const std::optional<node_name>& to,
                                                         bool force, double now_s);

    [[nodiscard]] coordinator_commands on_resend_due(const operation_id& id);
    [[nodiscard]] coordinator_commands on_phase_limit(const operation_id& id, operation_phase phase, double now_s);
    /// Looks at the leases, and again for homes of chains that have none. About once a second.
    [[nodiscard]] coordinator_commands on_tick(double now_s);
    /// What on_tick does about a node whose lease is over.
    [[nodiscard]] coordinator_commands on_lease_out(const node_name& node, double now_s);
    void on_down_hint(const node_name& node) { policy_.on_down_hint(node); }

    /// Precondition: the chain exists.
    [[nodiscard]] const chain_ownership& row(chain_id chain) const { return chains_.at(chain).row; }
    [[nodiscard]] const std::map<chain_id, chain_row>& chains() const { return chains_; }
    [[nodiscard]] const operation_log& operations() const { return log_; }
    [[nodiscard]] const takeover_policy& policy() const { return policy_; }
    [[nodiscard]] const std::set<chain_id>& orphans() const { return orphans_; } ///< chains that wait for a home
    [[nodiscard]] const std::map<node_name, std::uint64_t>& incarnations() const { return incarnations_; }

private:
    using out = coordinator_commands;
    void handle(const node_name& from, const node_hello& m, const std::optional<digest>& live, double now_s, out& o);
    void handle(const node_name& from, const renew_lease& m, const std::optional<digest>& live, double now_s, out& o);
    void handle(const node_name& from, const commit_chain& m, const std::optional<digest>& live, double now_s, out& o);
    void handle(const node_name& from, const seal_claim& m, const std::optional<digest>& live, double now_s, out& o);
    void handle(const node_name& from, const chain_offered& m, const std::optional<digest>& live, double now_s, out& o);
    void handle(const node_name& from, const copy_prepared& m, const std::optional<digest>& live, double now_s, out& o);
    void handle(const node_name& from, const unable& m, const std::optional<digest>& live, double now_s, out& o);
    void handle(const node_name& from, const ask_row& m, const std::optional<digest>& live, double now_s, out& o);
    void handle(const node_name& from, const chain_activated& m, const std::optional<digest>& live, double now_s, out& o);
    void handle(const node_name& from, const cannot_start& m, const std::optional<digest>& live, double now_s, out& o);

    // coordinator.cpp
    void tell_row(const node_name& to, chain_id chain, out& o) const;
    void put_row(chain_id chain, chain_ownership after, std::optional<operation> op, out& o);
    void drop(chain_id chain, const std::vector<held_checkpoint>& gone, epoch_no before, out& o) const;
    void replicate(chain_id chain, const std::optional<node_name>& only, out& o) const;
    void prune(chain_ownership& row, std::vector<held_checkpoint>& gone) const;
    [[nodiscard]] std::uint64_t incarnation_of(const node_name& node) const;

    // coordinator_operations.cpp
    [[nodiscard]] std::optional<operation> running_operation(chain_id chain) const;
    void drive(const operation& op, out& o) const;
    void arm(const operation& op, out& o) const;
    void remember(const operation& op, out& o);
    void finish(operation op, operation_phase phase, std::string answer, double now_s, out& o);
    void commit_move(operation op, chain_ownership row, double now_s, out& o);
    void give_up(operation op, const std::string& why, double now_s, out& o);

    // coordinator_takeover.cpp
    void fence(chain_id chain, const std::string& why, double now_s, out& o);
    void find_home(chain_id chain, double now_s, out& o);
    void hand_over(chain_id chain, const takeover_choice& choice, const std::string& why, double now_s, out& o);

    coordinator_settings settings_;
    ownership_rules rules_;
    std::map<chain_id, chain_row> chains_;
    operation_log log_;
    std::map<operation_id, checkpoint_ref> offers_; ///< of operations that are being prepared
    std::map<node_name, std::uint64_t> incarnations_;
    takeover_policy policy_;
    std::set<chain_id> orphans_;
};

} // namespace forge::migration
