// SPDX-License-Identifier: AGPL-3.0-only
// What must hold in every world that can be reached.
#include "tests/migration/world.hpp"

#include <algorithm>

namespace forge::model {

namespace {

/// Newest live checkpoint is on the disk whatever happens next, and it is the newest state that ever was sealed.
std::string sealed_copy(const world& w, const chain_book& b) {
    if (b.sealed.empty())
        return {};
    for (std::size_t k = 0; k < b.sealed.size(); ++k)
        if (b.live_at(k + 1) != b.sealed[k])
            return "sealed history changed";
    const auto at = b.sealed.size();
    const bool listed = std::any_of(b.checkpoints.begin(), b.checkpoints.end(), [&](const auto& c) { return c.trajectory == at && b.is_live(c); });
    if (!listed)
        return "the ledger does not list the state that was sealed";
    return w.files->safe(b.row.chain, at, b.sealed.back()) ? "" : "no verified durable copy of the sealed state";
}

/// What the owner believes follows from what the ledger has: its cursor, plus what is on the way.
std::string lineage(const coordinator& boss, const chain_actor& a, const chain_book& b) {
    if (!a.core || a.epoch != b.row.epoch)
        return {};
    auto at = b.row.cursor;
    auto head = b.live_at(at);
    const auto follow = [&](const std::vector<record_item>& items) {
        for (const auto& i : items)
            if (i.request && i.actor == a.number) {
                if (i.request->record.trajectory != at + 1 || i.request->record.previous != head)
                    return false;
                ++at;
                head = hash_of(i.request->record);
            }
        return true;
    };
    if (!follow(boss.batch) || !follow(boss.inbox))
        return "records on their way to the ledger do not follow it";
    if (holds_record(*a.core)) // finished, not yet offered
        return a.core->trajectory() == at + 1 ? "" : "the chain's lineage is not the ledger's";
    return a.core->trajectory() == at && head_of(*a.core) == head ? "" : "the chain's lineage is not the ledger's";
}

} // namespace

std::string broken_invariant(const world& w) {
    if (!w.wrong.empty())
        return w.wrong;
    for (const auto& shared_book : w.books) {
        const auto& b = *shared_book;
        if (b.row.last != b.live.size() || b.row.cursor > b.row.last)
            return "not exactly one live record per index";
        if (auto text = sealed_copy(w, b); !text.empty())
            return text;
        if (w.boss)
            if (auto text = lineage(*w.boss, w.boss->seats[b.row.chain.value].actor, b); !text.empty())
                return text;
    }
    return {};
}

bool well(const world& w, chain_id c) {
    const auto& boss = *w.boss;
    const auto& seat = boss.seats[c.value];
    const auto& a = seat.actor;
    if (a.at == chain_actor::stage::none) { // ended for good, or by an operator
        const auto wanted = boss.desk->chains_on(boss.desk->slot_of(c));
        return !seat.known && !seat.restart_at && !seat.homeless && std::find(wanted.begin(), wanted.end(), c) == wanted.end();
    }
    if (a.at != chain_actor::stage::up || a.lost_worker || a.epoch != w.books[c.value]->row.epoch)
        return false;
    if (boss.desk->paused(c)) // it finds out whether its worker is there when it is resumed
        return a.core->phase() == chain_phase::paused;
    if (a.worker != w.wires[a.slot].worker)
        return false;
    const auto& n = w.nodes[a.slot];
    const bool there = n.alive && n.linked && std::any_of(n.chains.begin(), n.chains.end(), [&](const held_chain& h) {
        return h.chain == c && h.epoch == a.epoch && h.trajectory >= a.core->trajectory();
    });
    return there && a.core->running() && a.core->phase() != chain_phase::paused;
}

bool well(const world& w) {
    if (!w.boss || operation_open(*w.boss->desk))
        return false;
    if (w.boss->over)
        return w.boss->inbox.empty() && w.boss->batch.empty();
    for (const auto& b : w.books)
        if (!well(w, b->row.chain))
            return false;
    return true;
}

} // namespace forge::model
