// SPDX-License-Identifier: AGPL-3.0-only
// A node's gate: what it offers, and the chains of others that it computes. Private to actors/.
#pragma once

#include "actors/remote/remote_roles.hpp"
#include "actors/runtime/node_runtime.hpp"

namespace forge {

struct node_drain {};

/// The node's gate (pooled) with one detached worker a device and one detached mover of fields. When the coordinator is
/// lost, what is loaded is dropped: the coordinator goes on from its last seals, here or elsewhere.
[[nodiscard]] caf::actor spawn_node(caf::actor_system& system, caf::actor basp, std::shared_ptr<const node_parts> parts, std::shared_ptr<hub> links,
                                    std::shared_ptr<status_board> board);

} // namespace forge

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::node_drain)
