// SPDX-License-Identifier: AGPL-3.0-only
// Messages of nodes: presence, commits, seals, copies.
#include "libactors/control/migration/coordinator.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace forge::migration {

coordinator::coordinator(const coordinator_settings& settings, const durable_rows& rows)
    : settings_(settings), rules_(settings.copies_wanted, settings.flaw), log_(settings.operations_kept),
      policy_(settings.lease, settings.restarts) {
    for (const auto& c : rows.chains)
        chains_[c.chain] = c;
    for (const auto& n : rows.nodes)
        incarnations_[n.node] = n.incarnation;
    log_.restore(rows.operations);
}

coordinator_commands coordinator::begin(double now_s) {
    out o;
    for (const auto& [node, incarnation] : incarnations_)
        policy_.on_alive(node, now_s);
    for (const auto& op : log_.all())
        if (!is_final(op.phase)) {
            drive(op, o);
            arm(op, o);
        }
    return o;
}

coordinator_commands coordinator::assign(chain_id chain, const place& to) {
    out o;
    const auto granted = rules_.grant(chains_.at(chain).row, to);
    if (!granted) {
        o.push_back(coordinator_notice{chain, to_text(granted.reason())});
        return o;
    }
    put_row(chain, *granted, std::nullopt, o);
    o.push_back(send_to_node{to.node, chain_granted{chain, granted->epoch}});
    return o;
}

std::optional<coordinator::record_key> coordinator::record_needed(const to_coordinator& message) {
    if (const auto* c = std::get_if<commit_chain>(&message))
        return record_key{c->chain, c->claim.trajectory};
    if (const auto* s = std::get_if<seal_claim>(&message))
        if (s->ref.at.trajectory > 0)
            return record_key{s->chain, s->ref.at.trajectory};
    return std::nullopt;
}

coordinator_commands coordinator::on_message(const node_name& from, const to_coordinator& message,
                                             const std::optional<digest>& live_here, double now_s) {
    out o;
    std::visit(
        [&](const auto& m) {
            if constexpr (requires { m.chain; })
                if (!chains_.contains(m.chain)) {
                    o.push_back(coordinator_notice{std::nullopt, fmt::format("{} speaks of {}, which the campaign has not", from.value, to_text(m.chain))});
                    return;
                }
            handle(from, m, live_here, now_s, o);
        },
        message);
    return o;
}

void coordinator::tell_row(const node_name& to, chain_id chain, out& o) const {
    o.push_back(send_to_node{to, row_told{chain, chains_.at(chain).row}});
}

void coordinator::put_row(chain_id chain, chain_ownership after, std::optional<operation> op, out& o) {
    auto& entry = chains_.at(chain);
    entry.row = std::move(after);
    store_rows s;
    s.chain = entry;
    if (op) {
        s.forget = log_.put(*op);
        s.op = std::move(op);
    }
    o.push_back(std::move(s));
}

std::uint64_t coordinator::incarnation_of(const node_name& node) const {
    const auto at = incarnations_.find(node);
    return at == incarnations_.end() ? 0 : at->second;
}

void coordinator::drop(chain_id chain, const std::vector<held_checkpoint>& gone, epoch_no before, out& o) const {
    for (const auto& c : gone)
        for (const auto& node : c.copies)
            o.push_back(send_to_node{node, drop_copy{chain, c.ref.file, incarnation_of(node), before}});
}

void coordinator::prune(chain_ownership& row, std::vector<held_checkpoint>& gone) const {
    // While a migration is under way its checkpoint is being pulled; the next seal prunes.
    if (!row.open)
        gone = rules_.drop_old(row, settings_.generations_kept);
}

void coordinator::replicate(chain_id chain, const std::optional<node_name>& only, out& o) const {
    const auto& row = chains_.at(chain).row;
    if (row.checkpoints.empty() || row.checkpoints.front().copies.empty())
        return;
    const auto& newest = row.checkpoints.front();
    auto missing = settings_.copies_wanted > newest.copies.size() ? settings_.copies_wanted - newest.copies.size() : 0;
    const auto holder = std::find_if(newest.copies.begin(), newest.copies.end(), [&](const auto& n) { return policy_.live(n); });
    if (holder == newest.copies.end())
        return;
    for (const auto& node : policy_.live_nodes()) {
        if (missing == 0)
            return;
        if (newest.on(node))
            continue;
        --missing;
        if (!only || *only == node)
            o.push_back(send_to_node{node, prepare_copy{operation_id{}, chain, row.epoch, newest.ref, *holder}});
    }
}

