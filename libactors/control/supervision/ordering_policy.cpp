// SPDX-License-Identifier: AGPL-3.0-only
// Events, failures, the modes: everything around a look. The look itself is in ordering_look.cpp.
#include "libactors/control/supervision/ordering_policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace forge {

namespace {

template <class... Fs>
struct overloaded : Fs... {
    using Fs::operator()...;
};
template <class... Fs>
overloaded(Fs...) -> overloaded<Fs...>;

constexpr double day_s = 86400.0;

std::optional<std::string> fault_of(const policy_settings& s) {
    const auto share = [](double x) { return x >= 0.0 && x <= 1.0; };
    if (!(s.planned_s > 0.0) || !std::isfinite(s.planned_s))
        return "planned_s must be above 0: calibration is a share of it";
    if (!share(s.budget_share) || !share(s.reserve_share))
        return "budget_share and reserve_share are between 0 and 1";
    if (!(s.drift_trigger > 0.0) || !(s.drift_trigger < 1.0) || !share(s.near_share) || !(s.threshold >= 0.0))
        return "drift_trigger is between 0 and 1, near_share too, threshold is not negative";
    if (s.rounds_min < 2 || s.rounds_max < s.rounds_min || s.empty_blocks_max < 1)
        return "two rounds at least (one has no error), rounds_max not below rounds_min, empty_blocks_max at least 1";
    if (!(s.repay_factor >= 0.0) || !(s.switch_cost_s >= 0.0) || !(s.retest_s > 0.0))
        return "repay_factor and switch_cost_s are not negative, retest_s is above 0";
    return std::nullopt;
}

} // namespace

result<ordering_policy> ordering_policy::make(policy_settings settings, std::vector<std::string> arms) {
    if (const auto fault = fault_of(settings))
        return error{errc::invalid_argument, "the policy of the supervisor is impossible: " + *fault, "", ""};
    if (arms.empty() || std::set<std::string>(arms.begin(), arms.end()).size() != arms.size())
        return error{errc::invalid_argument, "the supervisor needs orderings, each with a name of its own", "", ""};
    return ordering_policy(settings, std::move(arms));
}

ordering_policy::ordering_policy(policy_settings settings, std::vector<std::string> arms)
    : settings_(settings), settle_left_(settings.warmup_blocks), dwell_(settings.dwell_blocks), end_s_(settings.planned_s) {
    for (auto& name : arms)
        arms_.push_back({std::move(name), false, 0, 0.0, 0, std::nullopt});
}

std::vector<ordering_decision> ordering_policy::on(const policy_event& event) {
    ++events_;
    decisions out;
    std::visit(overloaded{
                   [&](const block_measured& b) { on_block(b, out); },
                   [&](const ordering_applied& a) { on_applied(a, out); },
                   [&](const arm_failed& f) {
                       if (const auto arm = find(f.arm))
                           on_failed(*arm, f.why, out);
                   },
                   [&](const surroundings_changed& c) { on_change(c, out); },
                   [&](const mode_changed& m) { on_mode(m.mode, out); },
                   [&](const plan_changed& p) {
                       if (std::isfinite(p.remaining_s) && p.remaining_s >= 0.0)
                           end_s_ = elapsed_s_ + p.remaining_s;
                   },
               },
               event);
    return out;
}

void ordering_policy::on_block(const block_measured& b, decisions& out) {
    const auto arm = find(b.arm);
    if (!arm || !(b.duration_s > 0.0) || !std::isfinite(b.duration_s))
        return;
    auto& a = arms_[*arm];
    elapsed_s_ += b.duration_s;
    running_ = *arm;
    // What runs while advice waits for somebody costs nothing.
    if (calibrating() && (acts() || *arm == wanted_))
        spent_s_ += b.duration_s;
    ++a.blocks;
    a.block_s += (b.duration_s - a.block_s) / static_cast<double>(std::min<std::uint64_t>(a.blocks, 4));
    if (b.trajectories == 0) {
        if (++a.empty_blocks >= settings_.empty_blocks_max && !a.failed)
            on_failed(*arm, fmt::format("no trajectory in {} blocks", a.empty_blocks), out);
        return;
    }
    a.empty_blocks = 0;
    const auto n = static_cast<double>(b.trajectories);
    visit_value v{std::log(n / b.duration_s), std::nullopt, energy_source::none};
    if (b.joules && *b.joules > 0.0 && std::isfinite(*b.joules) && b.source != energy_source::none) {
        v.log_per_j = std::log(n / *b.joules);
        v.source = b.source;
    }
    if (a.failed || *arm != wanted_)
        return; // in flight when the decision was made, or somebody's own doing
    if (look_)
        looking_block(v, out);
    else
        holding_block(v, out);
}

