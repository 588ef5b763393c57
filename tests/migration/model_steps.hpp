// SPDX-License-Identifier: AGPL-3.0-only
// What may happen in a world, and what it does: shared by the model check, which takes every way, and the simulation.
#pragma once

#include "tests/migration/control_plane.hpp"

namespace forge::model {

enum class act : std::uint8_t {
    // what happens by itself when machines and wires are well
    node_works, answer, supervise, record, flush_again, lose_worker, restart, retry_seal, prepare_again, ask_again, node_missed, node_notices, join,
    start_node, start_coordinator, seal_due,
    // what does not
    late_answer, request, request_again, flush_refused, work_refused, row_refused, flush_again_refused, cut, cut_late, node_drains, crash_node, crash_coordinator
};

[[nodiscard]] inline bool fair(act a) { return a <= act::seal_due; }

/// Steps whose moment nobody can tell: whatever else may happen before or after them leads to the same states. A node that
/// works late looks like one whose answer comes late; what a node does unlinked shows when it joins; without a coordinator
/// there are only nodes. The model check takes such a step at once.
[[nodiscard]] inline bool moment_is_hidden(act a) {
    return a == act::node_works || a == act::node_notices || a == act::start_node || a == act::start_coordinator;
}

struct action {
    act what = act::node_works;
    std::uint8_t index = 0; ///< node, chain, operation or message
    std::uint8_t fuse = 0;  ///< the coordinator dies after this many durable writes
    crash_kind kind = crash_kind::process;
};

/// Everything that can happen next.
/// @param troubled  also what does not happen by itself, requests apart.
void collect(const world& w, bool troubled, std::vector<action>& out);

/// Does it; `asked` names the operation of a request. @return durable writes of the coordinator.
unsigned apply(world& w, const action& a, double now_s, const operation_request* asked);

[[nodiscard]] std::string words(const world& w, const action& a);

/// A campaign whose coordinator runs and whose nodes have joined.
[[nodiscard]] world begun(const settings& s);

} // namespace forge::model
