// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/migration/world.hpp"

#include <algorithm>

namespace forge {

/// Reads what the cores keep to themselves.
struct model_peek {
    static model::state_code code(const chain_core& k) {
        model::state_code c;
        c.put(k.trajectory_, k.head_, k.state_, k.next_ordinal_, k.measured_.size(), k.credit_.in_flight(), k.sealed_, k.sealing_);
        c.put(k.segment_.has_value(), k.held_.has_value(), k.running_, k.asking_, k.out_of_work_, k.stopping_, k.done_);
        c.put(k.storage_failed_, k.held_by_user_, k.seal_due_);
        if (k.segment_)
            c.put(k.segment_->number);
        return c;
    }
    static digest head(const chain_core& k) { return k.head_; }
    static bool holds(const chain_core& k) { return k.held_.has_value(); }
    static bool seal_due(const chain_core& k) { return k.seal_due_; }
    static model::state_code code(const operation_desk& d) {
        model::state_code c;
        for (const auto& device : d.devices_)
            c.put(device.online, device.draining);
        for (const auto& [id, e] : d.chains_)
            c.put(e.slot, e.paused, e.stopped, e.finished, e.open, e.moving, e.left, e.going_to);
        for (const auto& id : d.disabled_)
            c.put(id);
        for (const auto& r : d.reports_)
            c.put(r.id, r.state, r.target);
        return c;
    }
    static bool open(const operation_desk& d) {
        return std::any_of(d.chains_.begin(), d.chains_.end(), [](const auto& c) { return !c.second.open.empty(); });
    }
    static model::state_code code(const supervisor& s) {
        model::state_code c;
        for (const auto& [id, times] : s.failures_)
            c.put(id, times.size());
        for (const auto& [id, finished] : s.ended_)
            c.put(id, finished);
        c.put(s.given_up_.size());
        return c;
    }
};

} // namespace forge

namespace forge::model {

state_code code_of(const chain_core& c) { return model_peek::code(c); }
state_code code_of(const operation_desk& d) { return model_peek::code(d); }
state_code code_of(const supervisor& s) { return model_peek::code(s); }
digest head_of(const chain_core& c) { return model_peek::head(c); }
bool holds_record(const chain_core& c) { return model_peek::holds(c); }
bool seal_is_due(const chain_core& c) { return model_peek::seal_due(c); }
bool operation_open(const operation_desk& d) { return model_peek::open(d); }

const operation_report* operation_book::find(const std::string& id) const {
    const auto at = std::find_if(reports.rbegin(), reports.rend(), [&id](const auto& r) { return r.id == id; });
    return at == reports.rend() ? nullptr : &*at;
}

state_code code_of(const operation_book& o) {
    state_code c;
    for (const auto& r : o.reports)
        c.put(r.id, r.state, r.target);
    for (const auto& [id, n] : o.begun)
        c.put(id, n);
    return c;
}

namespace {

void put(state_code& c, const message& m, const world& w) {
    c.put(m.what, m.chain, m.epoch, m.trajectory, m.state);
    c.put(w.boss && w.boss->seats[m.chain.value].actor.number == m.actor);
}

void put(state_code& c, const chain_actor& a, const world& w) {
    c.put(a.at);
    if (a.at == chain_actor::stage::none)
        return;
    c.put(a.epoch, a.slot, a.worker == w.wires[a.slot].worker, a.core.code(), a.paused, a.stop_requested, a.seal_requested, a.job_out);
    c.put(a.lost_worker, a.prepare_again, a.ask_again.has_value(), a.retry_seal, a.snapshot_out.has_value(), a.start != nullptr);
    if (a.snapshot_out)
        c.put(a.snapshot_out->trajectory, a.snapshot_out->head);
    if (a.start)
        c.put(a.start->trajectory, a.start->head, a.start->state);
}

void put(state_code& c, const record_item& r, const coordinator& b) {
    c.put(r.what, r.chain, r.actor == b.seats[r.chain.value].actor.number, r.epoch, r.first, r.ordinal);
    if (r.what == record_item::kind::seal)
        c.put(r.sealed.trajectory, r.sealed.head, r.sealed.links);
    if (r.request)
        c.put(r.request->record.trajectory, r.request->record.previous, r.request->record.state);
    if (r.report)
        c.put(r.report->id, r.report->state);
}

void put(state_code& c, const coordinator& b, const world& w) {
    c.put(b.desk.code(), b.core.code(), b.over);
    for (const auto& seat : b.seats) {
        put(c, seat.actor, w);
        c.put(seat.known, seat.homeless, seat.restart_at.has_value());
        if (seat.known)
            c.put(b.workers[b.desk->slot_of(chain_id{static_cast<std::uint32_t>(&seat - b.seats.data())})] == seat.given);
    }
    for (std::size_t k = 0; k < b.workers.size(); ++k)
        c.put(b.workers[k] != 0, b.workers[k] == w.wires[k].worker);
    c.put(b.events.size(), b.inbox.size(), b.batch.size());
    for (const auto& e : b.events) {
        c.put(e.what, e.chain, e.trajectory, e.epoch, e.finished, e.code, e.slot);
        c.put(e.what == event::kind::worker_down ? e.number == b.workers[e.slot] : e.number == w.wires[e.slot].connection);
    }
    for (const auto& r : b.inbox)
        put(c, r, b);
    for (const auto& r : b.batch)
        put(c, r, b);
}

} // namespace

state_code code_of(const world& w) {
    state_code c;
    for (const auto& b : w.books)
        c.put(b.code());
    c.put(w.operations.code(), w.files.code(), w.boss.has_value());
    if (w.boss)
        put(c, *w.boss, w);
    for (const auto& n : w.nodes) {
        c.put(n.alive, n.linked, n.chains.size());
        for (const auto& h : n.chains)
            c.put(h.chain, h.epoch, h.trajectory, h.state);
    }
    for (const auto& l : w.wires) {
        c.put(l.connection != 0, l.worker != 0, l.worker_on == l.connection, l.down.size(), l.up.size());
        for (const auto& m : l.down)
            put(c, m, w);
        for (const auto& m : l.up)
            put(c, m, w);
    }
    c.put(w.late.size());
    for (const auto& m : w.late)
        put(c, m, w);
    return c;
}

} // namespace forge::model
