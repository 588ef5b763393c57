// SPDX-License-Identifier: AGPL-3.0-only
// The actors that speak to other nodes: how they are spawned. Private to actors/.
#pragma once

#include "actors/remote/remote_messages.hpp"
#include "actors/runtime/campaign_runtime.hpp"
#include "actors/runtime/status_board.hpp"
#include "libactors/transport/hub.hpp"

namespace forge {

/// A node may be busy with a trajectory of another chain; nobody waits longer than this for one.
inline constexpr std::chrono::seconds remote_timeout{6 * 3600};
inline constexpr std::chrono::seconds basp_timeout{3};

// ---- from the hub's thread
struct link_came { std::shared_ptr<link> l; };
struct link_went { link_peer peer; std::string why; };
// ---- cluster actor -> supervisor
struct node_came { link_peer peer; node_gate gate; std::vector<remote_device> devices; bool keeps_mirror; };
struct node_drains { std::string node; };
// ---- cluster actor to itself
struct attach_again { std::shared_ptr<link> l; int tries; };

/// Turns links into BASP connections, one at a time and anew after every reconnect.
///
/// @param own   the actor that is published to those who dial us
/// @param found called (in `self`) with the peer's gate on links that this node dialled
void attach_link(caf::event_based_actor* self, const caf::actor& basp, const std::shared_ptr<link>& l, const caf::strong_actor_ptr& own,
                 const std::set<std::string>& own_interface, const std::set<std::string>& wanted_interface,
                 std::function<void(const link_peer&, const caf::strong_actor_ptr&)> found, int tries = 0);

/// The coordinator's end (pooled): nodes that dial in introduce themselves here; the supervisor hears of them.
[[nodiscard]] caf::actor spawn_cluster(caf::actor_system& system, caf::actor basp, caf::actor supervisor, std::shared_ptr<status_board> board);

// ---- supervisor -> mirror, and back
struct finish_mirror {};
struct mirror_settled {};
/// Keeps a copy of the run on a second node (pooled): a thin skin around mirror_sender. Takes node_came of every node.
[[nodiscard]] caf::actor spawn_mirror(caf::local_actor* parent, std::shared_ptr<const runtime_parts> parts, caf::actor recorder,
                                      std::shared_ptr<status_board> board);
/// The node's end (detached): fetches, verifies, keeps; takes the remote_mirror_* messages of the node's gate.
[[nodiscard]] caf::actor spawn_keeper(caf::local_actor* parent, std::shared_ptr<hub> links, node_address coordinator, std::filesystem::path folder,
                                      std::shared_ptr<status_board> board);

/// What a remote device is reached by.
struct remote_slot {
    std::string id;     ///< "lab2/opencl:0"
    std::string device; ///< the node's own name for it
    node_gate gate;
    link_peer peer;
    std::shared_ptr<forge::hub> hub;
};
/// Stands for a device of another node (pooled): takes a worker's messages, moves fields over the data stream. Ends when
/// the node is lost.
[[nodiscard]] caf::actor spawn_remote_worker(caf::local_actor* parent, remote_slot slot, std::shared_ptr<status_board> board);

/// Links as the data stream carries them: canonical order, little-endian doubles; nothing is copied.
[[nodiscard]] stream_source source_of(links_handle links);
[[nodiscard]] stream_sink sink_into(std::shared_ptr<gauge_field> links);

} // namespace forge

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::link_came)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::link_went)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::node_came)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::node_drains)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::attach_again)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::finish_mirror)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::mirror_settled)
