// SPDX-License-Identifier: AGPL-3.0-only
// A chain's side of its conversation with the conductor, without its actor: what is sent when.
#pragma once

#include "libactors/control/chain_core.hpp"
#include "libactors/control/conductor/conductor.hpp"

#include <optional>
#include <vector>

namespace forge {

/// Gathers a chain's trajectories into batches. (state, event) -> what to send; no clock, no I/O.
///
/// A batch goes when 16 trajectories wait and none is under way, or at once when somebody waits for what it says (flush). What comes while
/// one is under way waits here, at most 1,024 trajectories: beyond that the rest of the segment is not watched, for a gap is no history.
/// Trajectories leave in order, each once.
class trajectory_gatherer {
public:
    static constexpr std::size_t batch_size = 16;
    static constexpr std::size_t batch_max = 1024;
    static constexpr std::size_t drift_window = 40; ///< as conductor::check_alone wants
    explicit trajectory_gatherer(chain_id chain) : chain_(chain) {}

    struct drift_question {
        std::vector<double> plaquette, polyakov; ///< |L|; of the newest trajectories before measurement
    };
    struct outcome {
        std::vector<watched_batch> send;     ///< in this order; each is answered by on_answered()
        std::optional<drift_question> drift; ///< measurement has begun: was the chain still drifting?
    };
    /// @param done  of the segment, this one included.
    [[nodiscard]] outcome on_trajectory(const opened_segment& segment, std::uint32_t done, const watched_trajectory& t);
    /// One batch was answered.
    [[nodiscard]] std::optional<watched_batch> on_answered();
    /// What waits must go before a question about it does, whether or not an answer is outstanding.
    [[nodiscard]] std::optional<watched_batch> flush();
    [[nodiscard]] std::uint32_t under_way() const { return under_way_; }

private:
    chain_id chain_;
    watched_batch gathered_;
    bool watching_ = false;  ///< gathered_ is of a segment
    bool overflown_ = false; ///< of this segment
    std::uint32_t under_way_ = 0;
    std::vector<double> plaquette_, polyakov_;
};

} // namespace forge
