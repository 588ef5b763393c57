// SPDX-License-Identifier: AGPL-3.0-only
// CAF's middleman with a node id of our own. Private to actors/.
#pragma once

#include "libactors/transport/hello.hpp"

#include <caf/all.hpp>
#include <caf/io/middleman.hpp>
#include <caf/io/network/default_multiplexer.hpp>

namespace forge {

/// CAF derives a node's id from hardware and pid, which are equal in two containers: two such nodes then steal each
/// other's answers. Ours is the random key that the links' hello carries, drawn at every start, so that a restarted
/// process is another node and no stale handle reaches it.
[[nodiscard]] caf::node_id caf_node_id_of(const node_key& key);

/// Configuration of an actor system that talks to other nodes: its id, the middleman, the messages that travel.
class cluster_config : public caf::actor_system_config {
public:
    explicit cluster_config(const node_key& own);
    node_key key;
};

/// Loaded by cluster_config in place of caf::io::middleman.
class node_middleman : public caf::io::middleman {
public:
    explicit node_middleman(caf::actor_system& system);
    static caf::actor_system::module* make(caf::actor_system& system, caf::detail::type_list<>);
    caf::io::network::multiplexer& backend() override { return multiplexer_; }
    void init(caf::actor_system_config& config) override;

private:
    caf::actor_system& system_;
    caf::io::network::default_multiplexer multiplexer_;
};

} // namespace forge
