// SPDX-License-Identifier: AGPL-3.0-only
// One look of the ordering policy: rounds, who leaves the race, and what follows at the end.
#include "libactors/control/supervision/ordering_policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace forge {

namespace {

constexpr double two_sided = 0.975;
constexpr double one_sided = 0.95;
constexpr double block_noise = 1.1; // a visit may take this much longer than the mean says

void put_basis(ordering_decision& d, const calibration& race, const comparison_basis& basis) {
    d.objective = basis.objective;
    d.source = basis.source;
    d.rounds = race.rounds();
}

} // namespace

/// Seconds of a block of an arm; of an arm never seen, those of the slowest that was.
double ordering_policy::block_s(std::size_t arm) const {
    if (arms_[arm].blocks > 0)
        return arms_[arm].block_s;
    double longest = 0.0;
    for (const auto& a : arms_)
        longest = std::max(longest, a.block_s);
    return longest;
}

/// Expected seconds of a visit: pause, warm-up, one block; of an arm that runs already, the block.
double ordering_policy::visit_s(std::size_t arm) const {
    return arm == running_ ? block_s(arm) : block_s(arm) * (1.0 + settings_.warmup_blocks) + switch_cost_s();
}

/// Expected seconds of one round: the arm that runs comes first in it once in as many rounds as there are arms.
double ordering_policy::round_s(const std::vector<std::size_t>& challengers) const {
    double sum = visit_s(incumbent_);
    for (const auto arm : challengers)
        sum += visit_s(arm);
    return sum;
}

void ordering_policy::begin_look(const std::string& why, const std::vector<std::size_t>& challengers, decisions& out) {
    const auto refuse = [&](const std::string& reason) {
        wanted_ = incumbent_;
        settle_look(false);
        run_incumbent(fmt::format("no look ({}): {}", why, reason), out);
    };
    if (arms_[incumbent_].failed)
        return refuse("the incumbent has failed");
    if (challengers.empty())
        return refuse(arms_.size() == 1 ? "there is only one ordering" : "no other arm is near it or able to run");
    const double allotment = looks_ == 0 ? budget_s() * (1.0 - settings_.reserve_share) : budget_s();
    const double needed = 2.0 * block_noise * round_s(challengers);
    if (settings_.mode == policy_mode::observe)
        return refuse(fmt::format("the mode is observe; two rounds of {} arms would cost about {:.3g} s", challengers.size() + 1, needed));
    if (spent_s_ + needed > allotment)
        return refuse(fmt::format("two rounds of {} arms cost about {:.3g} s, {:.3g} s of {:.3g} s are left", challengers.size() + 1, needed,
                                  std::max(0.0, allotment - spent_s_), allotment));
    ++looks_;
    look_.emplace(look_state{calibration(arms_.size(), incumbent_), {}, 0, 0, allotment, {}});
    look_->race.enter(incumbent_);
    for (const auto arm : challengers)
        look_->race.enter(arm);
    say(decision_kind::look, incumbent_, false,
        fmt::format("look {}: {}; {} arms, at most {} rounds and {:.3g} s", looks_, why, challengers.size() + 1, settings_.rounds_max, allotment - spent_s_), out);
    look_->order = look_->race.order(settings_.seed, looks_, 0);
    next_visit(out);
}

void ordering_policy::next_visit(decisions& out) {
    auto& l = *look_;
    if (l.position == l.order.size())
        return end_round(out);
    const auto arm = l.order[l.position];
    // Whichever arm the look ends with, the way to it is still to be paid.
    double way_out = 0.0;
    for (std::size_t k = 0; k < arms_.size(); ++k)
        if (k != arm && l.race.in_race(k))
            way_out = std::max(way_out, block_s(k) * settings_.warmup_blocks + switch_cost_s());
    const double cost = block_noise * (visit_s(arm) + way_out);
    if (spent_s_ + cost > l.allotment_s)
        return end_look(fmt::format("the budget ends: the next visit and the way back cost about {:.3g} s", cost), out);
    l.warmup_left = arm == running_ ? 0 : settings_.warmup_blocks;
    wanted_ = arm;
    if (arm != running_)
        say(decision_kind::probe, arm, acts(),
            fmt::format("look {}, round {}: {} is next, {} blocks of warm-up", looks_, l.race.rounds() + 1, arms_[arm].name, l.warmup_left), out);
}

