// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/migration/ownership.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace forge::migration {

namespace {

error stale(epoch_no claimed, const chain_ownership& row) {
    return {errc::stale_epoch,
            row.owner ? fmt::format("epoch {} is over: {} owns the chain with epoch {}", claimed.value,
                                    row.owner->node.value, row.epoch.value)
                      : std::string("nobody owns the chain yet"),
            "", "ask the ledger who owns it"};
}

void insert_sorted(std::vector<node_name>& names, const node_name& name) {
    const auto at = std::lower_bound(names.begin(), names.end(), name);
    if (at == names.end() || *at != name)
        names.insert(at, name);
}

} // namespace

bool held_checkpoint::on(const node_name& node) const {
    return std::binary_search(copies.begin(), copies.end(), node);
}

const held_checkpoint* chain_ownership::find(const digest& file) const {
    const auto at = std::find_if(checkpoints.begin(), checkpoints.end(), [&](const auto& c) { return c.ref.file == file; });
    return at == checkpoints.end() ? nullptr : &*at;
}

const held_checkpoint* chain_ownership::newest_on(const node_name& node) const {
    const auto at = std::find_if(checkpoints.begin(), checkpoints.end(), [&](const auto& c) {
        return c.on(node) && c.ref.at.trajectory >= sealed.trajectory;
    });
    return at == checkpoints.end() ? nullptr : &*at;
}

ownership_rules::ownership_rules(std::size_t copies_wanted, protocol_flaw flaw)
    : copies_wanted_(copies_wanted), flaw_(flaw) {
    expects(copies_wanted >= 1, "a sealed state is on a disk");
}

result<void> ownership_rules::owned(const chain_ownership& row, const node_name& by, epoch_no epoch) const {
    if (!row.owner || row.owner->node != by || row.epoch != epoch)
        return stale(epoch, row);
    return {};
}

result<chain_ownership> ownership_rules::grant(const chain_ownership& row, const place& to) const {
    if (row.owner)
        return error{errc::conflict, fmt::format("{} owns the chain", row.owner->node.value), "", "migrate it"};
    auto after = row;
    after.owner = to;
    ++after.epoch.value;
    return after;
}

commit_verdict ownership_rules::judge(const chain_ownership& row, const commit_claim& claim,
                                      const std::optional<digest>& live_here) const {
    commit_verdict v;
    v.after = row;
    const auto refuse = [&v](error e) {
        v.reason = std::move(e);
        return v;
    };
    if (claim.epoch != row.epoch && !flaw_.is(protocol_flaw::kind::epoch_not_checked))
        return refuse(stale(claim.epoch, row));
    if (claim.trajectory <= row.cursor.trajectory && live_here == claim.hash) {
        v.kind = commit_judgement::repeated;
        return v;
    }
    if (claim.trajectory != row.cursor.trajectory + 1)
        return refuse({errc::out_of_order, fmt::format("expected trajectory {}, got {}", row.cursor.trajectory + 1, claim.trajectory),
                       "", "go on from the last acknowledged trajectory"});
    if (claim.previous != row.cursor.head)
        return refuse({errc::out_of_order, fmt::format("the record does not follow the live record {}", row.cursor.trajectory),
                       "", "restore the chain from a checkpoint of the live history"});
    v.kind = commit_judgement::committed;
    if (claim.trajectory <= row.last) {
        v.kind = live_here == claim.hash ? commit_judgement::validated : commit_judgement::superseded_older;
        if (v.kind == commit_judgement::superseded_older) {
            // Newest first, so what is superseded is a prefix.
            const auto first_kept = std::find_if(v.after.checkpoints.begin(), v.after.checkpoints.end(),
                                                 [&](const auto& c) { return c.ref.at.trajectory < claim.trajectory; });
            v.dropped.assign(v.after.checkpoints.begin(), first_kept);
            v.after.checkpoints.erase(v.after.checkpoints.begin(), first_kept);
            v.after.last = claim.trajectory;
        }
    }
    v.after.cursor = {claim.trajectory, claim.hash};
    v.after.last = std::max(v.after.last, claim.trajectory);
    seal_what_is_covered(v.after);
    return v;
}

void ownership_rules::seal_what_is_covered(chain_ownership& row) const {
    for (const auto& c : row.checkpoints)
        // A state beyond the cursor is not the owner's yet: sealing it would forbid other bits on the way there.
        if (c.copies.size() >= copies_wanted_ && c.ref.at.trajectory <= row.cursor.trajectory &&
            c.ref.at.trajectory > row.sealed.trajectory)
            row.sealed = c.ref.at;
}

