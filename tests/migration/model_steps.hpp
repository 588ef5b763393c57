// SPDX-License-Identifier: AGPL-3.0-only
// The steps that the model check takes: what may happen in a state, and what it does.
#pragma once

#include "tests/migration/model_check.hpp"

#include <algorithm>

namespace forge::migration::testing::model {

inline constexpr chain_id the_chain{0};
inline constexpr double now = 0.0; // the model has no clock: what a clock decides may happen at any time

enum class act : std::uint8_t {
    deliver, lose, repeat, finish, corrupt, compute, seal, renew, resend, crash, restart, boss_crash, boss_restart, boss_resend, give_up,
    suspect, request
};

struct action {
    act what = act::deliver;
    std::uint8_t index = 0;
    std::uint8_t crash_after = 0; ///< the coordinator dies after this many stores
};

struct budget {
    std::uint8_t crashes = 0, disturbances = 0, suspicions = 0, asked = 0; ///< asked: operations requested so far
    bool calm = true; ///< more is promised while it holds
    bool covers(const budget& o) const {
        return crashes >= o.crashes && disturbances >= o.disturbances && suspicions >= o.suspicions && calm >= o.calm;
    }
};

struct world {
    cluster c;
    budget left;
};

inline operation_id op_name(unsigned k) { return operation_id{"op" + std::to_string(k + 1)}; }

struct explorer {
    const model_bounds& bounds;
    cluster_settings settings;

    explorer(const model_bounds& b, protocol_flaw flaw) : bounds(b) {
        settings.trajectories_max = b.trajectories;
        settings.coordinator.flaw = flaw;
        settings.coordinator.restarts = {1000, 1e9};
        settings.coordinator.operations_kept = 100;
        settings.node.flaw = flaw;
        settings.node.ahead_max = 1;
        settings.node.lease = {1e9, 1.0, 1.0}; // the owner never stops by itself, which is the worst case
        settings.coordinator.lease = settings.node.lease;
        // A device that computes other bits with every epoch, which is the worst case too.
        settings.bits = [](std::size_t node, epoch_no epoch) { return node * 100 + epoch.value; };
    }

    world start() const {
        world w{cluster(settings), {}};
        w.left.crashes = static_cast<std::uint8_t>(bounds.crashes);
        w.left.disturbances = static_cast<std::uint8_t>(bounds.disturbances);
        w.left.suspicions = static_cast<std::uint8_t>(bounds.suspicions);
        w.c.restart_coordinator(now);
        for (std::size_t k = 0; k < 2; ++k)
            w.c.restart(k, now);
        while (!w.c.net.empty()) { // both nodes are welcomed, A owns the chain and runs it
            const auto e = w.c.net.front();
            w.c.net.erase(w.c.net.begin());
            w.c.deliver(e, now);
            if (w.c.net.empty() && w.c.rows.at(the_chain).row.epoch.value == 0)
                w.c.on_coordinator([](coordinator& b) { return b.assign(the_chain, place{cluster::name_of(0), ""}); });
        }
        return w;
    }

    /// Timers that repeat fire when nothing is under way and something is amiss: earlier, they would double a message,
    /// and `repeat` does that; the simulation fires them at any time.
    static bool timers(const world& w) {
        if (!w.c.net.empty() || !w.c.jobs.empty())
            return false;
        if (!w.c.boss || !w.c.runs(the_chain))
            return true;
        for (const auto& [id, op] : w.c.operations)
            if (!is_final(op.phase))
                return true;
        for (std::size_t k = 0; k < w.c.nodes.size(); ++k) {
            if (!w.c.nodes[k].core)
                continue;
            const auto& core = *w.c.nodes[k].core;
            if (!core.welcomed() || !w.c.boss->policy().live(cluster::name_of(k)))
                return true;
            const auto at = core.seats().find(the_chain);
            if (at == core.seats().end() || !at->second.owner)
                continue;
            const auto& v = at->second.owner->view();
            if (at->second.owns() && (v.epoch != w.c.rows.at(the_chain).row.epoch || v.asking || !v.pending.empty() || (v.saving && v.saving->claimed)))
                return true;
        }
        return false;
    }

