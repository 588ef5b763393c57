// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/remote/remote_roles.hpp"
#include "actors/roles/roles.hpp"

#include "libactors/base/failpoint.hpp"
#include "libactors/control/migration/hand_over.hpp"

#include <cstring>

namespace forge {

namespace {

/// A transfer that the peer carried out (or not), from its thread.
struct field_moved {
    std::uint64_t transfer;
    std::optional<error> failed;
};

} // namespace

} // namespace forge

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::field_moved)

namespace forge {

namespace {

struct snapshot_under_way {
    caf::typed_response_promise<snapshot_taken> answer;
    std::shared_ptr<gauge_field> links;
    bool sent = false;  ///< the node says so
    bool moved = false; ///< the stream says so
    double device_s = 0.0;
};

/// An owner that waits for a state that is on its way.
struct waiting_owner {
    load_chain request;
    caf::typed_response_promise<chain_loaded> answer;
};

struct remote_worker_data {
    static inline const char* name = "remote_worker";
    remote_slot slot;
    std::shared_ptr<status_board> board;
    std::optional<stage_meter> meter;
    std::map<chain_id, extents> shapes;
    hand_over_book book;
    std::map<chain_id, waiting_owner> owners;
    std::map<std::uint64_t, snapshot_under_way> snapshots;
    std::map<std::uint64_t, std::function<void(const error&)>> open; ///< how to refuse what the node has not answered
    std::uint64_t asked = 0;
    int jobs = 0;
    double published = 0.0;
};

using remote_ptr = caf::stateful_actor<remote_worker_data>*;

error lost_node(remote_ptr self, const caf::error& e) {
    return {errc::device_unavailable, "node " + self->state.slot.peer.name + " does not answer: " + self->system().render(e), self->state.slot.id, "forge node list"};
}

/// What the device says of itself stays; everything else that fails between the machines is the node's absence.
error from_node(remote_ptr self, const error& e) {
    switch (e.code) {
    case errc::device_failed:
    case errc::device_memory:
    case errc::numerics_failed:
    case errc::checksum_mismatch:
    case errc::physics_mismatch:
    case errc::unsupported:
    case errc::internal:
    case errc::device_unavailable:
        return e;
    default:
        return {errc::device_unavailable, "node " + self->state.slot.peer.name + ": " + e.what, self->state.slot.id, e.hint};
    }
}

std::optional<error> from_node(remote_ptr self, const remote_error& e) {
    const auto failed = from_remote(e);
    return failed ? std::optional(from_node(self, *failed)) : std::nullopt;
}

void publish(remote_ptr self) {
    auto& d = self->state;
    const double now = steady_now_s();
    d.meter->set(d.jobs > 0 ? stage_activity::busy : stage_activity::idle, now);
    if (now - d.published > 0.25) {
        d.board->update(d.meter->snapshot(now));
        d.published = now;
    }
}

void finish_snapshot(remote_ptr self, std::uint64_t transfer) {
    auto& all = self->state.snapshots;
    const auto at = all.find(transfer);
    if (at == all.end() || !at->second.sent || !at->second.moved)
        return;
    FORGE_FAILPOINT("remote.snapshot_done");
    at->second.answer.deliver(snapshot_taken{std::move(at->second.links), std::nullopt, at->second.device_s});
    all.erase(at);
}

void fail_snapshot(remote_ptr self, std::uint64_t transfer, const error& reason) {
    auto& all = self->state.snapshots;
    const auto at = all.find(transfer);
    if (at == all.end())
        return;
    self->state.slot.hub->transfers().withdraw(transfer);
    at->second.answer.deliver(snapshot_taken{nullptr, from_node(self, reason)});
    all.erase(at);
}

/// CAF says nothing to who waits for a promise that dies: what is open is refused before this actor ends.
void leave(remote_ptr self, caf::error why) {
    auto& d = self->state;
    const error gone{errc::device_unavailable, "node " + d.slot.peer.name + " went away", d.slot.id, "forge node list"};
    for (const auto& [ticket, refuse] : std::exchange(d.open, {}))
        refuse(gone);
    for (auto& [chain, owner] : std::exchange(d.owners, {}))
        owner.answer.deliver(chain_loaded{{}, "", "", "", gone});
    while (!d.snapshots.empty())
        fail_snapshot(self, d.snapshots.begin()->first, gone);
    self->quit(std::move(why));
}

/// @return the ticket under which the answer must close it.
std::uint64_t await(remote_ptr self, std::function<void(const error&)> refuse) {
    auto& d = self->state;
    d.open.emplace(++d.asked, std::move(refuse));
    return d.asked;
}

void load(remote_ptr self, const load_chain& m, caf::typed_response_promise<chain_loaded> answer);

/// A load was answered: whoever waits for that is served.
void loaded(remote_ptr self, chain_id c, const std::optional<state_hash>& there) {
    auto& d = self->state;
    const auto next = d.book.on_loaded(c, there);
    if (next.unload)
        self->send(d.slot.gate, remote_unload{d.slot.device, c.value});
    if (const auto owner = next.serve ? d.owners.extract(c) : decltype(d.owners)::node_type{})
        load(self, owner.mapped().request, owner.mapped().answer);
}

void load(remote_ptr self, const load_chain& m, caf::typed_response_promise<chain_loaded> answer) {
    auto& d = self->state;
    const auto way = d.book.on_load(m.chain, m.expected);
    if (way == hand_over_book::way::wait) {
        d.owners.insert_or_assign(m.chain, waiting_owner{m, std::move(answer)});
        return;
    }
    const auto shape = m.links->shape();
    transfer_id transfer = 0;
    std::vector<std::uint64_t> expected;
    if (way == hand_over_book::way::claim) {
        expected = {m.expected->a, m.expected->b};
    } else {
        const auto served = d.slot.hub->transfers().serve(d.slot.peer, source_of(m.links), {}, [](const result<stream_report>&) {});
        if (!served) {
            answer.deliver(chain_loaded{{}, "", "", "", from_node(self, served.reason())});
            return loaded(self, m.chain, std::nullopt);
        }
        transfer = *served;
    }
    d.shapes[m.chain] = shape;
    const auto ticket = await(self, [answer](const error& e) mutable { answer.deliver(chain_loaded{{}, "", "", "", e}); });
    FORGE_FAILPOINT("remote.before_load");
    self->request(d.slot.gate, remote_timeout,
                  remote_load{d.slot.device, m.chain.value, m.epoch.value, m.key, {shape.n.begin(), shape.n.end()}, transfer,
                              arithmetic_words(m.resumed, m.planned), std::move(expected)})
        .then(
            [self, answer, ticket, c = m.chain](const remote_loaded& r) mutable {
                FORGE_FAILPOINT("remote.loaded");
                self->state.open.erase(ticket);
                const state_hash state{r.state_a, r.state_b};
                const auto failed = from_node(self, r.failed);
                answer.deliver(chain_loaded{state, self->state.slot.id, r.bits_class, r.kernel_hash, failed, r.device_s});
                loaded(self, c, failed ? std::nullopt : std::optional(state));
            },
            [self, answer, ticket, c = m.chain](const caf::error& e) mutable {
                self->state.open.erase(ticket);
                answer.deliver(chain_loaded{{}, "", "", "", lost_node(self, e)});
                loaded(self, c, std::nullopt);
            });
}

caf::typed_response_promise<job_done> run(remote_ptr self, const run_job& m) {
    auto& d = self->state;
    auto answer = self->make_response_promise<job_done>();
    ++d.jobs;
    d.book.on_run(m.chain);
    publish(self);
    const auto ticket = await(self, [answer](const error& e) mutable { answer.deliver(job_done{{}, {}, 0.0, e}); });
    FORGE_FAILPOINT("remote.before_job");
    self->request(d.slot.gate, remote_timeout,
                  remote_job{d.slot.device, m.chain.value, m.job.trajectory, m.job.segment.value, m.job.test, params_words(m.job.params), m.look})
        .then(
            [self, answer, ticket](const remote_done& r) mutable {
                FORGE_FAILPOINT("remote.job_done");
                auto& s = self->state;
                s.open.erase(ticket);
                --s.jobs;
                job_done done{{}, {r.state_a, r.state_b}, std::bit_cast<double>(r.seconds), from_node(self, r.failed), std::nullopt};
                if (!done.failed && !(read_observed(r.observed, done.observed) && read_middle(r.middle, done.middle)))
                    done.failed = error{errc::malformed, "node " + s.slot.peer.name + " sent a result that is none", s.slot.id, "are both programs of the same version?"};
                s.meter->item(done.seconds);
                publish(self);
                answer.deliver(done);
            },
            [self, answer, ticket](const caf::error& e) mutable {
                self->state.open.erase(ticket);
                --self->state.jobs;
                publish(self);
                answer.deliver(job_done{{}, {}, 0.0, lost_node(self, e)});
            });
    return answer;
}

caf::typed_response_promise<snapshot_taken> snapshot(remote_ptr self, const take_snapshot& m) {
    auto& d = self->state;
    snapshot_under_way s{self->make_response_promise<snapshot_taken>(), nullptr};
    const auto answer = s.answer;
    const auto shape = d.shapes.find(m.chain);
    if (shape == d.shapes.end()) {
        s.answer.deliver(snapshot_taken{nullptr, error{errc::internal, "a snapshot of a chain that was not loaded", d.slot.id, "report this"}});
        return answer;
    }
    s.links = std::make_shared<gauge_field>(shape->second);
    auto id = std::make_shared<std::uint64_t>(0);
    const auto transfer = d.slot.hub->transfers().receive(d.slot.peer, sink_into(s.links), std::make_shared<stream_progress>(), {},
        [id, me = caf::actor_cast<caf::actor>(self)](const result<stream_report>& r) {
            caf::anon_send(me, field_moved{*id, r ? std::nullopt : std::optional(r.reason())});
        });
    if (!transfer) {
        s.answer.deliver(snapshot_taken{nullptr, from_node(self, transfer.reason())});
        return answer;
    }
    *id = *transfer; // before the node can know it
    d.snapshots.emplace(*transfer, std::move(s));
    FORGE_FAILPOINT("remote.before_snapshot");
    self->request(d.slot.gate, remote_timeout, remote_snapshot{d.slot.device, m.chain.value, *transfer})
        .then(
            [self, t = *transfer](const remote_snapshot_sent& r) {
                if (const auto failed = from_remote(r.failed))
                    return fail_snapshot(self, t, *failed);
                if (const auto at = self->state.snapshots.find(t); at != self->state.snapshots.end())
                    at->second.sent = true, at->second.device_s = r.device_s;
                finish_snapshot(self, t);
            },
            [self, t = *transfer](const caf::error& e) { fail_snapshot(self, t, lost_node(self, e)); });
    return answer;
}

caf::behavior remote_worker(remote_ptr self, remote_slot slot, std::shared_ptr<status_board> board) {
    auto& d = self->state;
    d.slot = std::move(slot);
    d.board = std::move(board);
    d.meter.emplace("worker." + d.slot.id, steady_now_s());
    d.board->update(d.meter->snapshot(steady_now_s()));
    self->monitor(d.slot.gate);
    self->set_down_handler([self](caf::down_msg&) { leave(self, caf::exit_reason::remote_link_unreachable); });
    self->set_exit_handler([self](caf::exit_msg& e) { leave(self, std::move(e.reason)); });
    return {
        [self](const load_chain& m) {
            auto answer = self->make_response_promise<chain_loaded>();
            load(self, m, answer);
            return answer;
        },
        [self](const run_job& m) { return run(self, m); },
        [self](const take_snapshot& m) { return snapshot(self, m); },
        [self](const unload_chain& m) {
            self->state.shapes.erase(m.chain);
            self->state.book.on_unload(m.chain);
            self->send(self->state.slot.gate, remote_unload{self->state.slot.device, m.chain.value});
        },
        [self](const field_moved& m) {
            if (m.failed)
                return fail_snapshot(self, m.transfer, *m.failed);
            if (const auto at = self->state.snapshots.find(m.transfer); at != self->state.snapshots.end())
                at->second.moved = true;
            finish_snapshot(self, m.transfer);
        },
        [self](publish_due) { self->state.board->update(self->state.meter->snapshot(steady_now_s())); },
    };
}

} // namespace

caf::actor spawn_remote_worker(caf::local_actor* parent, remote_slot slot, std::shared_ptr<status_board> board) {
    return parent->spawn<caf::monitored>(remote_worker, std::move(slot), std::move(board));
}

stream_source source_of(links_handle links) {
    stream_source s;
    s.length = links->reals().size_bytes();
    s.read = [links = std::move(links)](std::uint64_t offset, std::span<std::byte> out) -> result<void> {
        std::memcpy(out.data(), std::as_bytes(links->reals()).data() + offset, out.size());
        return {};
    };
    return s;
}

stream_sink sink_into(std::shared_ptr<gauge_field> links) {
    stream_sink s;
    s.length_max = links->reals().size_bytes();
    s.store = [links = std::move(links)](std::uint64_t offset, std::span<const std::byte> bytes) -> result<void> {
        std::memcpy(std::as_writable_bytes(links->reals()).data() + offset, bytes.data(), bytes.size());
        return {};
    };
    return s;
}

} // namespace forge