void ordering_policy::holding_block(const visit_value& v, decisions& out) {
    if (settle_left_ > 0) {
        --settle_left_;
        return;
    }
    ++rested_;
    const auto watched = watched_ == ordering_objective::per_joule ? v.log_per_j : std::optional(v.log_per_s);
    if (watched)
        watch_.add(*watched);
    if (look_due_)
        return begin_look(*std::exchange(look_due_, std::nullopt), others(), out);
    const auto drift = watch_.drift();
    if (drift && *drift < std::log1p(-settings_.drift_trigger) && rested_ >= dwell_)
        return begin_look(fmt::format("{} is {:.1f} % below its own slow mean (trigger {:.0f} %)", incumbent(), 100.0 * -std::expm1(*drift),
                                      100.0 * settings_.drift_trigger),
                          challengers_near(*drift), out);
    if (elapsed_s_ - last_look_s_ >= settings_.retest_s)
        begin_look(fmt::format("{:.0f} s since the last look", elapsed_s_ - last_look_s_), others(), out);
}

std::vector<std::size_t> ordering_policy::others() const {
    std::vector<std::size_t> able;
    for (std::size_t k = 0; k < arms_.size(); ++k)
        if (k != incumbent_ && !arms_[k].failed)
            able.push_back(k);
    return able;
}

/// Arms that may be better than the incumbent as it is now: known not to be more than near_share below it, or not known.
std::vector<std::size_t> ordering_policy::challengers_near(double drift) const {
    std::vector<std::size_t> near;
    for (std::size_t k = 0; k < arms_.size(); ++k)
        if (k != incumbent_ && !arms_[k].failed &&
            (!arms_[k].upper_to_incumbent || *arms_[k].upper_to_incumbent - drift > std::log1p(-settings_.near_share)))
            near.push_back(k);
    return near;
}

void ordering_policy::on_applied(const ordering_applied& a, decisions& out) {
    const auto arm = find(a.arm);
    if (!arm)
        return;
    if (std::isfinite(a.pause_s) && a.pause_s >= 0.0) {
        elapsed_s_ += a.pause_s;
        pauses_s_ += a.pause_s;
        ++pauses_;
        if (calibrating())
            spent_s_ += a.pause_s;
    }
    if (!a.by_user || *arm == incumbent_)
        return;
    look_.reset();
    incumbent_ = wanted_ = *arm;
    settle_look(true);
    say(decision_kind::hold, *arm, false, "the user chose " + incumbent(), out);
}

void ordering_policy::on_failed(std::size_t arm, const std::string& why, decisions& out) {
    if (arms_[arm].failed)
        return;
    arms_[arm].failed = true;
    arms_[arm].upper_to_incumbent.reset();
    say(decision_kind::exclude, arm, false, fmt::format("{} is out: {}", arms_[arm].name, why), out);
    if (arm != incumbent_) {
        if (!look_)
            return;
        look_->race.leave(arm);
        const bool challenged = std::any_of(arms_.begin(), arms_.end(), [&](const auto& a) {
            const auto k = static_cast<std::size_t>(&a - arms_.data());
            return k != incumbent_ && look_->race.in_race(k);
        });
        if (!challenged)
            return end_look("no other arm is left", out);
        auto& l = *look_;
        if (const auto at = std::find(l.order.begin(), l.order.end(), arm); at != l.order.end()) {
            l.position -= at - l.order.begin() < static_cast<std::ptrdiff_t>(l.position) ? 1u : 0u;
            l.order.erase(at);
        }
        l.round.erase(arm);
        if (arm == wanted_)
            next_visit(out);
        return;
    }
    // The incumbent itself: the best of the others, as far as the last look knows, without a comparison.
    std::optional<std::size_t> next;
    for (std::size_t k = 0; k < arms_.size(); ++k)
        if (!arms_[k].failed && (!next || arms_[k].upper_to_incumbent.value_or(-1e300) > arms_[*next].upper_to_incumbent.value_or(-1e300)))
            next = k;
    look_.reset();
    if (!next) {
        wanted_ = incumbent_;
        say(decision_kind::hold, incumbent_, false, "every ordering has failed; nothing is left to run", out);
        return;
    }
    if (acts()) {
        incumbent_ = wanted_ = *next;
        settle_look(true);
        look_due_ = "the last incumbent has failed";
    }
    say(decision_kind::switch_to, *next, acts(), fmt::format("the incumbent has failed; {} is the best known of those that are left", arms_[*next].name), out);
}

