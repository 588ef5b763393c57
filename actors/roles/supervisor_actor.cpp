// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/remote/remote_roles.hpp"
#include "actors/roles/roles.hpp"

#include "libactors/base/failpoint.hpp"
#include "libactors/control/beta_plan.hpp"
#include "libactors/control/operations/operation_desk.hpp"
#include "libactors/control/supervisor.hpp"

#include <fmt/format.h>

#include <set>

namespace forge {

namespace {

constexpr std::chrono::milliseconds publish_interval{500};

struct supervisor_data {
    static inline const char* name = "supervisor";
    std::shared_ptr<const runtime_parts> parts;
    std::shared_ptr<status_board> board;
    std::optional<supervisor> core;
    std::optional<operation_desk> desk; ///< knows where every chain runs
    std::optional<supervisor> worker_core; ///< the same budget for workers, by slot
    caf::actor recorder, steerer;
    std::vector<caf::actor> workers;     ///< by slot; none while a node is away
    std::set<chain_id> homeless;         ///< no device can run them now
    std::map<std::string, std::string> names; ///< of devices, as their vendors say
    std::map<chain_id, caf::actor> chains;
    std::map<chain_id, caf::actor> given; ///< the worker that a chain was started with
    std::map<chain_id, std::size_t> restarts;
    std::map<chain_id, std::string> last_failure;
    std::vector<double> taken;
    bool stopping = false;
    bool ending = false;
};

using supervisor_ptr = caf::stateful_actor<supervisor_data>*;

/// A chain that has no actor now, as people see it.
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
    deps.supervisor = caf::actor_cast<caf::actor>(self);
    deps.edge_capacity = d.parts->shape.find_edge("chain." + to_text(c), "recorder").capacity;
    deps.segments_total = plan.steering == steering_mode::plan
                              ? (plan.beta_points + plan.n_chains - 1 - c.value) / plan.n_chains : 0;
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
    if (d.ending || !d.core->over())
        return;
    d.ending = true;
    d.board->set_result(d.core->all_finished());
    for (const auto& [c, reason] : d.core->given_up())
        d.board->notice(to_text(c) + " was given up: " + to_text(reason));
    for (const auto& a : d.workers)
        if (a)
            self->send(a, publish_due{});
    self->send(d.recorder, publish_due{});
    for (const auto& a : d.workers)
        if (a)
            self->send_exit(a, caf::exit_reason::user_shutdown);
    self->send_exit(d.steerer, caf::exit_reason::user_shutdown);
    self->send_exit(d.recorder, caf::exit_reason::user_shutdown);
    self->quit();
}

/// Makes a report durable and visible.
void note(supervisor_ptr self, const operation_report& report) {
    auto& d = self->state;
    d.board->update(report);
    event_row row;
    row.kind = "operation";
    row.chain = chain_from_text(report.object);
    row.text = report.id + " " + std::string(name_of(report.verb)) + " " + std::string(name_of(report.state)) + ": " + report.text;
    if (d.parts->encode_operation)
        row.json = d.parts->encode_operation(report);
    self->send(d.recorder, log_event{row});
}

template <class Message>
void tell(supervisor_ptr self, chain_id c, Message m) {
    const auto& chains = self->state.chains;
    if (const auto at = chains.find(c); at != chains.end())
        self->send(at->second, std::move(m));
}

void execute(supervisor_ptr self, const pause_chain_command& m) { tell(self, m.chain, pause_chain{m.reason}); }
void execute(supervisor_ptr self, const resume_chain_command& m) { tell(self, m.chain, resume_chain{}); }
void execute(supervisor_ptr self, const seal_chain_command& m) { tell(self, m.chain, seal_now{}); }
void execute(supervisor_ptr self, const stop_chain_command& m) { tell(self, m.chain, stop_campaign{}); }
void execute(supervisor_ptr self, const report_command& m) {
    FORGE_FAILPOINT("supervisor.before_report");
    note(self, m.report);
    FORGE_FAILPOINT("supervisor.after_report");
}
void execute(supervisor_ptr self, const start_chain_command& m) {
    FORGE_FAILPOINT("supervisor.before_start");
    self->state.core->on_started(m.chain);
    start_chain(self, m.chain);
    FORGE_FAILPOINT("supervisor.after_start");
}

void perform(supervisor_ptr self, const std::vector<desk_command>& commands) {
    for (const auto& command : commands)
        std::visit([self](const auto& c) { execute(self, c); }, command);
}

operation_report on_request(supervisor_ptr self, const operation_request& r) {
    auto& d = self->state;
    if (d.stopping || d.ending)
        return {r.id, r.verb, r.object, r.target, operation_state::refused, "the campaign is stopping", 0.0};
    FORGE_FAILPOINT("supervisor.asked");
    auto answer = d.desk->on_request(r, steady_now_s());
    perform(self, answer.commands);
    publish_devices(self);
    return answer.report;
}

/// Until its node introduces itself again.
void device_is_away(supervisor_ptr self, std::size_t slot) {
    auto& d = self->state;
    if (auto gone = std::exchange(d.workers[slot], nullptr)) {
        self->demonitor(gone);
        self->send_exit(gone, caf::exit_reason::user_shutdown);
    }
    d.desk->device_went(d.desk->devices()[slot].id);
}

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
    if (d.recorder.address() == m.source && !d.ending) {
        d.board->notice("the recorder ended (" + self->system().render(m.reason) + "): the campaign stops; start it again to go on");
        for (const auto& [c, actor] : d.chains)
            self->send_exit(actor, caf::exit_reason::user_shutdown);
        for (std::uint32_t c = 0; c < d.parts->plan.n_chains; ++c)
            d.core->on_done(chain_id{c}, false);
        return end_if_over(self);
    }
    if (d.steerer.address() == m.source && !d.ending) {
        d.steerer = spawn_steerer(self, d.parts, d.taken, d.board);
        return;
    }
    if (ordinary)
        return;
    for (const auto& [c, actor] : d.chains)
        if (actor.address() == m.source)
            return chain_is_down(self, c, {errc::internal, "the chain's actor ended: " + self->system().render(m.reason), to_text(c), ""});
}

