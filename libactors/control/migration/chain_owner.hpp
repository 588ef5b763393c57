// SPDX-License-Identifier: AGPL-3.0-only
// The owner's side: runs a chain under an epoch and a lease, drains, freezes, retires.
#pragma once

#include "libactors/control/migration/node_commands.hpp"

#include <deque>

namespace forge::migration {

enum class owner_phase : std::uint8_t {
    running,
    draining, ///< starts nothing; commits and seals what there is
    frozen,   ///< everything is sealed and offered; only a ledger write makes it run again
    retired,  ///< somebody else owns the chain; answers callers with `moved`
};
[[nodiscard]] std::string_view name_of(owner_phase p);

/// Where a caller finds the chain.
struct chain_moved {
    chain_id chain;
    epoch_no epoch;
    node_name node;
    friend bool operator==(const chain_moved&, const chain_moved&) = default;
};

/// Owner of one chain as (state, event) -> commands.
///
/// Nothing local ends `draining` or `frozen`: no timer, no lost connection. A row with a newer epoch does, whether it
/// names this node (go on, with what is in memory) or another (retire). Commits go out in order; an answer that does
/// not fit makes the owner read the row and compare.
class chain_owner {
public:
    struct snapshot {
        checkpoint_ref ref;    ///< file unknown (zeros) until written
        bool written = false;
        bool durable = false;
        bool claimed = false;  ///< a seal_claim is out
        friend bool operator==(const snapshot&, const snapshot&) = default;
    };
    struct data {
        chain_id chain;
        place self;
        epoch_no epoch;
        position committed;
        std::deque<commit_claim> pending; ///< computed, not acknowledged; in order
        bool computing = false;
        bool seal_due = false;
        bool asking = false;
        owner_phase phase = owner_phase::running;
        operation_id op;                        ///< that it drains for
        std::optional<snapshot> saving;         ///< at most one at a time
        std::optional<checkpoint_ref> sealed;   ///< newest that the ledger acknowledged
        double lease_until_s = 0.0;
        std::optional<chain_moved> moved_to;    ///< when retired
        friend bool operator==(const data&, const data&) = default;
    };

    /// @param sealed  the checkpoint it was started from; none for the beginning of the chain.
    chain_owner(chain_id chain, place self, epoch_no epoch, position at, std::optional<checkpoint_ref> sealed, lease_terms lease,
                std::size_t ahead_max, double lease_until_s, protocol_flaw flaw);

    /// A trajectory may be started: it runs, is not too far ahead of the ledger, and has a lease.
    [[nodiscard]] bool may_start(double now_s) const;
    /// Precondition: may_start.
    void on_started() { data_.computing = true; }
    /// The device has finished: record `at`. Precondition: one was started.
    [[nodiscard]] node_commands on_finished(const position& at);
    /// Every 30 s, at stop, on command: a checkpoint at the next trajectory boundary.
    [[nodiscard]] node_commands on_seal_due();

    [[nodiscard]] node_commands on_written(const checkpoint_ref& ref);
    [[nodiscard]] node_commands on_write_failed(const std::string& why);
    [[nodiscard]] node_commands on_durable(const digest& file);

    [[nodiscard]] node_commands on_drain(const drain_chain& m);
    [[nodiscard]] node_commands on_granted(const chain_granted& m);
    /// Sets `reload` when the memory is not of the ledger's history: the state has to come from the disk.
    [[nodiscard]] node_commands on_row(const chain_ownership& row, bool& reload);
    [[nodiscard]] node_commands on_commit_judged(const commit_judged& m);
    [[nodiscard]] node_commands on_seal_judged(const seal_judged& m);
    /// From lease_renewed: who owns the chain.
    [[nodiscard]] node_commands on_seat(const lease_renewed::seat& seat);
    void on_lease(double until_s) { data_.lease_until_s = until_s; }
    /// Says again whatever is not answered. Every few seconds.
    [[nodiscard]] node_commands on_resend_due();

    /// Somebody's message for the chain came here. @param hops  times it was forwarded; a second time is refused.
    /// @return where it belongs; none: handle it here, or refuse it when retired and hops > 0.
    [[nodiscard]] std::optional<chain_moved> redirect(std::uint32_t hops) const;

    [[nodiscard]] const data& view() const { return data_; }
    /// Where the computation stands, acknowledged or not.
    [[nodiscard]] position computed() const;

private:
    void proceed(node_commands& out);
    void ask(node_commands& out);
    void save(node_commands& out);
    void claim_seal(node_commands& out);
    [[nodiscard]] bool adopt_cursor(const position& cursor);
    data data_;
    lease_terms lease_;
    std::size_t ahead_max_;
    protocol_flaw flaw_;
};

} // namespace forge::migration
