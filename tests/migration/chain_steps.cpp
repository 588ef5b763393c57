// SPDX-License-Identifier: AGPL-3.0-only
// actors/roles/chain_actor.cpp and the device side of actors/remote.
#include "libactors/control/migration/late_result.hpp"
#include "tests/migration/control_plane.hpp"

#include <algorithm>

namespace forge::model {

namespace {

trajectory_observables numbers_of(std::uint64_t i) {
    trajectory_observables o;
    o.plaquette_spatial = o.plaquette_temporal = 0.5 + 1e-3 * static_cast<double>(i % 17);
    o.accepted = true;
    return o;
}

bool is_storage_error(errc code) { return code == errc::no_space || code == errc::io_failed || code == errc::permission_denied; }

} // namespace

// ---- node_actor.cpp --------------------------------------------------------------------------------------------

void control_plane::node_works(std::size_t k) {
    auto& n = w_.nodes[k];
    auto& l = w_.wires[k];
    const auto m = l.down.front();
    l.down.erase(l.down.begin());
    const auto held = std::find_if(n.chains.begin(), n.chains.end(), [&m](const held_chain& h) { return h.chain == m.chain; });
    auto answer = m;
    switch (m.what) {
    case message::kind::load:
        if (held != n.chains.end())
            n.chains.erase(held);
        n.chains.push_back({m.chain, m.epoch, m.trajectory, m.state});
        answer.what = message::kind::loaded;
        break;
    case message::kind::run:
        if (held == n.chains.end() || held->epoch != m.epoch)
            return; // the refusal finds nobody: whoever sent this has been replaced, or has failed with the link
        held->state = next_state(held->state, m.trajectory, w_.given->bits(k, m.epoch));
        held->trajectory = m.trajectory;
        answer.what = message::kind::done;
        answer.state = held->state;
        break;
    case message::kind::snapshot:
        if (held == n.chains.end() || held->epoch != m.epoch)
            return;
        answer.what = message::kind::links;
        answer.trajectory = held->trajectory;
        answer.state = held->state;
        break;
    default: // unload
        if (held != n.chains.end())
            n.chains.erase(held);
        return;
    }
    l.up.push_back(answer);
}

// ---- answers ---------------------------------------------------------------------------------------------------

void control_plane::answer_arrives(std::size_t k) {
    auto& l = w_.wires[k];
    const auto m = l.up.front();
    l.up.erase(l.up.begin());
    if (l.worker != 0 && l.worker_on == l.connection)
        take(m);
}

void control_plane::late_answer_arrives(std::size_t i) {
    const auto m = w_.late[i];
    w_.late.erase(w_.late.begin() + static_cast<std::ptrdiff_t>(i));
    take(m);
}

void control_plane::take(const message& m) {
    auto& a = actor(m.chain);
    if (a.at == chain_actor::stage::none || a.lost_worker)
        return; // nobody waits for it
    const bool fenced = w_.given->planted != flaw::late_result_taken || m.what != message::kind::done;
    if (fenced && judge_late({m.chain, m.epoch, m.trajectory}, a.epoch, device_of(a.slot))) {
        ++w_.seen.late_refused;
        return;
    }
    switch (m.what) {
    case message::kind::loaded:
        if (a.at == chain_actor::stage::loading)
            on_loaded(m.chain, m);
        break;
    case message::kind::done:
        if (!a.job_out || m.trajectory != a.core->trajectory() + 1)
            break;
        if (m.actor != a.number)
            wrong("a result of an owner that was replaced enters the chain");
        a.job_out = false;
        perform(m.chain, a.core.edit().on_trajectory(numbers_of(m.trajectory), m.state, 1.0));
        break;
    case message::kind::links: {
        if (!a.snapshot_out)
            break;
        record_item i;
        i.what = record_item::kind::seal;
        i.chain = m.chain;
        i.actor = a.number;
        i.epoch = a.epoch;
        i.sealed = *a.snapshot_out;
        i.sealed.links = m.state;
        a.snapshot_out.reset();
        boss().inbox.push_back(i);
        break;
    }
    default: break;
    }
}

// ---- chain_actor.cpp -------------------------------------------------------------------------------------------

void control_plane::ask_worker(chain_actor& a, message::kind what, chain_id c, std::uint64_t trajectory, const state_hash& state) {
    auto& l = w_.wires[a.slot];
    if (a.worker == 0 || l.worker != a.worker) {
        a.lost_worker = a.lost_worker || what != message::kind::unload; // CAF answers for who is gone
        return;
    }
    if (l.worker_on == l.connection && w_.nodes[a.slot].alive)
        l.down.push_back({what, c, a.epoch, trajectory, state, a.number});
}

void control_plane::begin(chain_id c, const chain_start& start) {
    auto& a = actor(c);
    a.at = chain_actor::stage::loading;
    a.epoch = start.epoch;
    a.start = std::make_shared<const chain_start>(start);
    ask_worker(a, message::kind::load, c, start.trajectory, start.trajectory > 0 ? start.state : first_state(c));
}

void control_plane::on_loaded(chain_id c, const message& m) {
    auto& a = actor(c);
    const auto start = std::exchange(a.start, nullptr);
    if (start->trajectory > 0 && m.state != start->state)
        return fail(c, errc::checksum_mismatch);
    a.at = chain_actor::stage::up;
    a.core = shared(chain_core(*start, w_.given->edge_capacity));
    event e;
    e.what = event::kind::started;
    e.chain = c;
    e.epoch = a.epoch;
    boss().events.push_back(e);
    if (a.paused)
        static_cast<void>(a.core.edit().on_pause("paused by the operator"));
    perform(c, a.stop_requested ? a.core.edit().on_stop() : a.core.edit().begin());
}

void control_plane::perform(chain_id c, std::vector<chain_command> commands) {
    for (const auto& command : commands) {
        auto& a = actor(c);
        record_item i;
        i.chain = c;
        i.actor = a.number;
        i.epoch = a.epoch;
        if (const auto* run = std::get_if<run_command>(&command)) {
            a.job_out = true;
            ask_worker(a, message::kind::run, c, run->trajectory, {});
        } else if (const auto* offer = std::get_if<offer_command>(&command)) {
            i.what = record_item::kind::commit;
            i.request = std::make_shared<const commit_request>(commit_request{offer->record, {}, a.epoch});
            boss().inbox.push_back(i);
        } else if (const auto* ask = std::get_if<ask_segment_command>(&command)) {
            i.what = record_item::kind::find_segment;
            i.first = ask->first_trajectory;
            i.ordinal = ask->ordinal;
            boss().inbox.push_back(i);
        } else if (const auto* s = std::get_if<seal_command>(&command)) {
            a.snapshot_out = sealed_state{c, s->trajectory, s->head, s->state, {}, s->segment.number};
            ask_worker(a, message::kind::snapshot, c, s->trajectory, {});
        } else if (const auto* done = std::get_if<done_command>(&command)) {
            ask_worker(a, message::kind::unload, c, 0, {});
            event e;
            e.what = event::kind::done;
            e.chain = c;
            e.finished = done->finished;
            e.trajectory = a.core->trajectory();
            boss().events.push_back(e);
            a = {};
            return;
        } // finish_segment_command: a mark in the ledger that nothing here depends on
    }
}

void control_plane::fail(chain_id c, errc code) {
    auto& a = actor(c);
    ask_worker(a, message::kind::unload, c, 0, {});
    event e;
    e.what = event::kind::failed;
    e.chain = c;
    e.code = code;
    boss().events.push_back(e);
    a = {};
}

void control_plane::lose_worker(chain_id c) { fail(c, errc::device_unavailable); }

void control_plane::stop(chain_id c) {
    auto& a = actor(c);
    a.stop_requested = true;
    if (a.core)
        perform(c, a.core.edit().on_stop());
}

void control_plane::pause(chain_id c) {
    auto& a = actor(c);
    a.paused = true; // also for a chain that is still being loaded
    if (a.core)
        perform(c, a.core.edit().on_pause("paused by the operator"));
}

void control_plane::resume(chain_id c) {
    auto& a = actor(c);
    a.paused = false;
    if (a.core)
        perform(c, a.core.edit().on_resume());
}

void control_plane::seal_now(chain_id c) {
    auto& a = actor(c);
    if (!a.core || a.core->sealed() == a.core->trajectory()) {
        event e;
        e.what = event::kind::seal_noted;
        e.chain = c;
        e.trajectory = a.core ? a.core->sealed() : 0;
        boss().events.push_back(e);
        return;
    }
    a.seal_requested = a.core->trajectory();
    perform(c, a.core.edit().on_seal_now());
}

void control_plane::seal_due(chain_id c) { actor(c).core.edit().on_seal_due(); }

void control_plane::on_sealed(chain_id c, std::uint64_t trajectory) {
    auto& a = actor(c);
    const auto number = a.number;
    const auto wanted = a.seal_requested;
    perform(c, a.core.edit().on_sealed(trajectory));
    if (!wanted || trajectory < *wanted)
        return;
    if (actor(c).number == number)
        actor(c).seal_requested.reset();
    event e;
    e.what = event::kind::seal_noted;
    e.chain = c;
    e.trajectory = trajectory;
    boss().events.push_back(e);
}

void control_plane::on_seal_failed(chain_id c, errc code) {
    if (!is_storage_error(code))
        return fail(c, code);
    auto& a = actor(c);
    perform(c, a.core.edit().on_seal_failed(std::string(name_of(code))));
    a.retry_seal = true;
}

void control_plane::retry_seal(chain_id c) {
    auto& a = actor(c);
    a.retry_seal = false;
    const auto number = a.number;
    perform(c, a.core.edit().on_retry());
    if (auto& b = actor(c); b.number == number && b.core && b.core->wants_retry())
        b.retry_seal = true;
}

} // namespace forge::model