/// A node's devices become slots; chains without a place and crowded ones go there.
void on_node(supervisor_ptr self, const node_came& m) {
    auto& d = self->state;
    if (d.stopping || d.ending)
        return;
    std::string text;
    for (const auto& device : m.devices) {
        const auto id = m.peer.name + "/" + device.id;
        const auto slot = d.desk->device_came({id, device.fp64, device.memory_bytes, true});
        d.workers.resize(std::max(d.workers.size(), slot + 1));
        if (d.workers[slot]) { // an older incarnation that nobody has missed yet
            self->demonitor(d.workers[slot]);
            self->send_exit(d.workers[slot], caf::exit_reason::user_shutdown);
        }
        d.workers[slot] = spawn_remote_worker(self, {id, device.id, m.gate, m.peer, d.parts->cluster}, d.board);
        d.names[id] = device.name;
        text += (text.empty() ? "" : ", ") + id;
    }
    d.board->notice(fmt::format("node {} offers {}", m.peer.name, text));
    for (const auto c : std::exchange(d.homeless, {}))
        start_chain(self, c);
    perform(self, d.desk->spread(steady_now_s()));
    publish_devices(self);
}

caf::behavior supervisor_behavior(supervisor_ptr self, std::shared_ptr<const runtime_parts> parts, std::shared_ptr<status_board> board) {
    auto& d = self->state;
    d.parts = std::move(parts);
    d.board = std::move(board);
    const auto& plan = d.parts->plan;
    d.core.emplace(plan.n_chains);
    d.worker_core.emplace(static_cast<std::uint32_t>(d.parts->devices.size()));
    std::vector<desk_device> devices;
    for (const auto& slot : d.parts->devices)
        devices.push_back({slot.id, true, slot.memory_bytes});
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
            d.taken.push_back(row.params.beta);
    }
    d.recorder = spawn_recorder(self, d.parts, d.board); // from here on the ledger is the recorder's
    d.steerer = spawn_steerer(self, d.parts, d.taken, d.board);
    for (const auto& slot : d.parts->devices)
        d.workers.push_back(spawn_worker(self, slot, d.board));
    for (std::uint32_t c = 0; c < plan.n_chains; ++c)
        start_chain(self, chain_id{c});
    perform(self, d.desk->close_replayed());
    self->delayed_send(self, publish_interval, publish_due{});
    return {
        [self](const operate& m) { return on_request(self, m.request); },
        [self](const node_came& m) { on_node(self, m); },
        [self](const node_drains& m) {
            auto& s = self->state;
            s.board->notice("node " + m.node + " drains");
            perform(self, s.desk->drain(m.node, steady_now_s()));
        },
        [self](const chain_started& m) { perform(self, self->state.desk->on_started(m.chain, m.epoch.value, steady_now_s())); },
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
            perform(self, s.desk->on_stopped(m.chain, m.trajectory, m.finished, steady_now_s())); // may start it elsewhere
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

caf::actor spawn_supervisor(caf::actor_system& system, std::shared_ptr<const runtime_parts> parts, std::shared_ptr<status_board> board) {
    return system.spawn(supervisor_behavior, std::move(parts), std::move(board));
}

} // namespace forge
