// SPDX-License-Identifier: AGPL-3.0-only
// Which ordering the pipeline should run: the pure core of the supervisor that measures, holds, looks again and switches.
#pragma once

#include "libactors/control/supervision/calibration.hpp"
#include "libactors/control/supervision/drift_watch.hpp"
#include "libactors/control/supervision/ordering_record.hpp"

namespace forge {

/// (state, event) -> decisions. No clock, no I/O; time is the sum of the blocks and pauses that it is told of. The same arms, settings
/// and events give the same decisions, bit by bit.
///
///   settle   warmup_blocks of the incumbent, thrown away.
///   look     rounds; each visits every arm of the race once, in random order; a visit is warmup_blocks (none when the arm runs
///            already) and one block. r_ak = log x_ak - mean over arms of log x_ak; bounds mean -+ t(0.975, (K-1)(n-1)) error.
///            From rounds_min on an arm leaves when its upper bound is below the best lower bound, or when the upper bound of its
///            gain over the incumbent is below the threshold. The incumbent is measured to the end. A look ends when no challenger
///            is left, when the only one is better than the threshold beyond its two-sided bound, after rounds_max, or when the
///            next visit does not fit its share of the budget.
///   switch   g_k = log x_best,k - log x_incumbent,k; lower = exp(mean g - t(0.95, (K-1)(n-1)) s sqrt(2/n)) - 1. Iff lower > threshold and
///            lower * remaining_s > repay_factor * switch_cost_s. With fewer than two rounds never.
///   hold     no probing. Another look on a change of the surroundings, a request, a drift of the incumbent below the trigger
///            (after dwell_blocks), or after retest_s; always within the budget.
///
/// In observe nothing is probed and nothing is commanded; in advise probes and switches are said, and done only if somebody does them.
/// Leaving act in mid-look runs the incumbent again: what was begun is ended.
class ordering_policy {
public:
    /// @param arms  names of the orderings, the first runs at the start. @return errc::invalid_argument: no arm, two of one name,
    ///              or a setting outside its range.
    [[nodiscard]] static result<ordering_policy> make(policy_settings settings, std::vector<std::string> arms);

    /// Cost O(arms^2 rounds) at the end of a round, else O(1). Events of unknown arms are passed by.
    [[nodiscard]] std::vector<ordering_decision> on(const policy_event& event);

    [[nodiscard]] const std::string& incumbent() const { return arms_[incumbent_].name; }
    /// What the pipeline should run now: differs from the incumbent during a look.
    [[nodiscard]] const std::string& wanted() const { return arms_[wanted_].name; }
    [[nodiscard]] policy_mode mode() const { return settings_.mode; }
    [[nodiscard]] bool looking() const { return look_.has_value(); }
    [[nodiscard]] double elapsed_s() const { return elapsed_s_; }
    [[nodiscard]] double spent_s() const { return spent_s_; } ///< on calibration: every block of a look and its pauses
    [[nodiscard]] double budget_s() const { return settings_.budget_share * settings_.planned_s; }
    [[nodiscard]] const policy_settings& settings() const { return settings_; }
    friend bool operator==(const ordering_policy&, const ordering_policy&) = default;

private:
    struct arm_state {
        std::string name;
        bool failed = false;
        std::uint64_t blocks = 0;
        double block_s = 0.0;                     ///< mean of its last blocks (exponential, weight 1/4)
        std::uint32_t empty_blocks = 0;           ///< in a row
        std::optional<double> upper_to_incumbent; ///< of the log ratio in the last look
        friend bool operator==(const arm_state&, const arm_state&) = default;
    };
    struct look_state {
        calibration race;
        std::vector<std::size_t> order; ///< of this round
        std::size_t position = 0;
        std::uint32_t warmup_left = 0;
        double allotment_s = 0.0; ///< spent_s_ at which it must end
        std::map<std::size_t, visit_value> round;
        friend bool operator==(const look_state&, const look_state&) = default;
    };
    using decisions = std::vector<ordering_decision>;

    ordering_policy(policy_settings settings, std::vector<std::string> arms);
    void on_block(const block_measured& b, decisions& out);
    void on_applied(const ordering_applied& a, decisions& out);
    void on_failed(std::size_t arm, const std::string& why, decisions& out);
    void on_change(const surroundings_changed& c, decisions& out);
    void on_mode(policy_mode m, decisions& out);
    void holding_block(const visit_value& v, decisions& out);
    void looking_block(const visit_value& v, decisions& out);
    void begin_look(const std::string& why, const std::vector<std::size_t>& challengers, decisions& out);
    void next_visit(decisions& out);
    void end_round(decisions& out);
    void end_look(const std::string& why, decisions& out);
    void settle_look(bool changed);
    void run_incumbent(const std::string& reason, decisions& out);
    ordering_decision& say(decision_kind k, std::size_t arm, bool commanded, std::string reason, decisions& out);
    [[nodiscard]] std::vector<std::size_t> challengers_near(double drift) const;
    [[nodiscard]] std::optional<std::size_t> find(const std::string& name) const;
    [[nodiscard]] double visit_s(std::size_t arm) const;
    [[nodiscard]] double round_s(const std::vector<std::size_t>& challengers) const;
    [[nodiscard]] double switch_cost_s() const;
    [[nodiscard]] double remaining_s() const;
    [[nodiscard]] bool acts() const { return settings_.mode == policy_mode::act; }
    [[nodiscard]] bool may_switch_today() const;
    /// In a look, or on the way back from one: it counts as calibration.
    [[nodiscard]] bool calibrating() const { return look_ || (settle_left_ > 0 && looks_ > 0); }
    [[nodiscard]] std::vector<std::size_t> others() const; ///< all able arms but the incumbent
    [[nodiscard]] double block_s(std::size_t arm) const;

    policy_settings settings_;
    std::vector<arm_state> arms_;
    std::size_t incumbent_ = 0;
    std::size_t wanted_ = 0;
    std::size_t running_ = 0; ///< what the last block was of
    std::optional<look_state> look_;
    drift_watch watch_;
    ordering_objective watched_ = ordering_objective::per_second;
    std::uint32_t settle_left_ = 0;
    std::optional<std::string> look_due_ = "the run begins"; ///< why a look is to begin with the next settled block
    std::uint32_t dwell_ = 0;
    std::uint64_t rested_ = 0; ///< blocks of the incumbent since the last look
    double last_look_s_ = 0.0;
    double elapsed_s_ = 0.0;
    double spent_s_ = 0.0;
    double end_s_ = 0.0; ///< planned, on the scale of elapsed_s_
    double pauses_s_ = 0.0;
    std::uint64_t pauses_ = 0;
    std::vector<double> switches_; ///< when, on the scale of elapsed_s_
    std::uint32_t looks_ = 0;
    std::uint64_t events_ = 0;
    std::uint64_t decisions_ = 0;
};

/// The decisions that follow from a log. @return errc::invalid_argument as make(). Another policy on the same measurements: change
/// log.settings; what a probe that never ran would have given, nobody knows, so a look then waits for blocks that are not there.
[[nodiscard]] result<std::vector<ordering_decision>> replay(const policy_log& log);

} // namespace forge
