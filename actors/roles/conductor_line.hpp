// SPDX-License-Identifier: AGPL-3.0-only
// A chain's side of its conversation with the conductor. Private to actors/.
#pragma once

#include "actors/messages/conductor_messages.hpp"
#include "actors/runtime/status_board.hpp"
#include "libactors/control/conductor/trajectory_gatherer.hpp"

#include <functional>

namespace forge {

/// Tells the conductor what the chain does and asks it what the chain may do; a conductor that is not there or does not answer
/// costs nothing but its advice.
///
/// What is sent when is trajectory_gatherer's; nothing here ever delays the device.
class conductor_line {
public:
    /// @param self  the chain's actor, which must outlive this.  @param conductor  may be empty.
    /// @param recorder  gets what was predicted and decided as events.
    conductor_line(caf::event_based_actor* self, caf::actor conductor, caf::actor recorder, chain_id chain);
    [[nodiscard]] explicit operator bool() const { return static_cast<bool>(conductor_); }

    /// Asks for what is good to know before the chain's first trajectory; collected when the device is ready.
    void predict(const std::optional<segment_params>& params);
    /// The device is ready; the chain stands after this trajectory.
    void collect(std::uint64_t trajectory);

    /// The segment that `trajectory` (within the chain) belongs to has this many trajectories now, the last of them as observed.
    void on_trajectory(const opened_segment& segment, std::uint32_t done, const watched_trajectory& t);
    void on_segment_over(const opened_segment& segment);
    /// Asks whether thermalisation may end; `use` is called once, at once without a conductor.
    void check(const opened_segment& segment, std::uint32_t done, std::function<void(const thermalisation_answer&)> use);
    void on_gone(bool gone);

private:
    void send(std::optional<watched_batch> batch);
    void check_drift(trajectory_gatherer::drift_question asked, std::uint64_t trajectory);
    void log(const char* kind, std::uint64_t trajectory, std::string text);
    caf::event_based_actor* self_;
    caf::actor conductor_, recorder_;
    chain_id chain_;
    trajectory_gatherer gatherer_;
    std::uint32_t asked_ = 0, answered_ = 0;
    bool collected_ = false;
    std::string predictions_;
};

} // namespace forge