void ordering_policy::looking_block(const visit_value& v, decisions& out) {
    auto& l = *look_;
    if (l.warmup_left > 0) {
        --l.warmup_left;
        return;
    }
    l.round[wanted_] = v;
    ++l.position;
    next_visit(out);
}

void ordering_policy::end_round(decisions& out) {
    auto& l = *look_;
    l.race.add_round(std::move(l.round));
    l.round.clear();
    l.position = 0;
    const auto basis = l.race.basis(settings_);
    std::size_t challengers = 0;
    if (l.race.rounds() >= settings_.rounds_min) {
        double best_lower = -1e300;
        for (std::size_t k = 0; k < arms_.size(); ++k)
            if (l.race.in_race(k))
                best_lower = std::max(best_lower, l.race.log_ratio(k, basis.objective).lower(two_sided).value_or(-1e300));
        std::vector<std::pair<std::size_t, std::string>> leaving; // all judged on the same race
        for (std::size_t k = 0; k < arms_.size(); ++k) {
            if (!l.race.in_race(k) || k == incumbent_)
                continue;
            const auto upper = l.race.log_ratio(k, basis.objective).upper(two_sided);
            const auto gain_upper = l.race.log_gain(k, basis.objective).upper(two_sided);
            if (upper && *upper < best_lower)
                leaving.emplace_back(k, fmt::format("{} leaves: its upper bound {:+.4f} is below the best lower bound {:+.4f}", arms_[k].name, *upper, best_lower));
            else if (gain_upper && *gain_upper < std::log1p(settings_.threshold))
                leaving.emplace_back(k, fmt::format("{} leaves: its gain is below {:+.2f} %, a switch needs {:.0f} %", arms_[k].name,
                                                    100.0 * std::expm1(*gain_upper), 100.0 * settings_.threshold));
        }
        for (const auto& [arm, reason] : leaving) {
            auto& d = say(decision_kind::drop, arm, false, reason, out);
            put_basis(d, l.race, basis);
            const auto ratio = l.race.log_ratio(arm, basis.objective);
            d.arms.push_back({arms_[arm].name, ratio, ratio.lower(two_sided), ratio.upper(two_sided), true});
            d.log_gain = l.race.log_gain(arm, basis.objective);
            arms_[arm].upper_to_incumbent = d.log_gain.upper(two_sided);
        }
        for (const auto& [arm, reason] : leaving)
            l.race.leave(arm);
        for (std::size_t k = 0; k < arms_.size(); ++k)
            challengers += k != incumbent_ && l.race.in_race(k) ? 1u : 0u;
        if (challengers == 0)
            return end_look("the incumbent is left alone", out);
        for (std::size_t k = 0; k < arms_.size() && challengers == 1; ++k) {
            const bool challenges = k != incumbent_ && l.race.in_race(k);
            if (const auto sure = challenges ? l.race.log_gain(k, basis.objective).lower(two_sided) : std::nullopt; sure && *sure > std::log1p(settings_.threshold))
                return end_look("one arm is better beyond the bounds", out);
        }
    }
    if (l.race.rounds() >= settings_.rounds_max)
        return end_look(fmt::format("{} rounds are done", l.race.rounds()), out);
    l.order = l.race.order(settings_.seed, looks_, l.race.rounds());
    next_visit(out);
}