    /// A connection keeps the order; overtaking is a disturbance.
    static bool first_of_link(const cluster& c, std::size_t i) {
        return std::none_of(c.net.begin(), c.net.begin() + static_cast<std::ptrdiff_t>(i), [&](const envelope& e) {
            return e.up == c.net[i].up && e.node == c.net[i].node;
        });
    }

    void actions(const world& w, std::vector<action>& out) const {
        out.clear();
        const bool idle = timers(w);
        const auto& c = w.c;
        const auto add = [&](act a, std::size_t i = 0) { out.push_back({a, static_cast<std::uint8_t>(i), 0}); };
        for (std::size_t i = 0; i < c.net.size(); ++i) {
            if (c.net[i].up ? c.boss.has_value() : c.nodes[c.net[i].node].core.has_value())
                if (first_of_link(c, i) || w.left.disturbances > 0)
                    add(act::deliver, i);
            if (w.left.disturbances > 0)
                add(act::lose, i), add(act::repeat, i);
        }
        for (std::size_t i = 0; i < c.jobs.size(); ++i) {
            add(act::finish, i);
            if (c.jobs[i].what == job::kind::pull && w.left.disturbances > 0)
                add(act::corrupt, i);
        }
        for (std::size_t k = 0; k < c.nodes.size(); ++k) {
            if (!c.nodes[k].core) {
                add(act::restart, k);
                continue;
            }
            add(act::compute, k), add(act::seal, k);
            if (idle)
                add(act::resend, k), add(act::renew, k);
            if (w.left.crashes > 0)
                add(act::crash, k);
        }
        if (!c.boss) {
            add(act::boss_restart);
            return;
        }
        if (w.left.crashes > 0)
            add(act::boss_crash);
        for (unsigned k = 0; k < bounds.operations; ++k) {
            const auto* op = c.boss->operations().find(op_name(k));
            if (op && !is_final(op->phase)) {
                add(act::give_up, k);
                if (idle)
                    add(act::boss_resend, k);
            }
            // The first request of each is free, in order; another with the same id is a disturbance.
            if (w.left.asked == k || (w.left.asked > k && w.left.disturbances > 0))
                add(act::request, k);
        }
        if (w.left.suspicions > 0)
            for (std::size_t k = 0; k < c.nodes.size(); ++k)
                if (c.boss->policy().live(cluster::name_of(k)))
                    add(act::suspect, k);
    }

    /// @return the number of stores that the coordinator made.
    std::size_t apply(world& w, const action& a) const {
        auto& c = w.c;
        const auto stores = c.stores;
        const std::size_t i = a.index;
        c.crash_after_stores = a.crash_after;
        if (a.crash_after > 0)
            --w.left.crashes;
        switch (a.what) {
        case act::deliver: {
            if (!first_of_link(c, i))
                --w.left.disturbances;
            const auto e = c.net[i];
            c.net.erase(c.net.begin() + static_cast<std::ptrdiff_t>(i));
            c.deliver(e, now);
            break;
        }
        case act::lose:
            --w.left.disturbances;
            c.net.erase(c.net.begin() + static_cast<std::ptrdiff_t>(i));
            break;
        case act::repeat:
            --w.left.disturbances;
            c.net.push_back(c.net[i]);
            break;
        case act::corrupt:
        case act::finish: {
            const auto j = c.jobs[i];
            c.jobs.erase(c.jobs.begin() + static_cast<std::ptrdiff_t>(i));
            if (a.what == act::corrupt)
                --w.left.disturbances;
            const auto before = c.jobs.size();
            c.finish(j, now, a.what == act::corrupt);
            // The sync that follows at once: a crash before it is a crash before the job.
            if (c.jobs.size() > before && c.jobs.back().what == job::kind::sync) {
                const auto sync = c.jobs.back();
                c.jobs.pop_back();
                c.finish(sync, now);
            }
            break;
        }
        case act::compute:
            if (c.start_trajectory(i, the_chain, now)) { // as one step: nothing looks at a computation that runs
                const auto j = c.jobs.back();
                c.jobs.pop_back();
                c.finish(j, now);
            }
            break;
        case act::seal: c.seal_due(i, the_chain); break;
        case act::renew: c.renew(i, now); break;
        case act::resend: {
            const auto before = c.net.size();
            c.resend(i);
            drop_known(c, before);
            break;
        }
        case act::crash:
            --w.left.crashes;
            c.crash(i);
            break;
        case act::restart: c.restart(i, now); break;
        case act::boss_crash:
            --w.left.crashes;
            c.crash_coordinator();
            break;
        case act::boss_restart: {
            const auto before = c.net.size();
            c.restart_coordinator(now);
            drop_known(c, before);
            break;
        }
        case act::boss_resend: {
            const auto before = c.net.size();
            c.on_coordinator([&](coordinator& b) { return b.on_resend_due(op_name(a.index)); }, a.crash_after);
            drop_known(c, before);
            break;
        }
        case act::give_up:
            c.on_coordinator([&](coordinator& b) { return b.on_phase_limit(op_name(a.index), b.operations().find(op_name(a.index))->phase, now); }, a.crash_after);
            break;
        case act::suspect:
            --w.left.suspicions;
            c.calm = false;
            c.on_coordinator([&](coordinator& b) { return b.on_lease_out(cluster::name_of(i), now); }, a.crash_after);
            break;
        case act::request: {
            if (w.left.asked > a.index)
                --w.left.disturbances;
            else
                ++w.left.asked;
            placement wish;
            wish.where = place{cluster::name_of(a.index == 0 ? 1 : 0), ""};
            const auto& owner = c.rows.at(the_chain).row.owner;
            wish.kind = owner && owner->node == wish.where.node ? placement_kind::same_place : placement_kind::possible;
            c.on_coordinator([&](coordinator& b) { return b.request_migrate(op_name(a.index), the_chain, wish, now); }, a.crash_after);
            break;
        }
        }
        c.crash_after_stores = 0;
        return c.stores - stores;
    }