void coordinator::handle(const node_name& from, const node_hello& m, const std::optional<digest>&, double now_s, out& o) {
    const bool known = incarnations_.contains(from);
    if (known && m.incarnation < incarnations_.at(from))
        return; // an earlier process spoke, late
    const auto greet = [&](out& to) {
        policy_.on_alive(from, now_s);
        lease_renewed welcome{m.incarnation, m.asked_at_s, {}};
        for (const auto& [chain, entry] : chains_)
            if (entry.row.owner)
                welcome.seats.push_back({chain, entry.row.epoch, entry.row.owner->node});
        to.push_back(send_to_node{from, std::move(welcome)});
    };
    if (known && m.incarnation == incarnations_.at(from))
        return greet(o);
    incarnations_[from] = m.incarnation;
    store_rows s;
    s.node = node_row{from, m.incarnation};
    o.push_back(s);
    policy_.on_lost(from);
    std::vector<std::pair<chain_id, std::vector<held_checkpoint>>> unlisted;
    for (auto& [chain, entry] : chains_) {
        const auto held = std::find_if(m.holds.begin(), m.holds.end(), [c = chain](const auto& h) { return h.chain == c; });
        const auto files = held == m.holds.end() ? std::vector<digest>{} : held->files;
        auto after = rules_.keep_copies(entry.row, from, files);
        for (const auto& file : files)
            if (!after.find(file))
                unlisted.push_back({chain, {held_checkpoint{{{}, file, 0}, {from}}}});
        if (after != entry.row)
            put_row(chain, std::move(after), std::nullopt, o);
    }
    policy_.on_alive(from, now_s);
    for (const auto& [chain, entry] : chains_) {
        const auto op = running_operation(chain);
        const bool owns = entry.row.owner && entry.row.owner->node == from;
        if (owns) {
            orphans_.insert(chain); // what the earlier process had in memory is gone
            // Without a home for now, the earlier process's messages still have to meet another epoch.
            if (!choose_takeover(entry.row, policy_.live_nodes()))
                fence(chain, fmt::format("{} was started anew", from.value), now_s, o);
        } else if (op && entry.row.open && op->to.node == from)
            give_up(*op, fmt::format("{} was started anew", from.value), now_s, o);
    }
    for (const auto chain : std::set<chain_id>(orphans_))
        find_home(chain, now_s, o);
    for (const auto& [chain, gone] : unlisted)
        drop(chain, gone, chains_.at(chain).row.epoch, o);
    // A process listens once it is welcomed: after its predecessor's epochs are over, before it hears of its own.
    const auto told = std::stable_partition(o.begin(), o.end(), [](const auto& c) { return std::holds_alternative<store_rows>(c); });
    out welcome;
    greet(welcome);
    o.insert(told, welcome.begin(), welcome.end());
}

void coordinator::handle(const node_name& from, const renew_lease& m, const std::optional<digest>&, double now_s, out& o) {
    if (m.incarnation != incarnation_of(from))
        return; // a process that has not said hello, or is no more
    const bool back = !policy_.live(from);
    policy_.on_alive(from, now_s);
    lease_renewed answer{m.incarnation, m.asked_at_s, {}};
    for (const auto& [chain, entry] : chains_) {
        if (!entry.row.owner)
            continue;
        answer.seats.push_back({chain, entry.row.epoch, entry.row.owner->node});
        const bool runs = std::any_of(m.seats.begin(), m.seats.end(), [&, c = chain](const auto& s) { return s.chain == c && s.epoch == entry.row.epoch; });
        if (runs && entry.row.owner->node == from)
            orphans_.erase(chain); // it was silent for a while, and has everything still
        if (entry.row.owner->node == from && !runs && entry.row.parked.empty() && !orphans_.contains(chain))
            o.push_back(send_to_node{from, chain_granted{chain, entry.row.epoch}});
        if (!entry.row.open)
            replicate(chain, from, o);
    }
    o.push_back(send_to_node{from, std::move(answer)});
    if (back)
        for (const auto chain : std::set<chain_id>(orphans_))
            find_home(chain, now_s, o);
}

