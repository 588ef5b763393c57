// SPDX-License-Identifier: AGPL-3.0-only
// A chain's edge to the precision validator: which configurations go there, and when the chain waits for it. Private to actors/.
#pragma once

#include "actors/messages/validation_messages.hpp"
#include "actors/runtime/status_board.hpp"
#include "libactors/control/validation/running_result.hpp"
#include "libactors/flow/channel.hpp"

#include <functional>
#include <map>

namespace forge {

/// A filtered edge. A configuration whose result fulfils the condition is copied from the device before the next trajectory runs, and goes to
/// the validator together with what that next trajectory gave.
///
/// A full edge drops what comes (droppable) or keeps the chain from running on. A validator that dies closes the edge; what was under way is
/// lost, which is an event. It changes no bit.
class validation_line {
public:
    /// @param self  the chain's actor, which must outlive this.  @param validator  may be empty.  @param via  a filtered edge whose condition is legal.
    validation_line(caf::event_based_actor* self, caf::actor validator, caf::actor worker, caf::actor recorder, std::shared_ptr<status_board> board,
                    chain_id chain, const extents& lattice, std::uint64_t key, channel via, bool droppable);
    [[nodiscard]] explicit operator bool() const { return condition_.has_value(); }

    /// The device is ready; measured trajectories of the segment so far.
    void begin(const std::string& device, const std::string& bits_class, const std::optional<opened_segment>& segment, std::uint64_t trajectory,
               const std::vector<trajectory_observables>& measured);
    /// Before anything runs on from it.
    void on_trajectory(const opened_segment& segment, const run_command& job, const job_done& done, bool measured);
    /// `go` at once, or when the edge has taken what it holds.
    void before_run(std::function<void()> go);
    /// `go` when nothing is under way any more.
    void before_done(std::function<void()> go);
    void use(caf::actor validator);

private:
    struct waiting {
        validate_configuration what;
        bool complete = false; ///< the next trajectory's result is in it, or will not come
    };
    void take_copy(validate_configuration what);
    void send_ready();
    void on_answer(std::uint64_t generation);
    void close(std::uint64_t generation);
    void publish();
    caf::event_based_actor* self_;
    caf::actor validator_, worker_, recorder_;
    std::shared_ptr<status_board> board_;
    chain_id chain_;
    std::uint64_t key_;
    std::optional<predicate> condition_;
    channel via_;
    bool droppable_;
    edge_channel edge_;
    running_result running_;
    segment_no segment_{};
    bool in_segment_ = false;
    std::string device_, bits_class_;
    std::uint64_t generation_ = 0; ///< of the edge: answers of a validator that died are nobody's
    std::map<std::uint64_t, waiting> waiting_; ///< by trajectory: copies that are not there yet, or whose next result is not
    std::optional<validate_configuration> held_; ///< the edge is full and this may not be dropped
    std::function<void()> go_run_, go_done_;
};

} // namespace forge
