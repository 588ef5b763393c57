// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/migration/world.hpp"

#include <algorithm>

namespace forge {

/// Reads what the cores keep to themselves.
struct model_peek {
    static model::state_code code(const chain_core& k) {
        model::state_code c;
        c.put(k.trajectory_, k.next_ordinal_, k.measured_.size(), k.credit_.in_flight(), k.sealed_, k.sealing_);
        c.put(k.segment_.has_value(), k.held_.has_value(), k.running_, k.asking_, k.out_of_work_, k.stopping_, k.done_);
        c.put(k.storage_failed_, k.held_by_user_, k.seal_due_);
        return c;
    }
    static state_hash state(const chain_core& k) { return k.state_; }
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
state_hash state_of(const chain_core& c) { return model_peek::state(c); }
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

/// Values that are only ever compared, by the order in which they are met.
class names {
public:
    std::uint64_t of(std::uint64_t v) {
        for (std::size_t k = 0; k < met_.size(); ++k)
            if (met_[k] == v)
                return k;
        met_.push_back(v);
        return met_.size() - 1;
    }

private:
    std::vector<std::uint64_t> met_;
};

/// Codes a world up to a renaming of bits, epochs and segment numbers: the cores compare these and nothing more, and what is
/// computed or taken next is new under every naming. So worlds that differ in such names only have the same future.
class coder {
public:
    explicit coder(const world& w) : w_(w) { static_cast<void>(epochs_.of(0)); }
    state_code run();

private:
    void bits(const digest& d) {
        std::uint64_t v = 0;
        std::memcpy(&v, d.data(), sizeof v);
        c_.word(bits_.of(v));
    }
    void bits(const state_hash& s) { c_.word(bits_.of(mix(s.a, s.b))); }
    void epoch(epoch_no e) { c_.word(epochs_.of(e.value)); }
    void segment(segment_no s) { c_.word(segments_.of(s.value)); }
    void put(const chain_book& b);
    void put(const folder& f);
    void put(const message& m);
    void put(const chain_actor& a);
    void put(const record_item& r);
    void put(const coordinator& b);

    const world& w_;
    state_code c_;
    names bits_, epochs_, segments_;
};

void coder::put(const chain_book& b) {
    epoch(b.row.epoch);
    c_.put(b.row.cursor, b.row.last, b.sealed.size());
    for (const auto& r : b.live)
        bits(r.hash);
    for (const auto& s : b.segments)
        if (s.live) {
            segment(s.opened.number);
            c_.put(s.opened.ordinal, s.opened.first_trajectory);
        }
    c_.put(b.checkpoints.size());
    for (const auto& p : b.checkpoints) {
        c_.put(p.trajectory);
        bits(p.head);
        bits(p.state);
    }
}

void coder::put(const folder& all) {
    for (const auto& f : all.names()) {
        c_.put(f.chain, f.trajectory);
        for (const auto* b : {&f.now, &f.durable}) {
            c_.put(b->has_value());
            if (*b) {
                c_.put((*b)->synced);
                bits((*b)->state.head), bits((*b)->state.state), bits((*b)->state.links);
                segment((*b)->state.segment);
            }
        }
    }
}

void coder::put(const message& m) {
    c_.put(m.what, m.chain, m.trajectory, w_.boss && w_.boss->seats[m.chain.value].actor.number == m.actor);
    epoch(m.epoch);
    bits(m.state);
}

void coder::put(const chain_actor& a) {
    c_.put(a.at);
    if (a.at == chain_actor::stage::none)
        return;
    epoch(a.epoch);
    c_.put(a.slot, a.worker == w_.wires[a.slot].worker, a.core.code(), a.paused, a.stop_requested, a.seal_requested, a.job_out);
    c_.put(a.lost_worker, a.prepare_again, a.ask_again.has_value(), a.retry_seal, a.snapshot_out.has_value(), a.start != nullptr);
    if (a.core) {
        bits(head_of(*a.core)), bits(state_of(*a.core));
        if (a.core->segment())
            segment(a.core->segment()->number);
    }
    if (a.snapshot_out) {
        c_.put(a.snapshot_out->trajectory);
        bits(a.snapshot_out->head);
    }
    if (a.start) {
        c_.put(a.start->trajectory);
        bits(a.start->head), bits(a.start->state);
    }
}

void coder::put(const record_item& r) {
    c_.put(r.what, r.chain, r.actor == w_.boss->seats[r.chain.value].actor.number, r.actor == w_.books[r.chain.value]->owner, r.first, r.ordinal);
    epoch(r.epoch);
    if (r.what == record_item::kind::seal) {
        c_.put(r.sealed.trajectory);
        bits(r.sealed.head), bits(r.sealed.state), bits(r.sealed.links);
    }
    if (r.request) {
        c_.put(r.request->record.trajectory);
        bits(r.request->record.previous), bits(r.request->record.state);
        segment(r.request->record.segment);
    }
    if (r.report)
        c_.put(r.report->id, r.report->state);
}

void coder::put(const coordinator& b) {
    c_.put(b.desk.code(), b.core.code(), b.over);
    for (std::size_t c = 0; c < b.seats.size(); ++c) {
        const auto& seat = b.seats[c];
        put(seat.actor);
        c_.put(seat.known, seat.homeless, seat.restart_at.has_value());
        if (seat.known)
            c_.put(b.workers[b.desk->slot_of(chain_id{static_cast<std::uint32_t>(c)})] == seat.given);
    }
    for (std::size_t k = 0; k < b.workers.size(); ++k)
        c_.put(b.workers[k] != 0, b.workers[k] == w_.wires[k].worker);
    c_.put(b.events.size(), b.inbox.size(), b.batch.size());
    for (const auto& e : b.events) {
        c_.put(e.what, e.chain, e.trajectory, e.finished, e.code, e.slot); // the epoch of `started` is for people
        c_.put(e.what == event::kind::worker_down ? e.number == b.workers[e.slot] : e.number == w_.wires[e.slot].connection);
    }
    for (const auto& r : b.inbox)
        put(r);
    for (const auto& r : b.batch)
        put(r);
}

state_code coder::run() {
    for (const auto& b : w_.books)
        put(*b);
    put(*w_.files);
    c_.put(w_.operations.code(), w_.boss.has_value());
    if (w_.boss)
        put(*w_.boss);
    for (const auto& n : w_.nodes) {
        c_.put(n.alive, n.linked, n.chains.size());
        for (const auto& h : n.chains) {
            c_.put(h.chain, h.trajectory);
            epoch(h.epoch);
            bits(h.state);
        }
    }
    for (const auto& l : w_.wires) {
        c_.put(l.connection != 0, l.worker != 0, l.worker_on == l.connection, l.down.size(), l.up.size());
        for (const auto& m : l.down)
            put(m);
        for (const auto& m : l.up)
            put(m);
    }
    c_.put(w_.late.size());
    for (const auto& m : w_.late)
        put(m);
    return c_;
}

} // namespace

state_code code_of(const world& w) { return coder(w).run(); }

} // namespace forge::model
