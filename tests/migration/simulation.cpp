// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/migration/simulation.hpp"

#include <algorithm>
#include <cstdio>

namespace forge::migration::testing {

namespace {

constexpr std::size_t n_nodes = 3;
constexpr std::uint32_t n_chains = 3;
constexpr double trouble_ends_s = 120.0;
constexpr double deadline_s = 1500.0;
constexpr std::uint64_t plan = 250; ///< trajectories of every chain

/// Everything that happens by itself, with its time.
struct due {
    double at_s;
    enum class what : std::uint8_t { renew, resend, seal, compute, tick, nemesis, operate, op_timer, restart, boss_restart } kind;
    std::size_t index = 0; ///< node, or of a timer
    chain_id chain;
    operation_id op;
    operation_phase phase = operation_phase::requested;
    bool limit = false;
};

class run {
public:
    run(std::uint64_t seed, protocol_flaw flaw, bool traced) : state_(seed * 2 + 1), traced_(traced) {
        settings_.nodes = n_nodes;
        settings_.chains = n_chains;
        settings_.trajectories_max = plan;
        settings_.coordinator.flaw = settings_.node.flaw = flaw;
        settings_.coordinator.restarts = {1000, 60.0}; // the bound has its own test; here nothing may stay parked
        settings_.coordinator.drain_limit_s = 6.0;
        settings_.coordinator.prepare_limit_s = 6.0;
        settings_.coordinator.grant_limit_s = 6.0;
        settings_.coordinator.resend_s = 1.0;
        settings_.node.ahead_max = 1 + pick(4);
        settings_.links_outlive_processes = pick(2) == 0;
        // A and B are of one bits class, C is not.
        settings_.bits = [](std::size_t node, epoch_no) { return std::uint64_t(node == 2); };
        loss_ = pick(3) == 0 ? 0.15 : 0.02;
    }

    simulation_result go();

private:
    std::uint64_t next() { return mix(state_++, 0x5eed); }
    std::size_t pick(std::size_t n) { return next() % n; }
    double uniform(double a, double b) { return a + (b - a) * double(next() >> 11) * 0x1p-53; }
    bool troubled() const { return now_ < trouble_ends_s; }
    void say(const std::string& s) {
        if (traced_) {
            char t[32];
            std::snprintf(t, sizeof t, "%9.3f ", now_);
            out_.trace.push_back(t + s);
        }
    }
    void at(double dt, due d) {
        d.at_s = now_ + dt;
        agenda_.push_back(d);
    }
    void route();
    void happen(const due& d);
    void trouble();
    void operate();
    void assign();
    void boss(const std::function<coordinator_commands(coordinator&)>& event);
    bool cut(std::size_t node) const { return cut_until_[node] > now_; }
    bool frozen(std::size_t node) const { return frozen_until_[node] > now_; }
    bool complete() const;
    std::string standing() const;

