// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/remote/node_actor.hpp"

#include "libactors/base/failpoint.hpp"

#include "actors/remote/node_middleman.hpp"
#include "actors/roles/roles.hpp"

#include <caf/io/basp_broker.hpp>
#include <fmt/format.h>

#include <set>

namespace forge {

namespace {

// ---- gate -> mover
struct fetch_links { std::uint64_t transfer; extents shape; };
struct push_links { std::uint64_t transfer; links_handle links; };
struct links_fetched { links_handle links; std::optional<error> failed; };
struct links_pushed { std::uint64_t bytes; std::optional<error> failed; };

} // namespace

} // namespace forge

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::fetch_links)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::push_links)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::links_fetched)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::links_pushed)

namespace forge {

namespace {

constexpr std::chrono::seconds late_timeout{30};
constexpr std::size_t uncertain_max = 64;
constexpr std::uint64_t links_max = std::uint64_t{1} << 29; ///< of a lattice that a message may name: 8 times a 64^4

/// Waits for the network so that the gate need not (detached).
caf::behavior mover(caf::event_based_actor*, std::shared_ptr<hub> links, node_address coordinator) {
    return {
        [links, coordinator](const fetch_links& m) -> links_fetched {
            auto field = std::make_shared<gauge_field>(m.shape);
            stream_progress progress;
            const auto done = links->fetch(coordinator, m.transfer, sink_into(field), progress);
            if (!done)
                return {nullptr, done.reason()};
            if (done->length != field->reals().size_bytes())
                return {nullptr, error{errc::malformed, fmt::format("{} bytes came for a lattice of {}", done->length, to_text(m.shape)), "data stream", "are both programs of the same version?"}};
            return {std::move(field), std::nullopt};
        },
        [links, coordinator](const push_links& m) -> links_pushed {
            const auto done = links->push(coordinator, m.transfer, source_of(m.links));
            return done ? links_pushed{done->length, std::nullopt} : links_pushed{0, done.reason()};
        },
    };
}

struct node_data {
    static inline const char* name = "node";
    caf::actor basp, mover;
    caf::actor keeper; ///< none without a folder for copies
    std::shared_ptr<const node_parts> parts;
    std::shared_ptr<status_board> board;
    std::map<std::string, caf::actor> workers; ///< by device
    std::set<std::pair<std::string, std::uint32_t>> chains; ///< (device, chain) that are loaded
    std::map<std::uint32_t, remote_late> newest; ///< of each chain that is loaded: what was computed last
    std::vector<remote_late> uncertain; ///< computed, and the link was gone before anybody could say that it counts
    std::shared_ptr<link> coordinator;
    coordinator_gate gate; ///< of the coordinator; none while it is away
    std::uint64_t trajectories = 0;
};

using node_ptr = caf::stateful_actor<node_data>*;

error no_device(const std::string& id) { return {errc::device_unavailable, "this node has no device " + id, "node", "forge node list"}; }

/// What was under way when the link went: the coordinator says what became of it, and so do we.
void ask_late(node_ptr self) {
    for (const auto& late : std::exchange(self->state.uncertain, {}))
        self->request(self->state.gate, late_timeout, late)
            .then(
                [self](const remote_late_refused& r) {
                    if (const auto why = from_remote(r.why))
                        self->state.board->notice("refused: " + to_text(*why));
                },
                [](const caf::error&) {}); // the link went again; the ledger knows
}

void attach(node_ptr self, const std::shared_ptr<link>& l, int tries) {
    attach_link(self, self->state.basp, l, nullptr, {}, self->system().message_types<coordinator_gate>(),
        [self](const link_peer& peer, const caf::strong_actor_ptr& gate) {
            remote_hi hi{caf::actor_cast<caf::strong_actor_ptr>(self), {}, static_cast<bool>(self->state.keeper)};
            for (const auto& d : self->state.parts->devices)
                hi.devices.push_back({d.slot.id, d.name, d.slot.memory_bytes, d.compute_units, d.fp64});
            self->state.gate = caf::actor_cast<coordinator_gate>(gate);
            self->send(self->state.gate, std::move(hi));
            self->state.board->notice("joined the campaign of " + peer.name);
            ask_late(self);
        }, tries);
}

void drop_everything(node_ptr self) {
    auto& d = self->state;
    for (const auto& [device, chain] : d.chains)
        self->send(d.workers.at(device), unload_chain{chain_id{chain}});
    d.chains.clear();
    for (const auto& [chain, late] : std::exchange(d.newest, {}))
        if (late.trajectory > 0 && d.uncertain.size() < uncertain_max)
            d.uncertain.push_back(late);
    d.board->set_chains_loaded(0);
}

caf::typed_response_promise<remote_loaded> load(node_ptr self, const remote_load& m) {
    auto& d = self->state;
    auto answer = self->make_response_promise<remote_loaded>();
    auto refuse = [answer](const error& e) mutable { answer.deliver(remote_loaded{0, 0, "", "", to_remote(e)}); };
    const auto worker = d.workers.find(m.device);
    extents shape;
    arithmetic resumed;
    arithmetic planned;
    if (worker == d.workers.end())
        return refuse(no_device(m.device)), answer;
    bool sound = m.extents.size() == 4 && read_arithmetics(m.arithmetics, resumed, planned);
    std::uint64_t links = n_directions;
    for (std::size_t mu = 0; sound && mu < 4; ++mu) {
        shape.n[mu] = m.extents[mu];
        links *= m.extents[mu];
        sound = m.extents[mu] > 0 && m.extents[mu] <= 4096 && links <= links_max;
    }
    if (!sound)
        return refuse({errc::malformed, "a request to load that makes no sense", "node", "are both programs of the same version?"}), answer;
    FORGE_FAILPOINT("node.before_load");
    const auto take = [=](links_handle field, const std::optional<state_hash>& expected) {
        self->request(self->state.workers.at(m.device), worker_timeout,
                      load_chain{chain_id{m.chain}, epoch_no{m.epoch}, m.key, std::move(field), resumed, planned, expected})
            .then(
                [=](const chain_loaded& c) mutable {
                    FORGE_FAILPOINT("node.loaded");
                    auto& s = self->state;
                    if (!c.failed) {
                        s.chains.insert({m.device, m.chain});
                        s.newest[m.chain] = {m.chain, m.epoch, 0};
                        s.board->set_chains_loaded(s.chains.size());
                    }
                    answer.deliver(remote_loaded{c.state.a, c.state.b, c.bits_class, c.kernel_hash, to_remote(c.failed), c.device_s});
                },
                [=](const caf::error& e) mutable { refuse({errc::device_failed, "the device worker: " + self->system().render(e), m.device, ""}); });
    };
    if (m.expected.size() == 2) {
        take(nullptr, state_hash{m.expected[0], m.expected[1]});
        return answer;
    }
    self->request(d.mover, caf::infinite, fetch_links{m.transfer, shape})
        .then(
            [=](const links_fetched& f) mutable {
                if (f.failed)
                    return refuse(*f.failed);
                FORGE_FAILPOINT("node.fetched");
                take(f.links, std::nullopt);
            },
            [=](const caf::error& e) mutable { refuse({errc::internal, "the mover: " + self->system().render(e), "node", ""}); });
    return answer;
}

caf::typed_response_promise<remote_done> run(node_ptr self, const remote_job& m) {
    auto& d = self->state;
    auto answer = self->make_response_promise<remote_done>();
    auto refuse = [answer](const error& e) mutable { answer.deliver(remote_done{{}, 0, 0, 0, to_remote(e)}); };
    run_command job{m.trajectory, segment_no{m.segment}, {}, m.test};
    if (!d.chains.contains({m.device, m.chain}))
        return refuse({errc::device_failed, "this node does not hold the chain (any more)", m.device, ""}), answer;
    if (!read_params(m.params, job.params))
        return refuse({errc::malformed, "a request to run that makes no sense", "node", "are both programs of the same version?"}), answer;
    FORGE_FAILPOINT("node.before_job");
    self->request(d.workers.at(m.device), worker_timeout, run_job{chain_id{m.chain}, job, m.look})
        .then(
            [=](const job_done& done) mutable {
                FORGE_FAILPOINT("node.job_done");
                auto& s = self->state;
                s.board->set_trajectories(++s.trajectories);
                if (const auto at = s.newest.find(m.chain); at != s.newest.end())
                    at->second.trajectory = m.trajectory;
                else // the link went while this was computed
                    for (auto& late : s.uncertain)
                        if (late.chain == m.chain)
                            late.trajectory = std::max(late.trajectory, m.trajectory);
                answer.deliver(remote_done{observed_words(done.observed), done.state.a, done.state.b, std::bit_cast<std::uint64_t>(done.seconds), to_remote(done.failed), middle_words(done.middle)});
            },
            [=](const caf::error& e) mutable { refuse({errc::device_failed, "the device worker: " + self->system().render(e), m.device, ""}); });
    return answer;
}

caf::typed_response_promise<remote_snapshot_sent> snapshot(node_ptr self, const remote_snapshot& m) {
    auto& d = self->state;
    auto answer = self->make_response_promise<remote_snapshot_sent>();
    auto refuse = [answer](const error& e) mutable { answer.deliver(remote_snapshot_sent{0, to_remote(e)}); };
    if (!d.chains.contains({m.device, m.chain}))
        return refuse({errc::device_failed, "this node does not hold the chain (any more)", m.device, ""}), answer;
    FORGE_FAILPOINT("node.before_snapshot");
    self->request(d.workers.at(m.device), worker_timeout, take_snapshot{chain_id{m.chain}})
        .then(
            [=](const snapshot_taken& taken) mutable {
                if (taken.failed)
                    return refuse(*taken.failed);
                FORGE_FAILPOINT("node.before_push");
                self->request(self->state.mover, caf::infinite, push_links{m.transfer, taken.links})
                    .then([=, device_s = taken.device_s](const links_pushed& p) mutable { FORGE_FAILPOINT("node.pushed"); answer.deliver(remote_snapshot_sent{p.bytes, to_remote(p.failed), device_s}); },
                          [=](const caf::error& e) mutable { refuse({errc::internal, "the mover: " + self->system().render(e), "node", ""}); });
            },
            [=](const caf::error& e) mutable { refuse({errc::device_failed, "the device worker: " + self->system().render(e), m.device, ""}); });
    return answer;
}

/// The keeper's answer, or why there is none.
template <class Answer, class Message>
caf::typed_response_promise<Answer> to_keeper(node_ptr self, const Message& m) {
    auto answer = self->make_response_promise<Answer>();
    auto refuse = [answer](const error& e) mutable {
        Answer a;
        a.failed = to_remote(e);
        answer.deliver(std::move(a));
    };
    if (!self->state.keeper) {
        refuse({errc::unsupported, "this node keeps no copies", "node", "forge node start without --no-mirror"});
        return answer;
    }
    self->request(self->state.keeper, caf::infinite, m)
        .then([answer](const Answer& a) mutable { answer.deliver(a); },
              [self, refuse](const caf::error& e) mutable { refuse({errc::internal, "the keeper: " + self->system().render(e), "node", ""}); });
    return answer;
}

caf::behavior node(node_ptr self, caf::actor basp, std::shared_ptr<const node_parts> parts, std::shared_ptr<hub> links, std::shared_ptr<status_board> board) {
    auto& d = self->state;
    d.basp = std::move(basp);
    d.parts = std::move(parts);
    d.board = std::move(board);
    d.mover = self->spawn<caf::detached + caf::linked>(mover, links, d.parts->coordinator);
    if (!d.parts->mirrors.empty())
        d.keeper = spawn_keeper(self, std::move(links), d.parts->coordinator, d.parts->mirrors, d.board);
    for (const auto& device : d.parts->devices)
        d.workers[device.slot.id] = spawn_worker(self, device.slot, d.board);
    self->set_exit_handler([self](caf::exit_msg& m) {
        if (m.source && m.source.node() != self->node())
            return; // a peer does not end us
        auto& s = self->state;
        if (s.coordinator)
            s.coordinator->bye();
        for (const auto& [id, worker] : s.workers)
            self->send_exit(worker, caf::exit_reason::user_shutdown);
        self->send_exit(s.mover, caf::exit_reason::user_shutdown);
        if (s.keeper)
            self->send_exit(s.keeper, caf::exit_reason::user_shutdown);
        self->quit(m.reason);
    });
    self->set_down_handler([self](caf::down_msg& m) {
        auto& s = self->state;
        if (s.keeper && s.keeper.address() == m.source) {
            s.board->notice("the keeper of copies ended (" + self->system().render(m.reason) + "): this node keeps none until it is started again");
            s.keeper = nullptr;
            return;
        }
        for (auto& [id, worker] : s.workers)
            if (worker.address() == m.source) {
                s.board->notice("the worker of " + id + " ended (" + self->system().render(m.reason) + ") and is started again; its chains are lost here");
                for (const auto& offered : s.parts->devices)
                    if (offered.slot.id == id)
                        worker = spawn_worker(self, offered.slot, s.board);
                std::erase_if(s.chains, [&id = id](const auto& c) { return c.first == id; });
            }
    });
    return {
        [self](const link_came& m) {
            self->state.coordinator = m.l;
            attach(self, m.l, 0);
        },
        [self](const attach_again& m) {
            if (self->state.coordinator == m.l)
                attach(self, m.l, m.tries);
        },
        [self](const link_went& m) {
            auto& s = self->state;
            if (!s.coordinator || s.coordinator->peer().incarnation != m.peer.incarnation)
                return;
            s.coordinator = nullptr;
            s.gate = nullptr;
            s.board->notice(fmt::format("lost the coordinator {}: {}; {} chain{} dropped, their trajectories since the last seal are computed again", m.peer.name, m.why,
                                        s.chains.size(), s.chains.size() == 1 ? " is" : "s are"));
            drop_everything(self);
        },
        [self](node_drain) {
            if (self->state.gate)
                self->send(self->state.gate, remote_drain{});
        },
        [self](const remote_load& m) { return load(self, m); },
        [self](const remote_job& m) { return run(self, m); },
        [self](const remote_snapshot& m) { return snapshot(self, m); },
        [self](const remote_mirror_offer& m) { return to_keeper<remote_mirror_held>(self, m); },
        [self](const remote_mirror_file& m) { return to_keeper<remote_mirror_kept>(self, m); },
        [self](const remote_mirror_ledger& m) { return to_keeper<remote_mirror_kept>(self, m); },
        [self](const remote_mirror_list& m) { return to_keeper<remote_mirror_listing>(self, m); },
        [self](const remote_mirror_send& m) { return to_keeper<remote_mirror_kept>(self, m); },
        [self](const remote_unload& m) {
            auto& s = self->state;
            if (s.chains.erase({m.device, m.chain}) > 0)
                self->send(s.workers.at(m.device), unload_chain{chain_id{m.chain}});
            s.newest.erase(m.chain);
            s.board->set_chains_loaded(s.chains.size());
        },
    };
}

} // namespace

caf::actor spawn_node(caf::actor_system& system, caf::actor basp, std::shared_ptr<const node_parts> parts, std::shared_ptr<hub> links,
                      std::shared_ptr<status_board> board) {
    return system.spawn(node, std::move(basp), std::move(parts), std::move(links), std::move(board));
}

} // namespace forge
