// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/roles/chain_data.hpp"

#include "libactors/base/failpoint.hpp"

#include <functional>

namespace forge {

namespace {

constexpr std::chrono::seconds seal_retry_delay{2};
constexpr double publish_every_s = 0.25;

using chain_ptr = caf::stateful_actor<chain_data>*;

void publish(chain_ptr self, bool force) {
    auto& d = self->state;
    const double now = steady_now_s();
    if (!force && now - d.published < publish_every_s)
        return;
    d.published = now;
    chain_status s;
    s.chain = d.deps.chain;
    s.device = d.deps.device;
    s.epoch = d.epoch.value;
    s.restarts = d.deps.restarts;
    s.reason = d.deps.last_failure;
    s.segments_total = d.deps.segments_total;
    if (d.core) {
        const auto& core = *d.core;
        s.phase = name_of(core.phase());
        s.trajectory = core.trajectory();
        s.sealed = core.sealed();
        s.done_in_segment = core.done_in_segment();
        if (core.phase() == chain_phase::paused)
            s.reason = core.pause_reason();
        describe_segment(core, d.accepted, d.seconds_per_trajectory, s);
        d.meter->queue(core.credit().in_flight(), core.credit().capacity());
    }
    if (!d.waiting_for.empty()) {
        s.phase = name_of(chain_phase::paused);
        s.reason = d.waiting_for;
    }
    d.deps.board->update(s);
    d.deps.board->update(d.meter->snapshot(now));
}

void fail(chain_ptr self, const error& reason) {
    auto& d = self->state;
    if (d.failed)
        return;
    d.failed = true;
    self->send(d.deps.worker, unload_chain{d.deps.chain});
    if (d.heir)
        self->send(d.heir, unload_chain{d.deps.chain});
    self->send(d.deps.supervisor, chain_failed{d.deps.chain, reason});
    self->quit();
}

bool is_storage_error(errc code) { return code == errc::no_space || code == errc::io_failed || code == errc::permission_denied; }

/// Storage that is full is not a failure of the chain: it waits and asks again until there is space.
/// @return false when the error is of another kind.
bool wait_for_storage(chain_ptr self, const error& reason, std::function<void()> work) {
    if (!is_storage_error(reason.code))
        return false;
    self->state.waiting_for = to_text(reason);
    publish(self, true);
    self->delayed_send(self, seal_retry_delay, try_again{std::move(work)});
    return true;
}

/// Error handler of requests: the other side died or did not answer in time.
auto lost(chain_ptr self, std::string what) {
    return [self, what = std::move(what)](const caf::error& e) {
        // A worker of another machine (NODE/DEVICE) ends when its node goes away.
        const auto code = self->state.deps.device.find('/') == std::string::npos ? errc::device_failed : errc::device_unavailable;
        fail(self, {code, what + ": " + self->system().render(e), to_text(self->state.deps.chain), ""});
    };
}

void perform(chain_ptr self, std::vector<chain_command> commands);

void account(chain_ptr self) {
    auto& d = self->state;
    const auto now = steady_now_s();
    d.meter->set(d.core->running() ? stage_activity::busy
                                   : d.core->back_pressured() ? stage_activity::back_pressured : stage_activity::idle, now);
    d.meter->queue(d.core->credit().in_flight(), d.core->credit().capacity());
    publish(self, false);
}

void run_now(chain_ptr self, const run_command& c) {
    auto& d = self->state;
    self->request(d.deps.worker, worker_timeout, run_job{d.deps.chain, c, d.deps.parts->plan.conductor.mid_trajectory})
        .then(
            [self, c](const job_done& done) {
                auto& s = self->state;
                if (done.failed)
                    return fail(self, *done.failed);
                const double now = steady_now_s();
                const double elapsed = s.last_done > 0.0 ? now - s.last_done : done.seconds;
                s.last_done = now;
                s.seconds_per_trajectory = s.seconds_per_trajectory > 0.0 ? 0.95 * s.seconds_per_trajectory + 0.05 * elapsed : elapsed;
                s.meter->item(done.seconds);
                const auto before = s.core->measured().size();
                auto commands = s.core->on_trajectory(done.observed, done.state, done.seconds);
                const bool measured = s.core->measured().size() > before;
                if (measured)
                    s.accepted.push_back(done.observed.accepted ? 1 : 0);
                s.line->on_trajectory(*s.core->segment(), s.core->done_in_segment(), {done.observed, measured, done.middle});
                s.validation->on_trajectory(*s.core->segment(), c, done, measured);
                perform(self, std::move(commands));
            },
            lost(self, "the device worker"));
}

void execute(chain_ptr self, const run_command& c) {
    self->state.validation->before_run([self, c] { run_now(self, c); });
}

void execute(chain_ptr self, const check_command& c) {
    auto& d = self->state;
    d.line->check(*d.core->segment(), c.done, [self, c](const thermalisation_answer& a) {
        perform(self, self->state.core->on_checked(c.done, a.thermalised));
    });
}

void execute(chain_ptr self, const offer_command& c) {
    auto& d = self->state;
    receipt r;
    r.epoch = d.epoch;
    r.device = d.home.device;
    r.bits_class = d.home.bits_class;
    r.kernel_hash = d.home.kernel_hash;
    r.seconds = c.seconds;
    self->send(d.deps.recorder, commit_item{{c.record, r, d.epoch}, !d.core->credit().may_send()});
}

void execute(chain_ptr self, const ask_segment_command& c) {
    auto& d = self->state;
    if (d.core->segment())
        d.line->on_segment_over(*d.core->segment());
    const auto answered = [self, c](const segment_answer& a) {
        if (a.failed) {
            if (!wait_for_storage(self, *a.failed, [self, c] { execute(self, c); }))
                fail(self, *a.failed);
            return;
        }
        self->state.accepted.clear();
        perform(self, self->state.core->on_segment(a.segment));
        publish(self, true);
    };
    // A replay meets decisions that were taken before the crash; only what is new goes to the steerer.
    self->request(d.deps.recorder, recorder_timeout, find_segment{d.deps.chain, c.first_trajectory})
        .then(
            [self, c, answered](const segment_answer& known) {
                if (known.failed || known.segment)
                    return answered(known);
                auto& s = self->state;
                self->request(s.deps.steerer, steerer_timeout, ask_decision{s.deps.chain, c.ordinal})
                    .then(
                        [self, c, answered](const decision_made& m) {
                            if (!m.decision)
                                return answered(segment_answer{std::nullopt, std::nullopt});
                            auto& t = self->state;
                            self->request(t.deps.recorder, recorder_timeout,
                                          open_segment{t.deps.chain, t.epoch, c.first_trajectory, *m.decision})
                                .then(answered, lost(self, "the recorder"));
                        },
                        lost(self, "the steerer"));
            },
            lost(self, "the recorder"));
}

void execute(chain_ptr self, const seal_command& c) {
    auto& d = self->state;
    FORGE_FAILPOINT("chain.before_snapshot");
    const double begun = steady_now_s();
    if (d.stop_requested)
        d.times.drain_s = begun - d.stop_asked_s;
    self->request(d.deps.worker, worker_timeout, take_snapshot{d.deps.chain})
        .then(
            [self, c, begun](const snapshot_taken& taken) {
                if (taken.failed)
                    return fail(self, *taken.failed);
                auto& s = self->state;
                s.seal_begun_s = steady_now_s();
                s.times.snapshot_s = taken.device_s;
                s.times.copy_out_s = std::max(0.0, s.seal_begun_s - begun - taken.device_s);
                FORGE_FAILPOINT("chain.snapshot_taken");
                auto state = std::make_shared<chain_state>();
                state->chain = s.deps.chain;
                state->campaign_seed = s.deps.parts->seed;
                state->segment = c.segment.number;
                state->segment_first = c.segment.first_trajectory;
                state->params = c.segment.params;
                state->trajectory = c.trajectory;
                state->head = c.head;
                state->state = c.state;
                state->provenance = s.deps.parts->provenance + " device=" + s.home.device + " bits=" + s.home.bits_class;
                state->links = *taken.links;
                if (s.heir) // it is of use only once the seal is durable and an epoch granted; until then it is a copy
                    self->request(s.heir, worker_timeout, load_chain{s.deps.chain, s.epoch, rng_key(s.deps.parts->seed, s.deps.chain), taken.links,
                                                                     state->params.precision, s.deps.parts->precision.at(s.deps.chain.value)})
                        .then([](const chain_loaded&) {}, [](const caf::error&) {});
                self->send(s.deps.recorder, seal_chain{std::move(state), s.epoch});
            },
            lost(self, "the device worker"));
}

void execute(chain_ptr self, const finish_segment_command& c) {
    auto& d = self->state;
    self->send(d.deps.recorder, finish_segment{d.deps.chain, d.epoch, c.number});
}

void leave(chain_ptr self, const done_command& c) {
    FORGE_FAILPOINT("chain.before_done");
    self->state.line->on_gone(c.finished);
    publish(self, true);
    self->send(self->state.deps.worker, unload_chain{self->state.deps.chain});
    if (self->state.heir && c.finished)
        self->send(self->state.heir, unload_chain{self->state.deps.chain});
    self->send(self->state.deps.supervisor, chain_done{self->state.deps.chain, c.finished, self->state.core->trajectory(), self->state.times});
    self->quit();
}

void execute(chain_ptr self, const done_command& c) {
    self->state.validation->before_done([self, c] { leave(self, c); });
}

void perform(chain_ptr self, std::vector<chain_command> commands) {
    for (const auto& command : commands)
        std::visit([self](const auto& c) { execute(self, c); }, command);
    account(self);
}

void prepare(chain_ptr self);

void begin(chain_ptr self, const chain_prepared& p) {
    auto& d = self->state;
    if (p.failed) {
        if (!wait_for_storage(self, *p.failed, [self] { prepare(self); }))
            fail(self, *p.failed);
        return;
    }
    const double granted = steady_now_s();
    d.times.grant_s = granted - d.begun_s;
    d.epoch = p.start.epoch;
    for (const auto& o : p.measured)
        d.accepted.push_back(o.accepted ? 1 : 0);
    const auto key = rng_key(d.deps.parts->seed, d.deps.chain);
    d.line->predict(p.start.segment ? std::optional(p.start.segment->params) : std::nullopt); // answered while the device loads
    FORGE_FAILPOINT("chain.before_load");
    self->request(d.deps.worker, worker_timeout, load_chain{d.deps.chain, d.epoch, key, p.links, p.start.segment ? p.start.segment->params.precision : arithmetic{},
                                                             d.deps.parts->precision.at(d.deps.chain.value),
                                                             p.start.trajectory > 0 ? std::optional(p.start.state) : std::nullopt})
        .then(
            [self, start = p.start, measured = p.measured, granted](const chain_loaded& loaded) {
                auto& s = self->state;
                s.times.upload_s = loaded.device_s;
                s.times.copy_in_s = std::max(0.0, steady_now_s() - granted - loaded.device_s);
                if (loaded.failed)
                    return fail(self, *loaded.failed);
                if (start.trajectory > 0 && !(loaded.state == start.state))
                    return fail(self, {errc::checksum_mismatch, "the links on " + loaded.device + " do not have the fingerprint of the ledger's record",
                                       to_text(s.deps.chain) + " trajectory " + std::to_string(start.trajectory), "forge checkpoint check"});
                FORGE_FAILPOINT("chain.loaded");
                s.home = loaded;
                s.line->collect(start.trajectory);
                s.validation->begin(loaded.device, loaded.bits_class, start.segment, start.trajectory, measured);
                const auto& helper = s.deps.parts->plan.conductor;
                s.core.emplace(start, s.deps.edge_capacity, helper.mode == conductor_mode::act && helper.thermalisation ? helper.check_every : 0);
                self->delayed_send(self, std::chrono::microseconds(static_cast<std::int64_t>(s.deps.parts->plan.seal_interval_s * 1e6)), seal_due{});
                self->send(s.deps.supervisor, chain_started{s.deps.chain, s.epoch, std::exchange(s.times, {})});
                if (s.deps.paused)
                    (void)s.core->on_pause("paused by the operator");
                perform(self, s.stop_requested ? s.core->on_stop() : s.core->begin());
                publish(self, true);
            },
            lost(self, "the device worker"));
}

void prepare(chain_ptr self) {
    auto& d = self->state;
    d.begun_s = steady_now_s();
    self->request(d.deps.recorder, recorder_timeout, prepare_chain{d.deps.chain})
        .then([self](const chain_prepared& p) { begin(self, p); }, lost(self, "the recorder"));
}

void stop(chain_ptr self) {
    auto& d = self->state;
    if (!std::exchange(d.stop_requested, true))
        d.stop_asked_s = steady_now_s();
    if (d.core)
        perform(self, d.core->on_stop());
}

caf::behavior chain(chain_ptr self, chain_deps deps) {
    self->state.deps = std::move(deps);
    auto& d = self->state;
    d.meter.emplace("chain." + to_text(d.deps.chain), steady_now_s());
    d.line.emplace(self, d.deps.conductor, d.deps.recorder, d.deps.chain);
    d.validation.emplace(self, d.deps.validator, d.deps.worker, d.deps.recorder, d.deps.board, d.deps.chain, d.deps.parts->plan.lattice,
                         rng_key(d.deps.parts->seed, d.deps.chain), d.deps.validation_edge, d.deps.validation_droppable);
    publish(self, true);
    prepare(self);
    return {
        [self](const use_validator& m) { self->state.validation->use(m.validator); },
        [self](const credit_granted& m) { perform(self, self->state.core->on_granted(m.n)); },
        [self](const chain_sealed& m) {
            auto& s = self->state;
            FORGE_FAILPOINT("chain.sealed");
            s.times.seal_s = steady_now_s() - s.seal_begun_s;
            perform(self, s.core->on_sealed(m.trajectory));
            if (s.seal_requested && m.trajectory >= *s.seal_requested) {
                s.seal_requested.reset();
                publish(self, true); // whoever asked looks next
                self->send(s.deps.supervisor, chain_seal_noted{s.deps.chain, m.trajectory});
            }
        },
        [self](const seal_failed& m) {
            // Waiting helps where storage refuses; anything else (a stale epoch, a state that does not verify) does not pass.
            if (!is_storage_error(m.reason.code))
                return fail(self, m.reason);
            perform(self, self->state.core->on_seal_failed(to_text(m.reason)));
            publish(self, true);
            self->delayed_send(self, seal_retry_delay, retry_seal{});
        },
        [self](retry_seal) {
            perform(self, self->state.core->on_retry());
            if (self->state.core->wants_retry()) // a trajectory was still running, or its record waits for credit
                self->delayed_send(self, seal_retry_delay, retry_seal{});
        },
        [self](const try_again& m) {
            self->state.waiting_for.clear();
            m.work();
        },
        [self](const commit_refused& m) { fail(self, m.reason); },
        [self](seal_due) {
            auto& s = self->state;
            s.core->on_seal_due();
            self->delayed_send(self, std::chrono::microseconds(static_cast<std::int64_t>(s.deps.parts->plan.seal_interval_s * 1e6)), seal_due{});
        },
        [self](stop_campaign) { stop(self); },
        [self](const hand_over& m) {
            self->state.heir = m.heir;
            stop(self);
        },
        [self](const pause_chain& m) {
            auto& s = self->state;
            s.deps.paused = true; // also for a chain that is still being loaded
            if (s.core)
                perform(self, s.core->on_pause(m.reason));
            publish(self, true);
        },
        [self](resume_chain) {
            auto& s = self->state;
            s.deps.paused = false;
            if (s.core)
                perform(self, s.core->on_resume());
            publish(self, true);
        },
        [self](seal_now) {
            auto& s = self->state;
            if (!s.core || s.core->sealed() == s.core->trajectory()) { // what is loaded is sealed, what is sealed needs nothing
                self->send(s.deps.supervisor, chain_seal_noted{s.deps.chain, s.core ? s.core->sealed() : 0});
                return;
            }
            s.seal_requested = s.core->trajectory();
            perform(self, s.core->on_seal_now());
        },
        [self](publish_due) { publish(self, true); },
    };
}

} // namespace

caf::actor spawn_chain(caf::local_actor* parent, chain_deps deps) {
    return parent->spawn<caf::monitored>(chain, std::move(deps));
}

} // namespace forge