    cluster_settings settings_;
    std::uint64_t state_;
    bool traced_;
    double loss_ = 0.0;
    double now_ = 0.0;
    std::optional<cluster> c_;
    std::vector<due> agenda_;
    std::vector<double> cut_until_ = std::vector<double>(n_nodes, 0.0), frozen_until_ = std::vector<double>(n_nodes, 0.0);
    std::size_t routed_ = 0, routed_jobs_ = 0;
    unsigned asked_ = 0;
    bool disk_was_lost_ = false;
    simulation_result out_;
};

/// Gives what was sent since the last call its delay, or loses or doubles it.
void run::route() {
    auto& net = c_->net;
    std::vector<envelope> twins;
    for (std::size_t i = 0; i < net.size(); ++i) {
        auto& e = net[i];
        if (e.due_s > 0.0)
            continue;
        const auto delay = [&] { return pick(20) == 0 && troubled() ? uniform(0.1, 20.0) : uniform(0.001, 0.2); };
        e.due_s = now_ + delay();
        if (troubled() && (cut(e.node) || uniform(0, 1) < loss_))
            e.due_s = -1.0;
        else if (troubled() && uniform(0, 1) < loss_) {
            twins.push_back(e);
            twins.back().due_s = now_ + delay();
        }
    }
    std::erase_if(net, [](const envelope& e) { return e.due_s < 0.0; });
    net.insert(net.end(), twins.begin(), twins.end());
    for (auto& j : c_->jobs)
        if (j.due_s == 0.0)
            j.due_s = now_ + (j.what == job::kind::trajectory ? uniform(0.2, 1.2) : uniform(0.01, j.what == job::kind::pull ? 3.0 : 0.5));
}

void run::boss(const std::function<coordinator_commands(coordinator&)>& event) {
    coordinator_commands said;
    const bool dies = troubled() && pick(200) == 0;
    c_->on_coordinator(
        [&](coordinator& b) {
            said = event(b);
            return said;
        },
        dies ? 1 : 0);
    if (!c_->boss) {
        ++out_.crashes;
        say("CRASH coordinator after a store");
        return at(uniform(0.5, 15.0), {0, due::what::boss_restart, 0, {}, {}});
    }
    for (const auto& s : said)
        if (const auto* t = std::get_if<arm_timer>(&s))
            at(t->after_s, {0, due::what::op_timer, 0, {}, t->op, t->phase, t->limit});
}

bool run::complete() const {
    for (std::uint32_t k = 0; k < n_chains; ++k) {
        const auto& row = c_->rows.at(chain_id{k}).row;
        if (row.sealed.trajectory < plan || !c_->runs(chain_id{k}) || row.open)
            return false;
    }
    return std::all_of(c_->operations.begin(), c_->operations.end(), [](const auto& o) { return is_final(o.second.phase); });
}

/// At every start of the coordinator, as its program does.
void run::assign() {
    for (std::uint32_t k = 0; k < n_chains && c_->boss; ++k)
        if (!c_->rows.at(chain_id{k}).row.owner)
            boss([&](coordinator& b) { return b.assign(chain_id{k}, place{cluster::name_of(k % n_nodes), ""}); });
}

std::string run::standing() const {
    std::string text;
    for (const auto& [chain, entry] : c_->rows) {
        const auto& r = entry.row;
        text += "\n  " + to_text(chain) + ": owner " + (r.owner ? r.owner->node.value : "-") + " epoch " + std::to_string(r.epoch.value) +
                " cursor " + std::to_string(r.cursor.trajectory) + " last " + std::to_string(r.last) + " sealed " + std::to_string(r.sealed.trajectory) +
                (r.open ? " open " + r.open->value : "") + (r.parked.empty() ? "" : " parked") + (c_->boss->orphans().contains(chain) ? " orphan" : "");
        for (const auto& h : r.checkpoints) {
            text += "; " + std::to_string(h.ref.at.trajectory) + " on";
            for (const auto& n : h.copies)
                text += " " + n.value;
        }
    }
    return text;
}

void run::trouble() {
    const std::size_t k = pick(n_nodes);
    auto& node = c_->nodes[k];
    switch (pick(6)) {
    case 0:
    case 1:
        if (node.core) {
            say("CRASH " + cluster::name_of(k).value);
            ++out_.crashes;
            c_->crash(k);
            at(uniform(0.2, 25.0), {0, due::what::restart, k, {}, {}});
        }
        return;
    case 2:
        if (c_->boss) {
            say("CRASH coordinator");
            ++out_.crashes;
            c_->crash_coordinator();
            at(uniform(0.2, 20.0), {0, due::what::boss_restart, 0, {}, {}});
        }
        return;
    case 3:
        cut_until_[k] = now_ + uniform(0.5, 30.0);
        say("CUT OFF " + cluster::name_of(k).value);
        return;
    case 4:
        frozen_until_[k] = now_ + uniform(0.5, 40.0);
        say("FROZEN " + cluster::name_of(k).value);
        return;
    case 5:
        if (!disk_was_lost_ && node.core && pick(3) == 0) {
            disk_was_lost_ = true;
            say("DISK LOST " + cluster::name_of(k).value);
            ++out_.crashes;
            c_->lose_disk(k);
            at(uniform(1.0, 25.0), {0, due::what::restart, k, {}, {}});
        }
        return;
    }
}

/// Moves, repeated and contradictory ones included, and an operator's take-over now and then.
void run::operate() {
    const chain_id chain{static_cast<std::uint32_t>(pick(n_chains))};
    const bool again = asked_ > 0 && pick(3) == 0;
    const operation_id id{"op" + std::to_string(again ? 1 + pick(asked_) : ++asked_)};
    const auto known = c_->operations.find(id);
    placement wish;
    wish.where = place{cluster::name_of(again && known != c_->operations.end() && !known->second.to.node.value.empty()
                                            ? *c_->index_of(known->second.to.node) : pick(n_nodes)), ""};
    const chain_id target = again && known != c_->operations.end() ? known->second.chain : chain;
    const auto& owner = c_->rows.at(target).row.owner;
    wish.kind = owner && owner->node == wish.where.node ? placement_kind::same_place : placement_kind::possible;
    if (!again && pick(12) == 0) {
        say("TAKE OVER " + to_text(target) + " " + id.value);
        c_->calm = false;
        return boss([&](coordinator& b) { return b.request_take_over(id, target, std::nullopt, pick(2) == 0, now_); });
    }
    say("MOVE " + to_text(target) + " to " + wish.where.node.value + " " + id.value);
    boss([&](coordinator& b) { return b.request_migrate(id, target, wish, now_); });
}

void run::happen(const due& d) {
    const auto again = [&](double dt) { at(dt, d); };
    const bool stands_still = d.index < n_nodes && frozen(d.index) && (d.kind <= due::what::compute);
    if (stands_still)
        return again(frozen_until_[d.index] - now_ + 0.001);
    switch (d.kind) {
    case due::what::renew: c_->renew(d.index, now_); return again(3.0);
    case due::what::resend: c_->resend(d.index); return again(uniform(1.0, 3.0));
    case due::what::seal: c_->seal_due(d.index, d.chain); return again(uniform(3.0, 12.0));
    case due::what::compute: static_cast<void>(c_->start_trajectory(d.index, d.chain, now_)); return again(uniform(0.05, 0.5));
    case due::what::tick:
        boss([&](coordinator& b) {
            for (std::size_t k = 0; k < n_nodes; ++k)
                if (!c_->nodes[k].core && pick(3) == 0)
                    b.on_down_hint(cluster::name_of(k)); // a hint must change nothing by itself
            auto said = b.on_tick(now_);
            for (const auto& s : said)
                if (std::holds_alternative<store_rows>(s)) {
                    c_->calm = false; // a lease ran out
                    ++out_.takeovers;
                }
            return said;
        });
        return again(1.0);
    case due::what::nemesis:
        if (troubled()) {
            trouble();
            again(uniform(1.0, 15.0));
        }
        return;
    case due::what::operate:
        if (troubled()) {
            operate();
            again(uniform(0.5, 8.0));
        }
        return;
    case due::what::op_timer:
        if (d.limit)
            return boss([&](coordinator& b) { return b.on_phase_limit(d.op, d.phase, now_); });
        return boss([&](coordinator& b) { return b.on_resend_due(d.op); });
    case due::what::restart:
        if (!c_->nodes[d.index].core) {
            say("RESTART " + cluster::name_of(d.index).value);
            c_->restart(d.index, now_);
        }
        return;
    case due::what::boss_restart:
        if (!c_->boss) {
            say("RESTART coordinator");
            c_->restart_coordinator(now_);
            assign();
            if (!c_->boss)
                return;
            for (const auto& op : c_->boss->operations().all())
                if (!is_final(op.phase)) {
                    at(1.0, {0, due::what::op_timer, 0, {}, op.id, op.phase, false});
                    at(6.0, {0, due::what::op_timer, 0, {}, op.id, op.phase, true});
                }
        }
        return;
    }
}

simulation_result run::go() {
    c_.emplace(settings_);
    if (traced_)
        c_->tell = [this](const std::string& s) { say(s); };
    now_ = 0.001;
    c_->restart_coordinator(now_);
    for (std::size_t k = 0; k < n_nodes; ++k) {
        c_->restart(k, now_);
        at(uniform(2.0, 3.0), {0, due::what::renew, k, {}, {}});
        at(uniform(1.0, 3.0), {0, due::what::resend, k, {}, {}});
        for (std::uint32_t chain = 0; chain < n_chains; ++chain) {
            at(uniform(0.1, 0.5), {0, due::what::compute, k, chain_id{chain}, {}});
            at(uniform(3.0, 12.0), {0, due::what::seal, k, chain_id{chain}, {}});
        }
    }
    assign();
    at(1.0, {0, due::what::tick, n_nodes, {}, {}});
    at(uniform(2.0, 10.0), {0, due::what::nemesis, n_nodes, {}, {}});
    at(uniform(1.0, 5.0), {0, due::what::operate, n_nodes, {}, {}});
    while (now_ < deadline_s) {
        route();
        const auto earliest = [](auto& v, auto time) { return std::min_element(v.begin(), v.end(), [&](const auto& a, const auto& b) { return time(a) < time(b); }); };
        // What reaches a frozen process, and what its jobs answer, waits in its queues.
        for (auto& e : c_->net)
            if (!e.up && frozen(e.node))
                e.due_s = std::max(e.due_s, frozen_until_[e.node] + 0.0005);
        for (auto& j : c_->jobs)
            if (frozen(j.node))
                j.due_s = std::max(j.due_s, frozen_until_[j.node] + 0.0005);
        const auto e = earliest(c_->net, [](const envelope& x) { return x.due_s; });
        const auto j = earliest(c_->jobs, [](const job& x) { return x.due_s; });
        const auto d = earliest(agenda_, [](const due& x) { return x.at_s; });
        const double te = e == c_->net.end() ? 1e300 : e->due_s;
        const double tj = j == c_->jobs.end() ? 1e300 : j->due_s;
        ++out_.events;
        if (te <= tj && te <= d->at_s) {
            now_ = te;
            const auto message = *e;
            c_->net.erase(e);
            say(to_text(message));
            if (!message.up || c_->boss)
                c_->deliver(message, now_);
        } else if (tj <= d->at_s) {
            now_ = tj;
            const auto work = *j;
            c_->jobs.erase(j);
            say(to_text(work));
            const bool lost = work.what == job::kind::pull && troubled() && cut(work.source);
            c_->finish(work, now_, lost || (work.what == job::kind::pull && troubled() && pick(15) == 0));
        } else {
            const auto what = *d;
            agenda_.erase(d);
            now_ = what.at_s;
            happen(what);
        }
        if (out_.violation = c_->violation(); !out_.violation.empty())
            break;
        if (!troubled() && out_.events % 64 == 0 && complete())
            break;
    }
    if (out_.violation.empty() && !complete())
        out_.violation = "the plan was not completed after the heal" + standing();
    for (const auto& [id, n] : c_->moves)
        out_.moves += static_cast<std::size_t>(n);
    out_.superseded = c_->superseded;
    out_.validated = c_->validated;
    say(out_.violation.empty() ? "complete" : out_.violation);
    return out_;
}

} // namespace

simulation_result simulate(std::uint64_t seed, protocol_flaw flaw, bool traced) { return run(seed, flaw, traced).go(); }

} // namespace forge::migration::testing