void ordering_policy::on_change(const surroundings_changed& c, decisions& out) {
    for (auto& a : arms_) {
        a.upper_to_incumbent.reset(); // measured under other circumstances
        // Whatever joined may be what was missing; otherwise the incumbent's failure stands until somebody asks.
        if (c.kind == surroundings::device_joined || c.kind == surroundings::user_asks) {
            a.failed = false;
            a.empty_blocks = 0;
        }
    }
    look_.reset();
    dwell_ = settings_.dwell_blocks;
    watch_.reset();
    const std::string why = std::string(name_of(c.kind)) + (c.what.empty() ? "" : ": " + c.what);
    if (look_due_)
        look_due_ = why; // it begins with the next settled block, when the cost of a block is known
    else
        begin_look(why, others(), out);
}

void ordering_policy::on_mode(policy_mode m, decisions& out) {
    if (m == settings_.mode)
        return;
    const bool acted = acts(), observed = settings_.mode == policy_mode::observe;
    settings_.mode = m;
    if (observed) {
        look_due_ = fmt::format("the mode is {} now", name_of(m));
        return;
    }
    if (m == policy_mode::act || !look_) {
        // A look that was only advised is now done.
        if (look_ && wanted_ != running_)
            say(decision_kind::probe, wanted_, true, "the mode is act now: the look that was advised goes on", out);
        return;
    }
    look_.reset();
    wanted_ = incumbent_;
    settle_look(false);
    say(decision_kind::hold, incumbent_, acted && running_ != incumbent_, fmt::format("the mode is {} now: the look ends undecided", name_of(m)), out);
}

ordering_decision& ordering_policy::say(decision_kind k, std::size_t arm, bool commanded, std::string reason, decisions& out) {
    ordering_decision d;
    d.number = ++decisions_;
    d.event = events_;
    d.kind = k;
    d.arm = arms_[arm].name;
    d.commanded = commanded;
    d.reason = std::move(reason);
    d.remaining_s = remaining_s();
    d.switch_cost_s = switch_cost_s();
    d.spent_s = spent_s_;
    d.budget_s = budget_s();
    return out.emplace_back(std::move(d));
}

std::optional<std::size_t> ordering_policy::find(const std::string& name) const {
    for (std::size_t k = 0; k < arms_.size(); ++k)
        if (arms_[k].name == name)
            return k;
    return std::nullopt;
}

double ordering_policy::switch_cost_s() const {
    return pauses_ > 0 ? pauses_s_ / static_cast<double>(pauses_) : settings_.switch_cost_s;
}

double ordering_policy::remaining_s() const {
    return std::max(0.0, end_s_ - elapsed_s_);
}

bool ordering_policy::may_switch_today() const {
    const auto today = std::count_if(switches_.begin(), switches_.end(), [&](double t) { return t > elapsed_s_ - day_s; });
    return static_cast<std::uint64_t>(today) < settings_.switches_per_day;
}

result<std::vector<ordering_decision>> replay(const policy_log& log) {
    auto policy = ordering_policy::make(log.settings, log.arms);
    if (!policy)
        return policy.reason();
    std::vector<ordering_decision> all;
    for (const auto& e : log.events)
        for (auto& d : policy->on(e))
            all.push_back(std::move(d));
    return all;
}

} // namespace forge
