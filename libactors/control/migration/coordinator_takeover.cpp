// SPDX-License-Identifier: AGPL-3.0-only
// Chains whose owner is gone, or has lost what it had in memory.
#include "libactors/control/migration/coordinator.hpp"

#include <fmt/format.h>

namespace forge::migration {

void coordinator::fence(chain_id chain, const std::string& why, double now_s, out& o) {
    const auto& row = chains_.at(chain).row;
    if (const auto op = running_operation(chain); op && row.open)
        return give_up(*op, why, now_s, o);
    auto after = rules_.abort(row, row.owner->node, row.epoch);
    expects(after.ok(), "the owner's own epoch is current");
    put_row(chain, std::move(*after), std::nullopt, o);
}

void coordinator::find_home(chain_id chain, double now_s, out& o) {
    const auto& row = chains_.at(chain).row;
    if (!row.owner || !row.parked.empty())
        return;
    const auto choice = choose_takeover(row, policy_.live_nodes());
    if (!choice)
        return; // looked at again with every node that comes back and with every tick
    if (auto parked = policy_.on_restart(chain, now_s); !parked.empty()) {
        auto after = row;
        after.parked = parked;
        put_row(chain, std::move(after), std::nullopt, o);
        o.push_back(coordinator_notice{chain, to_text(chain) + " is parked: " + parked});
        orphans_.erase(chain);
        return;
    }
    hand_over(chain, *choice, fmt::format("{} was lost", row.owner->node.value), now_s, o);
}

void coordinator::hand_over(chain_id chain, const takeover_choice& choice, const std::string& why, double now_s, out& o) {
    const auto& entry = chains_.at(chain);
    const auto previous = entry.row.owner;
    auto after = rules_.take_over(entry.row, choice.to, choice.from, entry.genesis);
    expects(after.ok(), "a chosen take-over is allowed");
    std::optional<operation> op = running_operation(chain);
    const bool target_again = op && !entry.row.open && op->to.node == choice.to.node; // it was restarted; it may still run
    if (op && !target_again) {
        op->answer = fmt::format("{}; {} was taken over by {}", why, to_text(chain), choice.to.node.value);
        op->phase = entry.row.open ? operation_phase::aborted : operation_phase::overtaken;
        op->ended_s = now_s;
        offers_.erase(op->id);
    } else {
        op.reset();
    }
    orphans_.erase(chain);
    const auto epoch = after->epoch;
    put_row(chain, std::move(*after), op, o);
    o.push_back(coordinator_notice{chain, fmt::format("{}: {} goes on with {} from trajectory {}, epoch {}", why, choice.to.node.value,
                                                      to_text(chain), choice.trajectory, epoch.value)});
    if (op)
        o.push_back(answer_operation{*op});
    o.push_back(send_to_node{choice.to.node, chain_granted{chain, epoch}});
    if (previous && previous->node != choice.to.node)
        tell_row(previous->node, chain, o);
}

coordinator_commands coordinator::on_lease_out(const node_name& node, double now_s) {
    out o;
    policy_.on_lost(node);
    for (const auto& [chain, entry] : chains_) {
        const auto op = running_operation(chain);
        if (entry.row.owner && entry.row.owner->node == node)
            orphans_.insert(chain);
        else if (op && entry.row.open && op->to.node == node)
            give_up(*op, fmt::format("{} was lost", node.value), now_s, o);
    }
    for (const auto chain : std::set<chain_id>(orphans_))
        find_home(chain, now_s, o);
    return o;
}

coordinator_commands coordinator::on_tick(double now_s) {
    out o;
    for (const auto& node : policy_.expired(now_s))
        for (auto& c : on_lease_out(node, now_s))
            o.push_back(std::move(c));
    for (const auto chain : std::set<chain_id>(orphans_))
        find_home(chain, now_s, o);
    return o;
}

coordinator_commands coordinator::request_take_over(const operation_id& id, chain_id chain, const std::optional<node_name>& to,
                                                    bool force, double now_s) {
    out o;
    if (const auto* before = log_.find(id)) {
        o.push_back(answer_operation{*before});
        return o;
    }
    operation op;
    op.id = id;
    op.kind = operation_kind::take_over;
    op.chain = chain;
    op.begun_s = now_s;
    const auto refuse = [&](std::string why) {
        finish(op, operation_phase::refused, std::move(why), now_s, o);
        return o;
    };
    if (!chains_.contains(chain))
        return refuse(fmt::format("the campaign has no chain {}", to_text(chain)));
    const auto& row = chains_.at(chain).row;
    if (!row.owner)
        return refuse(fmt::format("nobody ever owned {}", to_text(chain)));
    op.from = *row.owner;
    op.epoch = row.epoch;
    const bool running = policy_.live(row.owner->node) && row.parked.empty() && !orphans_.contains(chain);
    if (running && !force)
        return refuse(fmt::format("{} holds {} and its lease; force fences it, unsealed work is computed again", row.owner->node.value, to_text(chain)));
    const auto live = policy_.live_nodes();
    const bool there = to && policy_.live(*to);
    if (to && !there)
        return refuse(fmt::format("node {} is not there", to->value));
    const auto choice = choose_takeover(row, to ? std::vector<node_name>{*to} : live);
    if (!choice)
        return refuse(fmt::format("no such node holds a verified checkpoint of {} at or after trajectory {}, which is sealed", to_text(chain),
                                  row.sealed.trajectory));
    policy_.forgive(chain);
    if (!row.parked.empty()) {
        auto after = row;
        after.parked.clear();
        put_row(chain, std::move(after), std::nullopt, o);
    }
    hand_over(chain, *choice, "the operator decided", now_s, o);
    op.to = choice->to;
    finish(op, operation_phase::released,
           fmt::format("{} goes on at {} from trajectory {} with epoch {}", to_text(chain), choice->to.node.value, choice->trajectory,
                       chains_.at(chain).row.epoch.value), now_s, o);
    return o;
}

} // namespace forge::migration
