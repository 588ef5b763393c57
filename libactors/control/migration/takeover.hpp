// SPDX-License-Identifier: AGPL-3.0-only
// When a chain gets a new owner without the old one's help, where, and how often.
#pragma once

#include "libactors/control/migration/ownership.hpp"

#include <deque>
#include <map>

namespace forge::migration {

/// How often one chain may be restarted or taken over before it is parked.
struct restart_bound {
    std::size_t restarts_max = 3;
    double window_s = 60.0;
};

/// Where a chain can be taken up again.
struct takeover_choice {
    place to;
    std::optional<digest> from; ///< checkpoint file; none: the beginning
    std::uint64_t trajectory = 0;
};

/// The live node with the newest usable checkpoint; of equals the present owner, then the first by name.
///
/// @param live  nodes that hold a lease, sorted.
/// @return none when no live node holds anything at or beyond the sealed position: wait for a disk to come back.
[[nodiscard]] std::optional<takeover_choice> choose_takeover(const chain_ownership& row, const std::vector<node_name>& live);

/// Leases and restart intensity; the times are the coordinator's.
///
/// A monitor's `down` is a hint: it makes the coordinator look (`suspect`), and the lease decides.
class takeover_policy {
public:
    takeover_policy(lease_terms lease, restart_bound bound) : lease_(lease), bound_(bound) {}

    /// The node was heard of. Times never run backwards: an older one is ignored.
    void on_alive(const node_name& node, double now_s);
    /// A monitor says the node is gone: worth asking it for a sign of life. Changes nothing else.
    void on_down_hint(const node_name& node) { suspects_[node] = true; }
    [[nodiscard]] bool suspect(const node_name& node) const;
    /// Nodes whose lease has run out since the last call; each is named once.
    [[nodiscard]] std::vector<node_name> expired(double now_s);
    /// The lease is over by decision (the node's next incarnation said hello; an operator knows better).
    void on_lost(const node_name& node);
    [[nodiscard]] bool live(const node_name& node) const;
    /// Sorted.
    [[nodiscard]] std::vector<node_name> live_nodes() const;

    /// Counts a restart. @return the reason to park the chain when this one is too many; empty otherwise.
    [[nodiscard]] std::string on_restart(chain_id chain, double now_s);
    /// An operator wants the chain to run: the count starts again.
    void forgive(chain_id chain) { restarts_.erase(chain); }

    [[nodiscard]] const lease_terms& terms() const { return lease_; }

private:
    lease_terms lease_;
    restart_bound bound_;
    std::map<node_name, double> until_; ///< of live nodes
    std::map<node_name, bool> suspects_;
    std::map<chain_id, std::deque<double>> restarts_;
};

} // namespace forge::migration