result<chain_ownership> ownership_rules::add_checkpoint(const chain_ownership& row, const node_name& by, epoch_no epoch,
                                                        const checkpoint_ref& ref, const digest& live_here) const {
    if (auto mine = owned(row, by, epoch); !mine)
        return mine.reason();
    if (ref.at.trajectory > row.cursor.trajectory || live_here != ref.at.head)
        return error{errc::out_of_order, fmt::format("trajectory {} of the checkpoint is not committed", ref.at.trajectory), "",
                     "commit first, then seal"};
    // A late copy of a seal message must not bring back a file that was pruned since.
    if (ref.at.trajectory < row.sealed.trajectory)
        return error{errc::out_of_order, fmt::format("trajectory {} is sealed already", row.sealed.trajectory), "", ""};
    auto after = row;
    if (!after.find(ref.file)) {
        const auto at = std::find_if(after.checkpoints.begin(), after.checkpoints.end(),
                                     [&](const auto& c) { return c.ref.at.trajectory <= ref.at.trajectory; });
        after.checkpoints.insert(at, held_checkpoint{ref, {}});
    }
    return add_copy(after, ref.file, by);
}

result<chain_ownership> ownership_rules::add_copy(const chain_ownership& row, const digest& file, const node_name& on) const {
    auto after = row;
    const auto at = std::find_if(after.checkpoints.begin(), after.checkpoints.end(), [&](const auto& c) { return c.ref.file == file; });
    if (at == after.checkpoints.end())
        return error{errc::not_found, fmt::format("the ledger does not list checkpoint {}", to_hex(file).substr(0, 12)), "", ""};
    insert_sorted(at->copies, on);
    seal_what_is_covered(after);
    return after;
}

chain_ownership ownership_rules::keep_copies(const chain_ownership& row, const node_name& node,
                                             const std::vector<digest>& held) const {
    auto after = row;
    for (auto& c : after.checkpoints) {
        std::erase(c.copies, node);
        if (std::find(held.begin(), held.end(), c.ref.file) != held.end())
            insert_sorted(c.copies, node);
    }
    seal_what_is_covered(after);
    return after;
}

std::vector<held_checkpoint> ownership_rules::drop_old(chain_ownership& row, std::size_t generations) const {
    std::size_t whole = 0;
    auto at = row.checkpoints.begin();
    for (; at != row.checkpoints.end() && whole < generations; ++at)
        if (at->copies.size() >= copies_wanted_ && at->ref.at.trajectory <= row.sealed.trajectory)
            ++whole;
    std::vector<held_checkpoint> old(at, row.checkpoints.end());
    row.checkpoints.erase(at, row.checkpoints.end());
    return old;
}

result<chain_ownership> ownership_rules::move(const chain_ownership& row, const node_name& from, epoch_no epoch,
                                              const position& at, const place& to) const {
    if (auto mine = owned(row, from, epoch); !mine)
        return mine.reason();
    if (row.cursor != at || row.last != at.trajectory)
        return error{errc::conflict, fmt::format("the ledger stands at trajectory {} of {}, the offer at {}", row.cursor.trajectory,
                                                 row.last, at.trajectory), "", ""};
    const bool copy_there = at.trajectory == 0 || std::any_of(row.checkpoints.begin(), row.checkpoints.end(),
                                                              [&](const auto& c) { return c.ref.at == at && c.on(to.node); });
    // On another disk the state has to be sealed; another device of the same node keeps the owner's own copy.
    if (!copy_there || (from != to.node && row.sealed != at))
        return error{errc::conflict, fmt::format("{} holds no verified copy of trajectory {}", to.node.value, at.trajectory), "", ""};
    auto after = row;
    after.owner = to;
    ++after.epoch.value;
    after.open.reset();
    return after;
}

result<chain_ownership> ownership_rules::abort(const chain_ownership& row, const node_name& from, epoch_no epoch) const {
    if (auto mine = owned(row, from, epoch); !mine)
        return mine.reason();
    auto after = row;
    ++after.epoch.value;
    after.open.reset();
    return after;
}

result<chain_ownership> ownership_rules::take_over(const chain_ownership& row, const place& to,
                                                   const std::optional<digest>& from, const digest& genesis) const {
    position start{0, genesis};
    if (from) {
        const auto* c = row.find(*from);
        if (!c || !c->on(to.node))
            return error{errc::conflict, fmt::format("{} holds no such checkpoint", to.node.value), "", "choose a node that does"};
        start = c->ref.at;
    }
    if (start.trajectory < row.sealed.trajectory)
        return error{errc::conflict, fmt::format("trajectory {} is before {}, which is sealed", start.trajectory, row.sealed.trajectory),
                     "", "bring a node back that holds a newer checkpoint"};
    auto after = row;
    const bool same = row.owner && row.owner->node == to.node;
    if (!(same && flaw_.is(protocol_flaw::kind::restart_keeps_epoch)))
        ++after.epoch.value;
    after.owner = to;
    after.cursor = start;
    after.open.reset();
    seal_what_is_covered(after);
    return after;
}

} // namespace forge::migration
