// SPDX-License-Identifier: AGPL-3.0-only
// What a chain's actor knows. Private to chain_actor.cpp.
#pragma once

#include "actors/roles/conductor_line.hpp"
#include "actors/roles/roles.hpp"
#include "actors/roles/validation_line.hpp"

namespace forge {

struct chain_data {
    static inline const char* name = "chain";
    chain_deps deps;
    std::optional<chain_core> core;
    epoch_no epoch;
    chain_loaded home; ///< where the fields are
    std::optional<stage_meter> meter;
    std::optional<conductor_line> line;
    std::optional<validation_line> validation;
    std::vector<std::uint8_t> accepted; ///< of measured trajectories of this segment
    double seconds_per_trajectory = 0.0; ///< recent, exponential average over about 20
    double last_done = 0.0;
    double published = 0.0;
    bool failed = false;
    std::string waiting_for; ///< why the ledger is asked again; empty when it is not
    bool stop_requested = false;
    caf::actor heir;           ///< device worker that the chain moves to
    migration_times times;     ///< of coming here, then of leaving
    double begun_s = 0.0;      ///< steady clock
    double stop_asked_s = 0.0;
    double seal_begun_s = 0.0;
    std::optional<std::uint64_t> seal_requested; ///< somebody waits to hear that this trajectory is sealed
};

} // namespace forge
