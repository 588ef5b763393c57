// SPDX-License-Identifier: AGPL-3.0-only
// actors/roles/supervisor_actor.cpp, and the processes and wires around it.
#include "tests/migration/control_plane.hpp"

#include <algorithm>

namespace forge::model {

// ---- processes and wires ---------------------------------------------------------------------------------------

void control_plane::start_coordinator() {
    const auto& s = *w_.given;
    w_.boss.emplace();
    std::vector<desk_device> devices;
    for (std::size_t k = 0; k < s.nodes; ++k)
        devices.push_back({device_of(k), true, 0, false, false});
    boss().desk = shared(operation_desk(s.chains, std::move(devices), 1));
    boss().core = shared(supervisor(s.chains));
    boss().seats.resize(s.chains);
    boss().workers.assign(s.nodes, 0);
    for (const auto& r : w_.operations->reports)
        boss().desk.edit().replay(r);
    for (std::uint32_t c = 0; c < s.chains; ++c)
        start_chain(chain_id{c});
    perform(boss().desk.edit().close_replayed());
}

void control_plane::crash_coordinator(crash_kind kind) {
    w_.boss.reset();
    w_.files.edit().crash(kind);
    for (auto& l : w_.wires)
        l = {};
    // What no report on the disk names was begun in memory only: whoever asks for it again asks for the first time.
    auto& begun = w_.operations.edit().begun;
    std::erase_if(begun, [&](const auto& o) { return w_.operations->find(o.first) == nullptr; });
    ++w_.seen.crashes;
}

void control_plane::start_node(std::size_t k) { w_.nodes[k] = {true, false, {}}; }

void control_plane::crash_node(std::size_t k) {
    w_.nodes[k] = {};
    w_.wires[k].down.clear(); // what it had sent may still arrive
    ++w_.seen.crashes;
}

void control_plane::cut(std::size_t k, bool result_survives) {
    auto& l = w_.wires[k];
    if (result_survives) {
        for (const auto& m : l.up)
            if (m.what == message::kind::done)
                w_.late.push_back(m);
        if (w_.late.empty() && !l.down.empty() && l.down.front().what == message::kind::run) {
            node_works(k);
            if (!l.up.empty() && l.up.back().what == message::kind::done)
                w_.late.push_back(l.up.back());
        }
    }
    const auto worker = l.worker;
    leave(k);
    l = {};
    if (w_.boss && worker != 0) {
        event e;
        e.what = event::kind::worker_down;
        e.slot = k;
        e.number = worker;
        boss().events.push_back(e);
    }
}

void control_plane::node_notices(std::size_t k) { // node_actor.cpp, link_went
    w_.nodes[k].linked = false;
    w_.nodes[k].chains.clear();
}

void control_plane::join(std::size_t k) {
    auto& l = w_.wires[k]; // an older connection whose worker has not missed it yet keeps that worker
    l.connection = ++w_.numbered;
    l.down.clear();
    l.up.clear();
    w_.nodes[k].linked = true;
    event e;
    e.what = event::kind::node_came;
    e.slot = k;
    e.number = l.connection;
    boss().events.push_back(e);
}

void control_plane::leave(std::size_t slot) { // remote_worker.cpp: refuses everybody who waits for it
    auto& l = w_.wires[slot];
    if (l.worker == 0)
        return;
    if (w_.boss)
        for (auto& seat : boss().seats) {
            auto& a = seat.actor;
            if (a.worker == l.worker && (a.at == chain_actor::stage::loading || a.job_out || a.snapshot_out))
                a.lost_worker = true;
        }
    l.worker = l.worker_on = 0;
}

// ---- supervisor_actor.cpp --------------------------------------------------------------------------------------

void control_plane::start_chain(chain_id c) {
    auto& seat = boss().seats[c.value];
    if (!boss().desk.edit().find_place(c)) {
        seat.homeless = true;
        return;
    }
    seat.homeless = false;
    if (seat.actor.at != chain_actor::stage::none)
        wrong("two actors for one chain");
    const auto slot = boss().desk->slot_of(c);
    seat.actor = {};
    seat.actor.at = chain_actor::stage::preparing;
    seat.actor.number = ++w_.numbered;
    seat.actor.slot = slot;
    seat.actor.worker = seat.given = boss().workers[slot];
    seat.actor.paused = boss().desk->paused(c);
    seat.known = true;
    record_item i;
    i.what = record_item::kind::prepare;
    i.chain = c;
    i.actor = seat.actor.number;
    boss().inbox.push_back(i);
}

void control_plane::perform(const std::vector<desk_command>& commands) {
    const auto tell = [this](chain_id c, auto&& work) {
        if (boss().seats[c.value].known && actor(c).at != chain_actor::stage::none)
            work();
    };
    for (const auto& command : commands) {
        if (const auto* p = std::get_if<pause_chain_command>(&command)) {
            tell(p->chain, [&] { pause(p->chain); });
        } else if (const auto* r = std::get_if<resume_chain_command>(&command)) {
            tell(r->chain, [&] { resume(r->chain); });
        } else if (const auto* s = std::get_if<seal_chain_command>(&command)) {
            tell(s->chain, [&] { seal_now(s->chain); });
        } else if (const auto* t = std::get_if<stop_chain_command>(&command)) {
            tell(t->chain, [&] { stop(t->chain); });
        } else if (const auto* b = std::get_if<start_chain_command>(&command)) {
            boss().core.edit().on_started(b->chain);
            start_chain(b->chain);
        } else {
            record_item i;
            i.what = record_item::kind::log;
            i.report = std::make_shared<const operation_report>(std::get<report_command>(command).report);
            boss().inbox.push_back(i);
        }
    }
}

operation_report control_plane::request(const operation_request& r, const std::string& asked_for) {
    auto answer = boss().desk.edit().on_request(r, now_s_);
    const bool begins = std::any_of(answer.commands.begin(), answer.commands.end(), [](const auto& c) { return !std::holds_alternative<report_command>(c); });
    if (begins && ++w_.operations.edit().begun[asked_for] > 1)
        wrong("an operation is begun twice");
    perform(answer.commands);
    return answer.report;
}

void control_plane::node_drains(std::size_t k) {
    event e;
    e.what = event::kind::node_drains;
    e.slot = k;
    boss().events.push_back(e);
}

void control_plane::device_is_away(std::size_t slot) {
    if (const auto gone = std::exchange(boss().workers[slot], 0); gone != 0 && w_.wires[slot].worker == gone)
        leave(slot);
    boss().desk.edit().device_went(device_of(slot));
}

chain_verdict control_plane::judge(chain_id c, errc code) {
    const auto slot = boss().desk->slot_of(c);
    const auto whose = blame_of(code, false, boss().workers[slot] != 0 && boss().workers[slot] == boss().seats[c.value].given);
    if (whose == blame::chain)
        return boss().core.edit().on_failure(c, error{code, "", "", ""}, now_s_);
    if (whose == blame::node)
        device_is_away(slot);
    chain_verdict v;
    v.restart = true;
    v.after_s = first_backoff_s;
    return v;
}

void control_plane::chain_is_down(chain_id c, errc code) {
    auto& seat = boss().seats[c.value];
    seat.known = false;
    const auto verdict = judge(c, code);
    perform(boss().desk.edit().on_failed(c, std::string(name_of(code)), verdict.restart, now_s_));
    if (verdict.restart) {
        seat.restart_at = now_s_ + verdict.after_s;
        ++w_.seen.restarts;
    }
    end_if_over();
}

void control_plane::restart(chain_id c) {
    boss().seats[c.value].restart_at.reset();
    start_chain(c);
}

void control_plane::on_node(const event& e) {
    const auto slot = boss().desk.edit().device_came({device_of(e.slot), true, 0, true, false});
    if (boss().workers[slot] != 0 && w_.wires[slot].worker == boss().workers[slot])
        leave(slot); // an older incarnation that nobody has missed yet
    const auto number = boss().workers[slot] = ++w_.numbered;
    if (auto& l = w_.wires[slot]; l.connection == e.number) {
        l.worker = number;
        l.worker_on = l.connection;
    } else { // its gate is gone already
        event down;
        down.what = event::kind::worker_down;
        down.slot = slot;
        down.number = number;
        boss().events.push_back(down);
    }
    for (std::uint32_t c = 0; c < boss().seats.size(); ++c)
        if (std::exchange(boss().seats[c].homeless, false))
            start_chain(chain_id{c});
    perform(boss().desk.edit().spread(now_s_));
}

void control_plane::end_if_over() {
    if (boss().core->over())
        boss().over = true;
}

void control_plane::supervise() {
    const auto e = boss().events.front();
    boss().events.erase(boss().events.begin());
    auto& seat = boss().seats[e.chain.value];
    switch (e.what) {
    case event::kind::started: perform(boss().desk.edit().on_started(e.chain, e.epoch.value, now_s_)); break;
    case event::kind::seal_noted: perform(boss().desk.edit().on_sealed(e.chain, e.trajectory, now_s_)); break;
    case event::kind::failed:
        if (seat.known)
            chain_is_down(e.chain, e.code);
        break;
    case event::kind::done: {
        seat.known = false;
        boss().core.edit().on_done(e.chain, e.finished);
        const auto before = boss().desk->slot_of(e.chain);
        perform(boss().desk.edit().on_stopped(e.chain, e.trajectory, e.finished, now_s_));
        w_.seen.moves += boss().desk->slot_of(e.chain) != before;
        end_if_over();
        break;
    }
    case event::kind::node_came: on_node(e); break;
    case event::kind::worker_down:
        if (boss().workers[e.slot] == e.number)
            device_is_away(e.slot);
        break;
    case event::kind::node_drains: perform(boss().desk.edit().drain(device_of(e.slot).substr(0, 1), now_s_)); break;
    }
}

} // namespace forge::model
