// SPDX-License-Identifier: AGPL-3.0-only
// From one topology to another while it runs: what differs, in which steps, and back again.
#pragma once

#include "libactors/flow/topology.hpp"

#include <optional>
#include <string>
#include <vector>

namespace forge {

/// One difference. Exactly one pair is in use: before and after of a stage, or of an edge; an unset before means added, an unset
/// after removed.
struct topology_change {
    std::optional<stage> stage_before, stage_after;
    std::optional<edge> edge_before, edge_after;
    friend bool operator==(const topology_change&, const topology_change&) = default;

    /// "add stage x", "change edge a -> b: bounded 4 becomes latest".
    [[nodiscard]] std::string text() const;
    [[nodiscard]] topology_change inverse() const { return {stage_after, stage_before, edge_after, edge_before}; }
};

/// Removed edges, removed stages, changed stages, added stages, changed edges, added edges; each group in the order of names.
/// Applied in this order, no edge ever hangs in the air. Empty exactly when before == after.
[[nodiscard]] std::vector<topology_change> diff(const topology& before, const topology& after);

/// @return `t` with the change made. Precondition: the change fits `t`.
[[nodiscard]] topology applied(const topology& t, const topology_change& c);

/// One step of a reconfiguration; what follows begins when it is done.
struct plan_step {
    enum class action : std::uint8_t {
        pause,  ///< the stage stops at its next boundary (a chain: after the trajectory that it runs); what waits for it stays
        drain,  ///< the consumer, still running, takes what is on the edge. An edge `latest` is emptied instead: the decision on
                ///< it counts as replaced
        rewire, ///< one change; stages start paused
        resume, ///< the stage goes on
    };
    action what = action::pause;
    std::string stage_id;   ///< of pause and resume
    std::string from, to;   ///< of drain
    topology_change change; ///< of rewire
    friend bool operator==(const plan_step&, const plan_step&) = default;

    [[nodiscard]] std::string text() const;
};

/// Steps from `before` to `after`; both are valid. Only the ends of edges that differ and stages that differ are paused.
///
/// Producers before consumers: a stage is paused when every edge into it that differs is drained, and such an edge is drained
/// when its producer stands; so nothing is lost or doubled on edges that hold. Resume goes the other way: consumers first.
/// Edges `latest` do not order anything and are emptied when all stands; a cycle without one is cut before its droppable stage,
/// where what still waits is dropped and counted.
[[nodiscard]] std::vector<plan_step> reconfiguration_plan(const topology& before, const topology& after);

/// Steps that lead back to `before` after the first `n_done` steps of reconfiguration_plan(before, after) were done. Stages that went on are paused again and
/// their new edges drained first, so that nothing is lost on the way back either.
[[nodiscard]] std::vector<plan_step> rollback_plan(const topology& before, const topology& after, std::size_t n_done);

} // namespace forge
