// SPDX-License-Identifier: AGPL-3.0-only
// What the choice of an ordering is made from and what it says, as values and as lines of text.
#pragma once

#include "libactors/base/energy.hpp"
#include "libactors/base/result.hpp"
#include "libactors/numerics/student_t.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace forge {

enum class policy_mode : std::uint8_t { observe, advise, act }; ///< names are written into records

/// What "better" counts. `automatic`: trajectories per joule where every compared block has trusted joules of one source
/// (measured, or a model whose watts the user configured), else trajectories per second.
enum class ordering_objective : std::uint8_t { automatic, per_second, per_joule };

/// Numbers of the policy; defaults from the project's study of policies (docs/notes/supervisor.md).
struct policy_settings {
    policy_mode mode = policy_mode::observe;
    ordering_objective objective = ordering_objective::automatic;
    bool watts_configured = false;    ///< the user stated the watts: joules of a model may be acted on
    std::uint64_t seed = 1;           ///< of the orders in which arms are measured
    double planned_s = 0.0;           ///< length of the planned run, > 0
    double budget_share = 0.03;       ///< of planned_s that calibration may cost in all
    double reserve_share = 1.0 / 3.0; ///< of the budget that the first look leaves for later ones
    std::uint32_t warmup_blocks = 2;  ///< thrown away after every change of the ordering
    std::uint32_t rounds_min = 3;     ///< before an arm may be dropped
    std::uint32_t rounds_max = 6;     ///< of one look
    double threshold = 0.02;          ///< a smaller gain is not worth a switch
    double repay_factor = 3.0;        ///< gain x remaining time against switch_cost_s
    double switch_cost_s = 1.0;       ///< of one switch, until pauses are measured
    std::uint32_t switches_per_day = 4;
    double drift_trigger = 0.12;      ///< the fast mean this far below the slow one
    std::uint32_t dwell_blocks = 20;  ///< of rest after a look; doubles after a look that changed nothing
    std::uint32_t dwell_blocks_max = 320;
    double near_share = 0.05;         ///< on drift, arms that may be this much below the incumbent are worth a look
    double retest_s = 86400.0;        ///< all arms are looked at again after this time
    std::uint32_t empty_blocks_max = 3; ///< blocks without a trajectory until an arm counts as failed
    friend bool operator==(const policy_settings&, const policy_settings&) = default;
};

/// One block of work of one ordering was measured.
struct block_measured {
    std::string arm;
    std::uint64_t index = 0; ///< of the block in the run
    double duration_s = 0.0;
    std::uint64_t trajectories = 0; ///< committed in it
    std::optional<double> joules;   ///< of the whole node; unset: unknown
    energy_source source = energy_source::none;
    friend bool operator==(const block_measured&, const block_measured&) = default;
};

/// The pipeline now runs this ordering.
struct ordering_applied {
    std::string arm;
    double pause_s = 0.0;
    bool by_user = false; ///< not by a decision of the policy: it is the incumbent from now on
    friend bool operator==(const ordering_applied&, const ordering_applied&) = default;
};

/// An ordering cannot run: a device is missing, a stage died, it hangs.
struct arm_failed {
    std::string arm;
    std::string why;
    friend bool operator==(const arm_failed&, const arm_failed&) = default;
};

enum class surroundings : std::uint8_t { device_joined, device_left, segment_changed, user_asks };

/// Something else than noise changed: what was measured before says nothing any more.
struct surroundings_changed {
    surroundings kind = surroundings::user_asks;
    std::string what;
    friend bool operator==(const surroundings_changed&, const surroundings_changed&) = default;
};

struct mode_changed {
    policy_mode mode = policy_mode::observe;
    friend bool operator==(const mode_changed&, const mode_changed&) = default;
};

/// The run is now planned to last this much longer.
struct plan_changed {
    double remaining_s = 0.0;
    friend bool operator==(const plan_changed&, const plan_changed&) = default;
};

using policy_event = std::variant<block_measured, ordering_applied, arm_failed, surroundings_changed, mode_changed, plan_changed>;

/// What is known of one arm in a look: log of its rate over the mean rate of the round.
struct arm_estimate {
    std::string arm;
    small_sample log_ratio;
    std::optional<double> lower; ///< two-sided 95 %
    std::optional<double> upper;
    bool in_race = true;
    friend bool operator==(const arm_estimate&, const arm_estimate&) = default;
};

enum class decision_kind : std::uint8_t {
    look,      ///< a calibration begins
    probe,     ///< run `arm` next, to measure it
    drop,      ///< `arm` leaves the race
    exclude,   ///< `arm` has failed
    hold,      ///< `arm`, the incumbent, stays (or runs again after a look)
    switch_to, ///< `arm` is better: it is the incumbent from now on, when commanded
};

/// One decision with everything that it rests on. Immutable; written down as it is made.
struct ordering_decision {
    std::uint64_t number = 0;  ///< 1, 2, ...
    std::uint64_t event = 0;   ///< number of the event that led to it
    decision_kind kind = decision_kind::hold;
    std::string arm;
    bool commanded = false;    ///< the pipeline is to run `arm` now; false: said, not done
    std::string reason;        ///< one sentence, numbers inside
    ordering_objective objective = ordering_objective::automatic; ///< what was compared; automatic: nothing was
    energy_source source = energy_source::none;                   ///< of the joules that were compared
    std::uint32_t rounds = 0;
    std::vector<arm_estimate> arms;
    small_sample log_gain;            ///< log of rate of `arm` over the incumbent's, round by round
    std::optional<double> gain;       ///< exp(mean) - 1
    std::optional<double> gain_lower; ///< exp(one-sided 95 % bound) - 1
    double remaining_s = 0.0;
    double switch_cost_s = 0.0;
    double spent_s = 0.0;     ///< on calibration so far, warm-up and pauses counted
    double budget_s = 0.0;
    friend bool operator==(const ordering_decision&, const ordering_decision&) = default;
};

/// Everything that a replay needs: with it, the decisions follow.
struct policy_log {
    policy_settings settings;
    std::vector<std::string> arms; ///< first: the incumbent at the start
    std::vector<policy_event> events;
    friend bool operator==(const policy_log&, const policy_log&) = default;
};

// One line each, without the newline: a word, then name=value pairs in fixed order; texts in double quotes with \" \\ \n,
// unknown is "-", numbers in the shortest form that reads back to the same bits.
[[nodiscard]] std::string to_line(const policy_settings& s);
[[nodiscard]] std::string to_line(const policy_event& e);
[[nodiscard]] std::string to_line(const ordering_decision& d);
[[nodiscard]] result<policy_settings> settings_from_line(std::string_view line); ///< errc::malformed, as the next two
[[nodiscard]] result<policy_event> event_from_line(std::string_view line);
[[nodiscard]] result<ordering_decision> decision_from_line(std::string_view line);

/// The log as text: "policy ...", "arm name=...", then the events. Lines of decisions may stand between them; reading passes
/// them by, so that a journal of both is a log too. @return errc::malformed with the number of the line.
[[nodiscard]] std::string to_text(const policy_log& log);
[[nodiscard]] result<policy_log> policy_log_from_text(std::string_view text);

[[nodiscard]] std::string_view name_of(policy_mode m) noexcept;
[[nodiscard]] std::string_view name_of(ordering_objective o) noexcept;
[[nodiscard]] std::string_view name_of(surroundings s) noexcept;
[[nodiscard]] std::string_view name_of(decision_kind k) noexcept;
/// For a mode word of a command line or a campaign file.
[[nodiscard]] std::optional<policy_mode> policy_mode_from(std::string_view name) noexcept;

} // namespace forge