    /// Saying again what is still under way makes no new state.
    static void drop_known(cluster& c, std::size_t before) {
        std::vector<envelope> kept(c.net.begin(), c.net.begin() + static_cast<std::ptrdiff_t>(before));
        std::vector<state_code> codes;
        for (const auto& e : kept)
            codes.push_back(code_of(e, c));
        for (std::size_t i = before; i < c.net.size(); ++i) {
            const auto code = code_of(c.net[i], c);
            if (std::find(codes.begin(), codes.end(), code) == codes.end()) {
                codes.push_back(code);
                kept.push_back(c.net[i]);
            }
        }
        c.net = std::move(kept);
    }

    std::string words(const world& w, const action& a) const {
        const auto node = cluster::name_of(a.index < 2 ? a.index : 0).value;
        const auto tail = a.crash_after > 0 ? " (the coordinator dies after store " + std::to_string(a.crash_after) + ")" : std::string();
        switch (a.what) {
        case act::deliver: return (first_of_link(w.c, a.index) ? "" : "OVERTAKING ") + to_text(w.c.net[a.index]) + tail;
        case act::lose: return "LOST " + to_text(w.c.net[a.index]);
        case act::repeat: return "DOUBLED " + to_text(w.c.net[a.index]);
        case act::finish: return to_text(w.c.jobs[a.index]);
        case act::corrupt: return "CORRUPTED " + to_text(w.c.jobs[a.index]);
        case act::compute: return node + " computes";
        case act::seal: return node + " seal due";
        case act::renew: return node + " renews";
        case act::resend: return node + " says it again";
        case act::crash: return "CRASH " + node;
        case act::restart: return "RESTART " + node;
        case act::boss_crash: return "CRASH coordinator";
        case act::boss_restart: return "RESTART coordinator";
        case act::boss_resend: return "coordinator says it again";
        case act::give_up: return "TIME OUT" + tail;
        case act::suspect: return "SUSPECTED " + node + tail;
        case act::request: return "REQUEST " + op_name(a.index).value + tail;
        }
        return {};
    }
};

/// Steps that happen by themselves when the network and the machines are well.
inline bool fair(const action& a) {
    switch (a.what) {
    case act::lose: case act::repeat: case act::corrupt: case act::crash: case act::boss_crash: case act::suspect: case act::request: return false;
    default: return a.crash_after == 0;
    }
}

} // namespace forge::migration::testing::model
