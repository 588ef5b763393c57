// SPDX-License-Identifier: AGPL-3.0-only
// The actors of a campaign: what each needs, and how it is spawned. Private to actors/.
#pragma once

#include "actors/messages/messages.hpp"
#include "actors/runtime/campaign_runtime.hpp"

namespace forge {

/// A trajectory on a busy device may take long, and a worker serves many chains; but nobody waits for ever.
inline constexpr std::chrono::seconds worker_timeout{6 * 3600};
/// The recorder answers after a flush, a checkpoint of another chain included.
inline constexpr std::chrono::seconds recorder_timeout{600};
inline constexpr std::chrono::seconds steerer_timeout{30};

/// Seconds on the steady clock: the only clock that stages account with.
[[nodiscard]] double steady_now_s();
/// Wall time for people, "2026-01-31T12:00:00Z".
[[nodiscard]] std::string utc_now();
/// A new name for a run's history.
[[nodiscard]] std::string fresh_lineage();
/// Turns whatever is being handled by a catch clause into an error value.
[[nodiscard]] error current_exception_as_error();

/// Device worker (detached): owns the engine and the fields of its chains, runs one job at a time in order of arrival,
/// which is round robin by trajectory because a chain has at most one job outstanding.
[[nodiscard]] caf::actor spawn_worker(caf::local_actor* parent, device_slot slot, std::shared_ptr<status_board> board);

/// Recorder (detached, one per campaign): the only writer of ledger and checkpoints. Groups commits, at most
/// 20 ms or 256 records a transaction; grants credit after the commit.
[[nodiscard]] caf::actor spawn_recorder(caf::local_actor* parent, std::shared_ptr<const runtime_parts> parts,
                                        std::shared_ptr<status_board> board);

/// Conductor (detached, at most one per campaign): watches every chain, says when a pair has thermalised, proposes points. It never
/// touches a chain's state. Reads the ledger before it returns: call it before there is a recorder. Requests are gathered for plan.conductor.window_s and answered together.
[[nodiscard]] caf::actor spawn_conductor(caf::local_actor* parent, std::shared_ptr<const runtime_parts> parts, std::shared_ptr<status_board> board);

/// Steerer (pooled): answers with the parameters of a chain's next segment.
[[nodiscard]] caf::actor spawn_steerer(caf::local_actor* parent, std::shared_ptr<const runtime_parts> parts, std::vector<taken_point> taken,
                                       caf::actor conductor, std::shared_ptr<status_board> board);

/// Precision validator (detached, at most one per campaign): evaluates configurations again on a device of its own choice, with an engine and
/// fields of its own. What it finds goes to the recorder as events.
[[nodiscard]] caf::actor spawn_validator(caf::local_actor* parent, device_slot slot, caf::actor recorder, std::shared_ptr<status_board> board);

struct chain_deps {
    chain_id chain;
    std::string device;
    caf::actor worker, recorder, steerer, supervisor;
    caf::actor conductor; ///< none when the campaign has none
    caf::actor validator; ///< likewise
    channel validation_edge{}; ///< to it
    bool validation_droppable = true;
    std::uint32_t edge_capacity = 1;
    std::uint32_t segments_total = 0;
    std::size_t restarts = 0;
    std::string last_failure;
    bool paused = false; ///< it starts so
    std::shared_ptr<const runtime_parts> parts;
    std::shared_ptr<status_board> board;
};
/// Fills in what the current segment says: point, plaquette with its error, acceptance, speed, time to go.
/// @param accepted  of the segment's measured trajectories.  @param s  segments_total is set already.
void describe_segment(const chain_core& core, const std::vector<std::uint8_t>& accepted, double seconds_per_trajectory, chain_status& s);
/// Chain (pooled): a thin skin around chain_core.
[[nodiscard]] caf::actor spawn_chain(caf::local_actor* parent, chain_deps deps);

/// Supervisor (pooled): spawns the others, restarts what fails, ends the campaign.
[[nodiscard]] caf::actor spawn_supervisor(caf::actor_system& system, std::shared_ptr<const runtime_parts> parts,
                                          std::shared_ptr<status_board> board);

} // namespace forge
