// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/remote/node_middleman.hpp"

#include "actors/remote/remote_messages.hpp"

#include <algorithm>

namespace forge {

caf::node_id caf_node_id_of(const node_key& key) {
    caf::node_id::default_data::host_id_type host{};
    std::copy(key.begin(), key.end(), host.begin());
    return caf::make_node_id(1, host); // the key names the process already
}

cluster_config::cluster_config(const node_key& own) : key(own) {
    register_remote_messages(*this);
    load<node_middleman>();
    // BASP on the links: no idle polling, no heartbeats of its own (the links have them).
    set("middleman.workers", 0);
}

node_middleman::node_middleman(caf::actor_system& system) : middleman(system), system_(system), multiplexer_(&system) {}

caf::actor_system::module* node_middleman::make(caf::actor_system& system, caf::detail::type_list<>) { return new node_middleman(system); }

void node_middleman::init(caf::actor_system_config& config) {
    middleman::init(config);
    // node() hands out a reference to a member that is not const; modules start before the first actor copies it.
    const_cast<caf::node_id&>(system_.node()) = caf_node_id_of(static_cast<const cluster_config&>(config).key);
}

} // namespace forge
