// SPDX-License-Identifier: AGPL-3.0-only
// What a chain does next: the pure core of the chain actor.
#pragma once

#include "libactors/flow/topology.hpp"
#include "libactors/hmc/params.hpp"
#include "libactors/hmc/record.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace forge {

/// A segment that the ledger has opened.
struct opened_segment {
    segment_no number;
    std::uint32_t ordinal = 0;
    std::uint64_t first_trajectory = 1;
    segment_params params;
};

/// Where a chain (re)starts: a sealed state, or its beginning.
struct chain_start {
    chain_id chain;
    epoch_no epoch;
    std::uint64_t trajectory = 0; ///< i of the sealed state
    digest head{};                ///< hash of record i
    state_hash state;             ///< of the links
    std::optional<opened_segment> segment; ///< that i belongs to; unset before the first
    std::uint32_t next_ordinal = 0;        ///< of the segment after it
    std::vector<double> measured;          ///< plaquettes measured in that segment up to i
    std::optional<std::uint32_t> thermalised_after; ///< trajectories of that segment before its first measured one, when there is one
};

// Commands: what the actor has to do. At most one of run / ask_segment / final seal is outstanding.
struct run_command { ///< one trajectory on the worker
    std::uint64_t trajectory;
    segment_no segment;
    segment_params params;
    bool test; ///< Metropolis test, or warm-up without
};
struct offer_command { ///< send the record over the edge to the recorder; credit was taken
    physics_record record;
    double seconds; ///< that the trajectory took on the device
};
struct ask_segment_command { ///< a segment that starts at `first_trajectory` is needed
    std::uint32_t ordinal;
    std::uint64_t first_trajectory;
};
struct seal_command { ///< snapshot the links now (before any later run) and have them made durable
    std::uint64_t trajectory;
    digest head;
    state_hash state;
    opened_segment segment;
};
struct check_command { ///< has this segment thermalised? Nothing runs until the answer
    std::uint32_t ordinal;
    std::uint32_t done; ///< trajectories of the segment
};
struct finish_segment_command { ///< the last segment of the campaign is complete
    segment_no number;
};
struct done_command { ///< nothing is outstanding and everything is sealed
    bool finished;    ///< the campaign has no more work for this chain; false: stopped on request
};
using chain_command = std::variant<run_command, offer_command, ask_segment_command, seal_command, check_command, finish_segment_command, done_command>;

enum class chain_phase : std::uint8_t { starting, thermalising, measuring, waiting_for_decision, paused, stopping, done };
[[nodiscard]] std::string_view name_of(chain_phase p);

/// One chain's control flow as (state, event) -> commands. No clock, no I/O, no randomness.
///
/// A trajectory's record is offered against credit only; without credit the chain holds the record and starts nothing
/// (back-pressure). Thermalisation lasts params.n_thermalise trajectories, or until an answer to check_command ends it;
/// measurement is never cut by it. A seal that fails pauses the chain until `on_retry`. Early stop of measurement looks at this
/// chain's records only, every 50 measured trajectories.
class chain_core {
public:
    /// @param check_every  trajectories between two check_commands while a segment thermalises; 0: none.
    chain_core(chain_start start, std::uint32_t edge_capacity, std::uint32_t check_every = 0);

    [[nodiscard]] std::vector<chain_command> begin();
    [[nodiscard]] std::vector<chain_command> on_trajectory(const trajectory_observables& o, const state_hash& state, double seconds);
    [[nodiscard]] std::vector<chain_command> on_granted(std::uint32_t n);
    /// The ledger's answer to ask_segment_command; unset: the campaign has no more work for this chain.
    [[nodiscard]] std::vector<chain_command> on_segment(std::optional<opened_segment> segment);
    /// The answer to check_command{.., done}; one that is late (the chain stops meanwhile) is ignored.
    [[nodiscard]] std::vector<chain_command> on_checked(std::uint32_t done, bool thermalised);
    [[nodiscard]] std::vector<chain_command> on_sealed(std::uint64_t trajectory);
    [[nodiscard]] std::vector<chain_command> on_seal_failed(const std::string& reason);
    [[nodiscard]] std::vector<chain_command> on_retry();
    /// Time to seal: at the next trajectory boundary, unless a seal is under way then or nothing is new.
    void on_seal_due() { seal_due_ = true; }
    /// As on_seal_due, and at once when the chain stands still.
    [[nodiscard]] std::vector<chain_command> on_seal_now();
    /// Finish the trajectory, seal, stop.
    [[nodiscard]] std::vector<chain_command> on_stop();
    /// Keep the state, start nothing / go on.
    [[nodiscard]] std::vector<chain_command> on_pause(const std::string& reason);
    [[nodiscard]] std::vector<chain_command> on_resume();

    [[nodiscard]] chain_phase phase() const;
    [[nodiscard]] bool running() const { return running_; }
    [[nodiscard]] bool back_pressured() const { return held_.has_value(); }
    [[nodiscard]] std::uint64_t trajectory() const { return trajectory_; }
    [[nodiscard]] std::uint64_t sealed() const { return sealed_; }
    [[nodiscard]] const std::optional<opened_segment>& segment() const { return segment_; }
    [[nodiscard]] const std::vector<double>& measured() const { return measured_; }
    [[nodiscard]] const credit_account& credit() const { return credit_; }
    /// A seal failed and none has succeeded since: on_retry is wanted.
    [[nodiscard]] bool wants_retry() const { return storage_failed_ && !sealing_; }
    [[nodiscard]] const std::string& pause_reason() const { return pause_reason_; }
    /// Trajectories of the current segment that are done.
    [[nodiscard]] std::uint32_t done_in_segment() const;
    /// Trajectories of the current segment that are not measured. Precondition: there is a segment.
    [[nodiscard]] std::uint32_t thermalisation() const { return cut_.value_or(segment_->params.n_thermalise); }

private:
    friend struct model_peek; // the model check compares whole states
    [[nodiscard]] std::vector<chain_command> next();
    [[nodiscard]] bool segment_complete() const;
    void seal(std::vector<chain_command>& out);

    chain_id chain_;
    std::uint64_t trajectory_;
    digest head_;
    state_hash state_;
    std::optional<opened_segment> segment_;
    std::uint32_t next_ordinal_;
    std::vector<double> measured_;
    credit_account credit_;
    std::optional<offer_command> held_; ///< finished, waiting for credit
    std::uint64_t sealed_;
    std::optional<std::uint64_t> sealing_;
    bool running_ = false;
    bool asking_ = false;
    std::uint32_t check_every_ = 0;
    std::optional<std::uint32_t> cut_;        ///< where thermalisation ended, in trajectories of the segment
    std::optional<std::uint32_t> checking_;   ///< a check at this many trajectories is under way
    std::optional<std::uint32_t> checked_at_; ///< the last that was answered
    bool out_of_work_ = false;
    bool stopping_ = false;
    bool done_ = false;
    bool storage_failed_ = false;
    bool held_by_user_ = false;
    bool seal_due_ = false;
    std::string pause_reason_;
};

} // namespace forge