void ordering_policy::end_look(const std::string& why, decisions& out) {
    const calibration race = look_->race;
    look_.reset();
    const auto basis = race.basis(settings_);
    watched_ = basis.objective;
    std::optional<std::size_t> best;
    for (std::size_t k = 0; k < arms_.size(); ++k) {
        if (k == incumbent_ || !race.in_race(k))
            continue;
        arms_[k].upper_to_incumbent = race.log_gain(k, basis.objective).upper(two_sided);
        if (!best || race.log_gain(k, basis.objective).mean > race.log_gain(*best, basis.objective).mean)
            best = k;
    }
    const auto incumbent_before = incumbent_;
    const auto fill = [&](ordering_decision& d) {
        put_basis(d, race, basis);
        for (std::size_t k = 0; k < arms_.size(); ++k) {
            const auto ratio = race.log_ratio(k, basis.objective);
            if (ratio.n > 0)
                d.arms.push_back({arms_[k].name, ratio, ratio.lower(two_sided), ratio.upper(two_sided), race.in_race(k)});
        }
        if (!best)
            return;
        d.log_gain = race.log_gain(*best, basis.objective);
        if (d.log_gain.n > 0)
            d.gain = std::expm1(d.log_gain.mean);
        if (const auto lower = d.log_gain.lower(one_sided))
            d.gain_lower = std::expm1(*lower);
    };
    ordering_decision probe; // the same numbers, to judge by
    fill(probe);
    const bool proved = probe.gain_lower && *probe.gain_lower > settings_.threshold;
    const bool repays = proved && *probe.gain_lower * remaining_s() > settings_.repay_factor * switch_cost_s();
    const bool today = may_switch_today();
    const std::string found = !best                ? "no other arm is left"
                              : !probe.gain_lower ? fmt::format("{} full rounds are too few for a bound", race.rounds())
                                                   : fmt::format("{} gains {:+.1f} %, at least {:+.1f} % (95 %, n = {})", arms_[*best].name,
                                                                 100.0 * *probe.gain, 100.0 * *probe.gain_lower, probe.log_gain.n);
    if (!repays) {
        wanted_ = incumbent_;
        settle_look(false);
        fill(say(decision_kind::hold, incumbent_, acts() && running_ != incumbent_,
                 fmt::format("{}; {}: {} stays{} [{}]", why, found, incumbent(),
                             !best || !probe.gain_lower ? ""
                             : !proved              ? fmt::format(", a switch needs more than {:.0f} %", 100.0 * settings_.threshold)
                                                    : fmt::format(", {:.3g} s left do not repay {:.3g} x {:.3g} s", remaining_s(), settings_.repay_factor, switch_cost_s()),
                             basis.why),
                 out));
        return;
    }
    const bool acting = acts() && basis.may_act && today;
    wanted_ = acting ? *best : incumbent_;
    if (acting) {
        incumbent_ = *best;
        switches_.push_back(elapsed_s_);
        // The estimates were to the old incumbent; to the new one they are lower by the gain.
        for (std::size_t k = 0; k < arms_.size(); ++k)
            if (arms_[k].upper_to_incumbent)
                *arms_[k].upper_to_incumbent -= probe.log_gain.mean;
        arms_[incumbent_].upper_to_incumbent.reset();
        if (const auto back = race.log_gain(*best, basis.objective).lower(two_sided))
            arms_[incumbent_before].upper_to_incumbent = -*back;
    }
    settle_look(acting);
    fill(say(decision_kind::switch_to, *best, acting,
             fmt::format("{}; {}{} [{}]", why, found,
                         acting               ? ""
                         : !acts()          ? fmt::format("; the mode is {}: said, not done", name_of(settings_.mode))
                         : !basis.may_act   ? "; said, not done"
                                            : fmt::format("; {} switches in a day are done: said, not done", settings_.switches_per_day),
                         basis.why),
             out));
    if (!acting && acts() && running_ != incumbent_)
        say(decision_kind::hold, incumbent_, true, incumbent() + " runs again after the look", out);
}

/// After a look, however it ended: rest, the longer the more looks in a row changed nothing.
void ordering_policy::settle_look(bool changed) {
    dwell_ = changed || looks_ <= 1 ? settings_.dwell_blocks : std::min(settings_.dwell_blocks_max, 2 * dwell_);
    rested_ = 0;
    last_look_s_ = elapsed_s_;
    settle_left_ = wanted_ == running_ ? 0 : settings_.warmup_blocks;
    watch_.reset();
}

void ordering_policy::run_incumbent(const std::string& reason, decisions& out) {
    wanted_ = incumbent_;
    say(decision_kind::hold, incumbent_, acts() && running_ != incumbent_, reason, out);
}

} // namespace forge
