// SPDX-License-Identifier: AGPL-3.0-only
// Migrations: from the request to the release.
#include "libactors/control/migration/coordinator.hpp"

#include <fmt/format.h>

namespace forge::migration {

namespace {
std::string text(const place& p) { return p.device.empty() ? p.node.value : p.node.value + "/" + p.device; }
}

std::optional<operation> coordinator::running_operation(chain_id chain) const {
    for (const auto& op : log_.all())
        if (op.chain == chain && !is_final(op.phase))
            return op;
    return std::nullopt;
}

/// The message that moves the operation on; repeated until it does.
void coordinator::drive(const operation& op, out& o) const {
    const auto& row = chains_.at(op.chain).row;
    switch (op.phase) {
    case operation_phase::draining:
        o.push_back(send_to_node{op.from.node, drain_chain{op.id, op.chain, op.epoch}});
        return;
    case operation_phase::preparing: {
        const auto& ref = offers_.at(op.id);
        o.push_back(send_to_node{op.to.node, prepare_copy{op.id, op.chain, op.epoch, ref, op.from.node}});
        return;
    }
    case operation_phase::granted:
    case operation_phase::unknown:
        if (row.owner && row.owner->node == op.to.node)
            o.push_back(send_to_node{op.to.node, chain_granted{op.chain, row.epoch}});
        return;
    default: return;
    }
}

void coordinator::arm(const operation& op, out& o) const {
    const double limit = op.phase == operation_phase::draining    ? settings_.drain_limit_s
                         : op.phase == operation_phase::preparing ? settings_.prepare_limit_s
                                                                  : settings_.grant_limit_s;
    o.push_back(arm_timer{op.id, op.phase, settings_.resend_s, false});
    if (op.phase != operation_phase::unknown)
        o.push_back(arm_timer{op.id, op.phase, limit, true});
}

/// A row that has nothing to do with the chain's row.
void coordinator::remember(const operation& op, out& o) {
    store_rows s;
    s.op = op;
    s.forget = log_.put(op);
    o.push_back(std::move(s));
}

void coordinator::finish(operation op, operation_phase phase, std::string answer, double now_s, out& o) {
    op.phase = phase;
    op.answer = std::move(answer);
    op.ended_s = now_s;
    offers_.erase(op.id);
    remember(op, o);
    o.push_back(answer_operation{op});
}

coordinator_commands coordinator::request_migrate(const operation_id& id, chain_id chain, const placement& verdict, double now_s) {
    out o;
    const auto* before = log_.find(id);
    if (before && !settings_.flaw.is(protocol_flaw::kind::resend_without_id)) {
        o.push_back(answer_operation{*before});
        return o;
    }
    if (before) { // the planted fault: the same wish once more
        auto others = log_.all();
        std::erase_if(others, [&](const auto& other) { return other.id == id; });
        log_.restore(others);
        offers_.erase(id);
    }
    operation op;
    op.id = id;
    op.chain = chain;
    op.to = verdict.where;
    op.begun_s = now_s;
    const auto refuse = [&](std::string why) {
        finish(op, operation_phase::refused, std::move(why), now_s, o);
        return o;
    };
    if (!chains_.contains(chain))
        return refuse(fmt::format("the campaign has no chain {}", to_text(chain)));
    const auto& row = chains_.at(chain).row;
    if (const auto other = running_operation(chain))
        return refuse(fmt::format("operation {} is moving {} to {}; wait for it", other->id.value, to_text(chain), text(other->to)));
    if (!row.parked.empty())
        return refuse(fmt::format("{} is parked: {}", to_text(chain), row.parked));
    if (!row.owner || orphans_.contains(chain) || !policy_.live(row.owner->node))
        return refuse(fmt::format("{} has no live owner; it will be taken over", to_text(chain)));
    op.from = *row.owner;
    op.epoch = row.epoch;
    if (verdict.kind == placement_kind::same_place) {
        finish(op, operation_phase::released, verdict.reason, now_s, o);
        return o;
    }
    if (verdict.kind == placement_kind::refused) {
        std::string why = verdict.reason;
        for (std::size_t k = 0; k < verdict.alternatives.size(); ++k)
            why += (k == 0 ? "; possible: " : ", ") + text(verdict.alternatives[k]);
        return refuse(std::move(why));
    }
    if (!policy_.live(op.to.node))
        return refuse(fmt::format("node {} is not there", op.to.node.value));
    if (row.last != row.cursor.trajectory)
        return refuse(fmt::format("{} computes trajectories {} to {} again after a restart; ask when it is through", to_text(chain),
                                  row.cursor.trajectory + 1, row.last));
    op.phase = operation_phase::draining;
    auto after = row;
    after.open = id;
    put_row(chain, std::move(after), op, o);
    drive(op, o);
    arm(op, o);
    return o;
}

void coordinator::handle(const node_name& from, const chain_offered& m, const std::optional<digest>&, double now_s, out& o) {
    const auto& row = chains_.at(m.chain).row;
    auto op = running_operation(m.chain);
    if (!op || op->id != m.op || row.open != m.op || op->from.node != from || op->epoch != m.epoch || row.epoch != m.epoch)
        return tell_row(from, m.chain, o);
    if (op->phase == operation_phase::draining) {
        offers_[op->id] = m.ref;
        // Only a restart of the coordinator loses these two phases; it begins again with the drain.
        op->phase = op->to.node == from || m.ref.at.trajectory == 0 ? operation_phase::offered : operation_phase::preparing;
        static_cast<void>(log_.put(*op)); // replaces, so nothing has to go
        if (op->phase == operation_phase::offered)
            return commit_move(*op, row, now_s, o);
        arm(*op, o);
    }
    if (op->phase == operation_phase::preparing)
        drive(*op, o);
}

/// The point of no return.
void coordinator::commit_move(operation op, chain_ownership row, double now_s, out& o) {
    const auto& at = offers_.at(op.id).at;
    op.phase = operation_phase::prepared;
    auto moved = rules_.move(row, op.from.node, op.epoch, at, op.to);
    if (!moved) {
        put_row(op.chain, std::move(row), std::nullopt, o); // the copy is there all the same
        return give_up(op, moved.reason().what, now_s, o);
    }
    op.phase = operation_phase::granted; // `committed` on the disk and `granted` once told; telling is repeatable
    offers_.erase(op.id);
    std::vector<held_checkpoint> gone;
    prune(*moved, gone);
    put_row(op.chain, std::move(*moved), op, o);
    drive(op, o);
    if (op.from.node != op.to.node)
        tell_row(op.from.node, op.chain, o);
    arm(op, o);
    drop(op.chain, gone, epoch_no{UINT64_MAX}, o);
}

/// Before the point of no return only: the source goes on with the next epoch and what it has in memory.
void coordinator::give_up(operation op, const std::string& why, double now_s, out& o) {
    auto after = rules_.abort(chains_.at(op.chain).row, op.from.node, op.epoch);
    expects(after.ok(), "an operation that can be given up is of the current owner");
    op.phase = operation_phase::aborted;
    op.answer = why;
    op.ended_s = now_s;
    offers_.erase(op.id);
    const auto epoch = after->epoch;
    put_row(op.chain, std::move(*after), op, o);
    o.push_back(answer_operation{op});
    o.push_back(send_to_node{op.from.node, chain_granted{op.chain, epoch}});
    tell_row(op.to.node, op.chain, o);
}

void coordinator::handle(const node_name& from, const unable& m, const std::optional<digest>&, double now_s, out& o) {
    const auto op = running_operation(m.chain);
    const auto& row = chains_.at(m.chain).row;
    if (!op || op->id != m.op || row.open != m.op || row.epoch != m.epoch) {
        o.push_back(coordinator_notice{m.chain, fmt::format("{}: {}", from.value, m.why)});
        return;
    }
    give_up(*op, fmt::format("{}: {}", from.value, m.why), now_s, o);
}

void coordinator::handle(const node_name& from, const chain_activated& m, const std::optional<digest>&, double now_s, out& o) {
    const auto& row = chains_.at(m.chain).row;
    if (!row.owner || row.owner->node != from || row.epoch != m.epoch)
        return tell_row(from, m.chain, o);
    orphans_.erase(m.chain);
    const auto op = running_operation(m.chain);
    if (op && op->phase >= operation_phase::committed && op->to.node == from)
        finish(*op, operation_phase::released,
               fmt::format("{} runs on {} with epoch {}", to_text(m.chain), text(op->to), row.epoch.value), now_s, o);
}

coordinator_commands coordinator::on_resend_due(const operation_id& id) {
    out o;
    const auto* op = log_.find(id);
    if (!op || is_final(op->phase))
        return o;
    drive(*op, o);
    o.push_back(arm_timer{op->id, op->phase, settings_.resend_s, false});
    return o;
}

coordinator_commands coordinator::on_phase_limit(const operation_id& id, operation_phase phase, double now_s) {
    out o;
    const auto* found = log_.find(id);
    if (!found || found->phase != phase)
        return o;
    auto op = *found;
    if (chains_.at(op.chain).row.open == id) {
        give_up(op, phase == operation_phase::draining ? fmt::format("{} did not drain in time", text(op.from))
                                                       : fmt::format("{} did not prepare in time", text(op.to)), now_s, o);
    } else if (phase == operation_phase::granted) {
        op.phase = operation_phase::unknown;
        remember(op, o);
        o.push_back(answer_operation{op});
    }
    return o;
}

} // namespace forge::migration
