// SPDX-License-Identifier: AGPL-3.0-only
// What the recorder does with ledger and checkpoints, without actors. Private to actors/.
#pragma once

#include "actors/messages/messages.hpp"
#include "actors/runtime/campaign_runtime.hpp"

#include "libactors/base/failpoint.hpp"

#include <functional>

namespace forge {

class recorder_core {
public:
    recorder_core(std::shared_ptr<const runtime_parts> parts, std::function<void(const std::string&)> notice)
        : parts_(std::move(parts)), notice_(std::move(notice)) {}

    [[nodiscard]] result<commit_result> commit(const std::vector<commit_request>& batch) {
        FORGE_FAILPOINT_RETURN("recorder.before_flush");
        auto done = parts_->book->commit(batch);
        FORGE_FAILPOINT("recorder.flushed");
        return done;
    }

    /// Takes a new epoch and finds where the chain goes on: the newest checkpoint that verifies and whose head the
    /// ledger knows as live, else the beginning. Checkpoints that do not verify are named in a notice and an event.
    [[nodiscard]] chain_prepared prepare(chain_id chain);
    [[nodiscard]] segment_answer find_segment(chain_id chain, std::uint64_t first_trajectory);
    [[nodiscard]] result<segment_row> open_segment(chain_id chain, epoch_no epoch, std::uint64_t first_trajectory,
                                                   const steering_decision& decision);
    void finish_segment(chain_id chain, epoch_no epoch, segment_no number);
    /// Checkpoint on disk and verified, then the ledger row, then older generations go.
    [[nodiscard]] result<void> seal(chain_state& state, epoch_no epoch);
    /// Whether that epoch committed that trajectory.
    [[nodiscard]] fate_told fate_of(const late_result& late);
    /// What a mirror compares; gives the run's history a name when it has none.
    [[nodiscard]] run_described describe();
    /// The ledger as it is now, whole or as changes since the last call, and the files that it lists.
    [[nodiscard]] changes_taken take_changes(bool whole);
    /// Adds the time when `row` has none. Events explain; a failing one is a notice, nothing more.
    void log(event_row row);

private:
    void event(const std::string& kind, chain_id chain, std::optional<std::uint64_t> trajectory, const std::string& text);
    [[nodiscard]] std::optional<chain_state> newest_checkpoint(chain_id chain);
    void drop_old_generations(chain_id chain);
    std::shared_ptr<const runtime_parts> parts_;
    std::function<void(const std::string&)> notice_;
};

} // namespace forge
