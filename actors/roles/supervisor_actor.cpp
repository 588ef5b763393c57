// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/messages/validation_messages.hpp"
#include "actors/roles/supervisor_state.hpp"

#include "libactors/base/failpoint.hpp"
#include "libactors/control/beta_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace forge {

namespace supervision {

namespace {

constexpr std::chrono::milliseconds publish_interval{500};
constexpr std::uint32_t validators_max = 3; ///< new ones in place of those that died

} // namespace

void show(supervisor_ptr self, chain_id c, const char* phase) {
    auto& d = self->state;
    chain_status s;
    s.chain = c;
    s.phase = phase;
    s.device = d.desk->devices()[d.desk->slot_of(c)].id;
    s.restarts = d.restarts[c];
    s.reason = d.last_failure[c];
    d.board->update(s);
}

void publish_devices(supervisor_ptr self) {
    auto& d = self->state;
    std::vector<device_status> all;
    for (std::size_t slot = 0; slot < d.desk->devices().size(); ++slot) {
        const auto& device = d.desk->devices()[slot];
        all.push_back({device.id, d.names[device.id], device.online, d.desk->disabled(device.id), device.draining, d.desk->chains_on(slot)});
    }
    d.board->update(std::move(all));
}

void start_chain(supervisor_ptr self, chain_id c) {
    auto& d = self->state;
    const auto& plan = d.parts->plan;
    if (!d.desk->find_place(c)) {
        d.homeless.insert(c);
        d.last_failure[c] = "no device can run it now";
        show(self, c, "waiting");
        return;
    }
    d.homeless.erase(c);
    const std::size_t slot = d.desk->slot_of(c);
    chain_deps deps;
    deps.chain = c;
    deps.device = d.desk->devices()[slot].id;
    deps.worker = d.given[c] = d.workers[slot];
    deps.recorder = d.recorder;
    deps.steerer = d.steerer;
    deps.conductor = d.conductor;
    if ((deps.validator = d.validator)) {
        deps.validation_edge = d.parts->shape.find_edge("chain." + to_text(c), "validator").via;
        deps.validation_droppable = d.parts->shape.find_stage("validator")->config.droppable;
    }
    deps.supervisor = caf::actor_cast<caf::actor>(self);
    deps.edge_capacity = d.parts->shape.find_edge("chain." + to_text(c), "recorder").via.capacity;
    const auto groups = plan.n_chains / plan.replicas();
    deps.segments_total = plan.steering == steering_mode::plan
                              ? (plan.beta_points + groups - 1 - c.value / plan.replicas()) / groups : 0;
    deps.restarts = d.restarts[c];
    deps.last_failure = d.last_failure[c];
    deps.paused = d.desk->paused(c);
    deps.parts = d.parts;
    deps.board = d.board;
    d.chains[c] = spawn_chain(self, std::move(deps));
    if (d.stopping)
        self->send(d.chains[c], stop_campaign{});
}

void end_if_over(supervisor_ptr self) {
    auto& d = self->state;
    if (d.ending || !d.core->over() || mirror_goes_on(self))
        return;
    d.ending = true;
    d.board->set_result(d.core->all_finished());
    for (const auto& [c, reason] : d.core->given_up())
        d.board->notice(to_text(c) + " was given up: " + to_text(reason));
    self->send(d.recorder, publish_due{});
    for (std::size_t slot = 0; slot < d.workers.size(); ++slot) {
        if (!d.workers[slot])
            continue;
        if (slot < d.parts->devices.size()) // an exit would overtake what the worker has still to say
            self->send(d.workers[slot], stop_campaign{});
        else
            self->send_exit(d.workers[slot], caf::exit_reason::user_shutdown);
    }
    self->send_exit(d.steerer, caf::exit_reason::user_shutdown);
    if (d.conductor)
        self->send_exit(d.conductor, caf::exit_reason::user_shutdown);
    if (d.validator)
        self->send_exit(d.validator, caf::exit_reason::user_shutdown); // chains are done only when nothing is on its way to it
    self->send_exit(d.recorder, caf::exit_reason::user_shutdown);
    self->quit();
}

void start_validator(supervisor_ptr self) {
    auto& d = self->state;
    const auto& wanted = d.parts->plan.validation;
    d.validator = nullptr;
    if (wanted.when.empty() || d.parts->devices.empty())
        return;
    const auto& slots = d.parts->devices;
    const auto at = wanted.device.empty() ? std::prev(slots.end()) : std::find_if(slots.begin(), slots.end(), [&](const auto& s) { return s.id == wanted.device; });
    if (at == slots.end())
        return d.board->notice("the campaign wants " + wanted.device + " as validator, but has no such device: nothing is validated");
    d.validator = spawn_validator(self, *at, d.recorder, d.board);
}

namespace {

/// What is to be done about a chain that failed. A node that went away is no fault of the chain: that does not count
/// against its budget, and since the node's device is out until the node comes again, it cannot repeat itself either.
chain_verdict judge(supervisor_ptr self, chain_id c, const error& reason) {
    auto& d = self->state;
    const auto slot = d.desk->slot_of(c);
    const auto whose = blame_of(reason.code, slot < d.parts->devices.size(), d.workers[slot] && d.workers[slot] == d.given[c]);
    if (whose == blame::chain)
        return d.core->on_failure(c, reason, steady_now_s());
    if (whose == blame::node)
        device_is_away(self, slot);
    chain_verdict v;
    v.restart = true;
    v.after_s = first_backoff_s;
    return v;
}

void chain_is_down(supervisor_ptr self, chain_id c, const error& reason) {
    auto& d = self->state;
    d.chains.erase(c);
    const auto verdict = judge(self, c, reason);
    perform(self, d.desk->on_failed(c, reason.what, verdict.restart, steady_now_s()));
    event_row row;
    row.kind = verdict.restart ? "chain_restarted" : "chain_given_up";
    row.utc = "";
    row.chain = c;
    row.text = to_text(reason);
    self->send(d.recorder, log_event{row});
    d.last_failure[c] = std::string(name_of(reason.code)) + ": " + reason.what;
    if (d.stopping && verdict.restart) { // nobody waits for a chain that was to stop anyway; its ledger is sealed up to the last seal
        d.core->on_done(c, false);
        show(self, c, "failed");
        d.board->notice(fmt::format("{} failed while stopping: {}", to_text(c), to_text(reason)));
    } else if (verdict.restart) {
        ++d.restarts[c];
        d.board->notice(fmt::format("{} failed and restarts from its last seal in {:.1f} s: {}", to_text(c), verdict.after_s, to_text(reason)));
        self->delayed_send(self, std::chrono::microseconds(static_cast<std::int64_t>(verdict.after_s * 1e6)), restart_chain{c});
    } else {
        show(self, c, "failed");
    }
    end_if_over(self);
}

void on_down(supervisor_ptr self, const caf::down_msg& m) {
    auto& d = self->state;
    const bool ordinary = !m.reason || m.reason == caf::exit_reason::normal || m.reason == caf::exit_reason::user_shutdown;
    for (std::size_t slot = 0; slot < d.workers.size(); ++slot)
        if (d.workers[slot] && d.workers[slot].address() == m.source && !d.ending) {
            if (slot >= d.parts->devices.size()) { // its node is away; it may come back
                device_is_away(self, slot);
                return;
            }
            const error reason{errc::device_failed, "device worker ended: " + self->system().render(m.reason), d.parts->devices[slot].id, ""};
            const auto verdict = d.worker_core->on_failure(chain_id{static_cast<std::uint32_t>(slot)}, reason, steady_now_s());
            d.board->notice(to_text(reason) + (verdict.restart ? "; it is started again" : "; it stays down"));
            if (verdict.restart)
                d.workers[slot] = spawn_worker(self, d.parts->devices[slot], d.board);
            return; // its chains notice by their failed requests and come back through chain_failed
        }
    if (d.mirror && d.mirror.address() == m.source && !d.ending) { // the run goes on without a copy, and says so
        d.board->notice("the mirror ended (" + self->system().render(m.reason) + "): this run is not copied any more; start it again");
        d.mirror = nullptr;
        return end_if_over(self);
    }
    if (d.recorder.address() == m.source && !d.ending) {
        d.board->notice("the recorder ended (" + self->system().render(m.reason) + "): the campaign stops; start it again to go on");
        for (const auto& [c, actor] : d.chains)
            self->send_exit(actor, caf::exit_reason::user_shutdown);
        for (std::uint32_t c = 0; c < d.parts->plan.n_chains; ++c)
            d.core->on_done(chain_id{c}, false);
        return end_if_over(self);
    }
    if (d.steerer.address() == m.source && !d.ending) {
        d.steerer = spawn_steerer(self, d.parts, d.taken, d.conductor, d.board);
        return;
    }
    if (d.validator && d.validator.address() == m.source && !d.ending) {
        const bool again = ++d.validators_lost <= validators_max;
        d.board->notice(fmt::format("the validator ended ({}): {}", self->system().render(m.reason), again ? "a new one takes its place" : "nothing is validated any more"));
        again ? start_validator(self) : void(d.validator = nullptr);
        for (const auto& [c, actor] : d.chains)
            self->send(actor, use_validator{d.validator}); // their edges are back, or gone
        return;
    }
    if (d.conductor && d.conductor.address() == m.source && !d.ending) { // advice is all that is lost
        d.board->notice("the conductor ended (" + self->system().render(m.reason) + "): no thermalisation ends early, no point is added");
        d.conductor = nullptr;
        return;
    }
    if (ordinary)
        return;
    for (const auto& [c, actor] : d.chains)
        if (actor.address() == m.source)
            return chain_is_down(self, c, {errc::internal, "the chain's actor ended: " + self->system().render(m.reason), to_text(c), ""});
}

caf::behavior supervisor_behavior(supervisor_ptr self, std::shared_ptr<const runtime_parts> parts, std::shared_ptr<status_board> board) {
    auto& d = self->state;
    d.parts = std::move(parts);
    d.board = std::move(board);
    const auto& plan = d.parts->plan;
    d.core.emplace(plan.n_chains);
    d.worker_core.emplace(static_cast<std::uint32_t>(d.parts->devices.size()));
    std::vector<desk_device> devices;
    for (const auto& slot : d.parts->devices) {
        devices.push_back({slot.id, true, slot.memory_bytes});
        d.names[slot.id] = slot.name;
    }
    // Links three times (saved, next), momenta, and half a copy of the links in floats where double-float is used.
    d.desk.emplace(plan.n_chains, std::move(devices), plan.lattice.links() * (4 * reals_per_link + reals_per_momentum) * sizeof(double));
    for (const auto& r : d.parts->past_operations)
        d.desk->replay(r);
    self->set_down_handler([self](caf::down_msg& m) { on_down(self, m); });
    for (std::uint32_t c = 0; c < plan.n_chains; ++c) {
        const auto rows = d.parts->book->segments(chain_id{c});
        if (!rows) { // a value, not an exception: CAF would print one on standard output
            d.board->notice("the campaign cannot start: " + to_text(rows.reason()));
            self->quit();
            return {};
        }
        for (const auto& row : *rows)
            d.taken.push_back({row.chain, row.ordinal, row.params.beta});
    }
    if (plan.conductor.mode != conductor_mode::off)
        d.conductor = spawn_conductor(self, d.parts, d.board); // reads what earlier processes left
    d.recorder = spawn_recorder(self, d.parts, d.board); // from here on the ledger is the recorder's
    d.steerer = spawn_steerer(self, d.parts, d.taken, d.conductor, d.board);
    start_validator(self);
    if (!plan.mirror.empty() && d.parts->cluster)
        d.mirror = spawn_mirror(self, d.parts, d.recorder, d.board);
    else if (!plan.mirror.empty())
        d.board->notice("the campaign wants a mirror (" + plan.mirror + "), but no other machine can take part: start it with --cluster");
    for (const auto& slot : d.parts->devices)
        d.workers.push_back(spawn_worker(self, slot, d.board));
    for (std::uint32_t c = 0; c < plan.n_chains; ++c)
        start_chain(self, chain_id{c});
    perform(self, d.desk->close_replayed());
    self->delayed_send(self, publish_interval, publish_due{});
    return {
        [self](const operate& m) { return on_request(self, m.request); },
        [self](const node_came& m) { on_node(self, m); },
        [self](mirror_settled) { on_mirror_settled(self); },
        [self](const remote_late& m) { return judge_late(self, m); },
        [self](const node_drains& m) {
            auto& s = self->state;
            s.board->notice("node " + m.node + " drains");
            perform(self, s.desk->drain(m.node, steady_now_s()));
        },
        [self](const chain_started& m) { perform(self, self->state.desk->on_started(m.chain, m.epoch.value, steady_now_s(), m.arriving)); },
        [self](const chain_seal_noted& m) { perform(self, self->state.desk->on_sealed(m.chain, m.trajectory, steady_now_s())); },
        [self](const chain_failed& m) {
            if (self->state.chains.contains(m.chain))
                chain_is_down(self, m.chain, m.reason);
        },
        [self](const chain_done& m) {
            auto& s = self->state;
            FORGE_FAILPOINT("supervisor.chain_stopped");
            s.chains.erase(m.chain);
            s.core->on_done(m.chain, m.finished);
            perform(self, s.desk->on_stopped(m.chain, m.trajectory, m.finished, steady_now_s(), m.leaving)); // may start it elsewhere
            end_if_over(self);
        },
        [self](const restart_chain& m) {
            if (self->state.stopping) {
                self->state.core->on_done(m.chain, false);
                end_if_over(self);
            } else {
                start_chain(self, m.chain);
            }
        },
        [self](stop_campaign) {
            auto& s = self->state;
            if (s.stopping)
                return;
            s.stopping = true;
            s.board->set_stopping();
            for (const auto& [c, actor] : s.chains)
                self->send(actor, stop_campaign{});
        },
        [self](publish_due) {
            auto& s = self->state;
            publish_devices(self);
            self->send(s.steerer, publish_due{});
            for (const auto& [c, actor] : s.chains) // a chain that waits says nothing of its own accord
                self->send(actor, publish_due{});
            self->delayed_send(self, publish_interval, publish_due{});
        },
    };
}

} // namespace

} // namespace supervision

caf::actor spawn_supervisor(caf::actor_system& system, std::shared_ptr<const runtime_parts> parts, std::shared_ptr<status_board> board) {
    return system.spawn(supervision::supervisor_behavior, std::move(parts), std::move(board));
}

} // namespace forge