void coordinator::handle(const node_name& from, const commit_chain& m, const std::optional<digest>& live, double, out& o) {
    auto& entry = chains_.at(m.chain);
    auto verdict = rules_.judge(entry.row, m.claim, live);
    const bool accepted = verdict.kind != commit_judgement::refused;
    if (accepted && verdict.kind != commit_judgement::repeated) {
        entry.row = verdict.after;
        o.push_back(store_record{entry, m.claim, verdict.kind});
    }
    o.push_back(send_to_node{from, commit_judged{m.chain, m.claim, accepted, verdict.reason.code}});
    drop(m.chain, verdict.dropped, entry.row.epoch, o);
}

void coordinator::handle(const node_name& from, const seal_claim& m, const std::optional<digest>& live, double, out& o) {
    const auto& entry = chains_.at(m.chain);
    auto after = rules_.add_checkpoint(entry.row, from, m.epoch, m.ref, m.ref.at.trajectory == 0 ? entry.genesis : live.value_or(digest{}));
    if (!after) {
        o.push_back(send_to_node{from, seal_judged{m.chain, m.epoch, m.ref.file, false, after.reason().code}});
        return;
    }
    std::vector<held_checkpoint> gone;
    prune(*after, gone);
    if (*after != entry.row)
        put_row(m.chain, std::move(*after), std::nullopt, o);
    o.push_back(send_to_node{from, seal_judged{m.chain, m.epoch, m.ref.file, true, errc::internal}});
    drop(m.chain, gone, epoch_no{UINT64_MAX}, o);
    if (!entry.row.open) // a migration makes the copy itself
        replicate(m.chain, std::nullopt, o);
}

void coordinator::handle(const node_name& from, const copy_prepared& m, const std::optional<digest>&, double now_s, out& o) {
    if (m.incarnation != incarnation_of(from))
        return;
    const auto& entry = chains_.at(m.chain);
    auto after = rules_.add_copy(entry.row, m.file, from);
    if (!after) {
        drop(m.chain, {held_checkpoint{{{}, m.file, 0}, {from}}}, entry.row.epoch, o);
        return tell_row(from, m.chain, o);
    }
    const auto op = running_operation(m.chain);
    const auto offer = offers_.find(m.op);
    if (op && op->id == m.op && entry.row.open == m.op && op->to.node == from && m.epoch == op->epoch && offer != offers_.end() &&
        offer->second.file == m.file)
        return commit_move(*op, std::move(*after), now_s, o);
    std::vector<held_checkpoint> gone;
    prune(*after, gone);
    if (*after != entry.row)
        put_row(m.chain, std::move(*after), std::nullopt, o);
    drop(m.chain, gone, epoch_no{UINT64_MAX}, o);
    if (!m.op.value.empty())
        tell_row(from, m.chain, o);
    if (orphans_.contains(m.chain))
        find_home(m.chain, now_s, o);
}

void coordinator::handle(const node_name& from, const ask_row& m, const std::optional<digest>&, double, out& o) {
    tell_row(from, m.chain, o);
}

void coordinator::handle(const node_name& from, const cannot_start& m, const std::optional<digest>&, double now_s, out& o) {
    const auto& entry = chains_.at(m.chain);
    if (!entry.row.owner || entry.row.owner->node != from || entry.row.epoch != m.epoch)
        return tell_row(from, m.chain, o);
    auto after = rules_.keep_copies(entry.row, from, m.files);
    if (after != entry.row)
        put_row(m.chain, std::move(after), std::nullopt, o);
    o.push_back(coordinator_notice{m.chain, fmt::format("{} cannot go on: {}", from.value, m.why)});
    orphans_.insert(m.chain);
    find_home(m.chain, now_s, o);
}

} // namespace forge::migration
