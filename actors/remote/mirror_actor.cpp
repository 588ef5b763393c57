// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/remote/remote_roles.hpp"
#include "actors/roles/roles.hpp"

#include "libactors/base/failpoint.hpp"

#include <fmt/format.h>

#include <cstring>

namespace forge {

namespace {

constexpr std::chrono::minutes keeping_timeout{10}; ///< a node fetches, verifies and syncs one file within this

struct mirror_data {
    static inline const char* name = "mirror";
    std::shared_ptr<const runtime_parts> parts;
    std::shared_ptr<status_board> board;
    std::optional<mirror_sender> core;
    caf::actor recorder, supervisor;
    node_gate gate;
    link_peer peer;
    std::uint64_t visit = 0; ///< counts the node's comings: answers of an earlier one are nobody's
    changes_taken taken;
    std::uint64_t transfer = 0; ///< under way; 0: none
    double begun_s = 0.0;
    mirror_status status;
};

using mirror_ptr = caf::stateful_actor<mirror_data>*;

struct mirror_due { std::uint64_t visit; };

} // namespace

} // namespace forge

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::mirror_due)

namespace forge {

namespace {

void perform(mirror_ptr self, const std::vector<mirror_command>& commands);

void publish(mirror_ptr self) {
    auto& d = self->state;
    switch (d.core->now()) {
    case mirror_sender::phase::no_node:
        d.status.state = "waiting";
        break;
    case mirror_sender::phase::refused:
        d.status.state = "refused";
        break;
    case mirror_sender::phase::waiting:
    case mirror_sender::phase::settled:
        d.status.state = d.status.problem.empty() && d.status.rounds > 0 ? "current" : "waiting";
        break;
    default:
        d.status.state = "copying";
    }
    d.status.node = d.core->node();
    d.board->update(d.status);
}

/// The copy on this disk was only made to travel.
void drop_copy(mirror_ptr self) {
    auto& t = self->state.taken;
    std::error_code ignored;
    if (!t.copy.empty())
        std::filesystem::remove(t.copy, ignored);
    t = {};
}

void forget_transfer(mirror_ptr self) {
    auto& d = self->state;
    if (d.transfer != 0)
        d.parts->cluster->transfers().withdraw(d.transfer);
    d.transfer = 0;
}

void failed(mirror_ptr self, const error& why) {
    auto& d = self->state;
    forget_transfer(self);
    drop_copy(self);
    if (d.status.problem != why.what) // the same words once are enough
        d.board->notice(fmt::format("mirror on {}: {}", d.peer.name, to_text(why)));
    d.status.problem = why.what;
    perform(self, d.core->on_failed(why));
}

/// Counts a finished round. @return what the core wants next.
void kept(mirror_ptr self) {
    auto& d = self->state;
    forget_transfer(self);
    const auto before = d.core->rounds();
    const auto next = d.core->on_kept();
    if (d.core->rounds() > before) {
        FORGE_FAILPOINT("mirror.acknowledged");
        if (d.status.rounds == 0 || !d.status.problem.empty())
            d.board->notice(fmt::format("mirror: node {} holds a verified copy of the ledger and of what is sealed", d.peer.name));
        d.status.rounds = d.core->rounds();
        d.status.current_s = d.begun_s;
        d.status.sealed = d.taken.sealed;
        d.status.problem.clear();
        drop_copy(self);
    }
    perform(self, next);
}

/// Asks the node, and takes its answer only during the same visit.
template <class Answer, class Message, class Use>
void ask(mirror_ptr self, Message m, Use use) {
    self->request(self->state.gate, keeping_timeout, std::move(m))
        .then(
            [self, visit = self->state.visit, use](const Answer& a) {
                if (visit != self->state.visit)
                    return;
                if (const auto why = from_remote(a.failed))
                    return failed(self, *why);
                use(a);
            },
            [self, visit = self->state.visit](const caf::error& e) {
                if (visit == self->state.visit)
                    failed(self, {errc::unreachable, "the node does not answer: " + self->system().render(e), self->state.peer.name, "forge node list"});
            });
}

/// @return false when it was not begun; the round has failed then.
bool serve(mirror_ptr self, stream_source source) {
    auto& d = self->state;
    const auto transfer = d.parts->cluster->transfers().serve(d.peer, std::move(source), {}, [](const result<stream_report>&) {});
    if (!transfer)
        return failed(self, transfer.reason()), false;
    d.transfer = *transfer;
    return true;
}

stream_source source_of(std::shared_ptr<const mapped_file> file) {
    stream_source s;
    s.length = file->bytes().size();
    s.read = [file = std::move(file)](std::uint64_t offset, std::span<std::byte> out) -> result<void> {
        std::memcpy(out.data(), file->bytes().data() + offset, out.size());
        return {};
    };
    return s;
}

void execute(mirror_ptr self, ask_holding_command) {
    auto& d = self->state;
    self->request(d.recorder, recorder_timeout, describe_run{})
        .then(
            [self, visit = d.visit](const run_described& r) {
                if (visit != self->state.visit)
                    return;
                if (r.failed)
                    return failed(self, *r.failed);
                remote_mirror_offer offer{r.offer.name, r.offer.seed, to_hex(r.offer.config_hash), r.offer.n_chains, r.offer.lineage, epoch_words(r.offer.epochs)};
                FORGE_FAILPOINT("mirror.asked");
                ask<remote_mirror_held>(self, std::move(offer), [self](const remote_mirror_held& held) {
                    std::set<digest> files;
                    for (const auto& hex : held.files)
                        files.insert(digest_from_hex(hex));
                    perform(self, self->state.core->on_holding(std::move(files)));
                });
            },
            [self](const caf::error& e) { failed(self, {errc::internal, "the recorder: " + self->system().render(e), "mirror", ""}); });
}

void execute(mirror_ptr self, take_changes_command c) {
    auto& d = self->state;
    d.begun_s = steady_now_s();
    self->request(d.recorder, recorder_timeout, take_changes{c.whole})
        .then(
            [self, visit = d.visit](const changes_taken& t) {
                auto& s = self->state;
                s.taken = t;
                if (visit != s.visit) // what was noted is lost with this: the next round is a whole copy
                    return drop_copy(self);
                if (t.failed)
                    return failed(self, *t.failed);
                std::vector<digest> files;
                for (const auto& p : t.parts)
                    files.push_back(p.hash);
                const auto before = s.core->rounds();
                const auto next = s.core->on_taken(std::move(files), !t.changes || !t.changes->empty());
                if (s.core->rounds() > before) // nothing had changed
                    s.status.current_s = s.begun_s;
                perform(self, next);
            },
            [self](const caf::error& e) { failed(self, {errc::internal, "the recorder: " + self->system().render(e), "mirror", ""}); });
}

void execute(mirror_ptr self, send_file_command c) {
    auto& d = self->state;
    const auto part = d.taken.parts.at(c.index);
    if (!serve(self, source_of(part.bytes)))
        return;
    FORGE_FAILPOINT("mirror.before_file");
    ask<remote_mirror_kept>(self, remote_mirror_file{part.name, to_hex(part.hash), part.bytes->bytes().size(), d.transfer},
                            [self](const remote_mirror_kept&) { kept(self); });
}

void execute(mirror_ptr self, send_ledger_command) {
    auto& d = self->state;
    remote_mirror_ledger m;
    m.whole = !d.taken.changes;
    if (m.whole) {
        auto copy = mapped_file::open(d.taken.copy);
        if (!copy)
            return failed(self, copy.reason());
        m.hash = to_hex(sha256_of(copy->bytes()));
        m.bytes = copy->bytes().size();
        if (!serve(self, source_of(std::make_shared<const mapped_file>(std::move(copy).value()))))
            return;
    } else {
        m.hash = to_hex(sha256_of(*d.taken.changes));
        m.bytes = d.taken.changes->size();
        if (!serve(self, memory_source(d.taken.changes)))
            return;
    }
    m.transfer = d.transfer;
    m.after_hash = to_hex(d.taken.after.hash);
    m.after_epochs = epoch_words(d.taken.after.epochs);
    m.after_events = d.taken.after.events;
    FORGE_FAILPOINT("mirror.before_ledger");
    ask<remote_mirror_kept>(self, std::move(m), [self](const remote_mirror_kept&) { kept(self); });
}

void execute(mirror_ptr self, wait_command c) {
    self->delayed_send(self, std::chrono::microseconds(static_cast<std::int64_t>(c.seconds * 1e6)), mirror_due{self->state.visit});
}

void execute(mirror_ptr self, settled_command) {
    auto& d = self->state;
    if (d.supervisor)
        self->send(d.supervisor, mirror_settled{});
}

void perform(mirror_ptr self, const std::vector<mirror_command>& commands) {
    for (const auto& command : commands)
        std::visit([self](const auto& c) { execute(self, c); }, command);
    publish(self);
}

void on_node(mirror_ptr self, const node_came& m) {
    auto& d = self->state;
    if (!d.core->wants(m.peer.name, m.keeps_mirror))
        return;
    if (d.gate)
        self->demonitor(d.gate.address());
    forget_transfer(self);
    drop_copy(self);
    d.gate = m.gate;
    d.peer = m.peer;
    ++d.visit;
    self->monitor(d.gate);
    perform(self, d.core->on_node(m.peer.name));
}

caf::behavior mirror(mirror_ptr self, std::shared_ptr<const runtime_parts> parts, caf::actor recorder, std::shared_ptr<status_board> board) {
    auto& d = self->state;
    d.parts = std::move(parts);
    d.recorder = std::move(recorder);
    d.board = std::move(board);
    d.core.emplace(d.parts->plan.mirror, d.parts->plan.mirror_interval_s);
    d.status.wanted = d.parts->plan.mirror;
    publish(self);
    self->set_down_handler([self](caf::down_msg& m) {
        auto& s = self->state;
        if (!s.gate || s.gate.address() != m.source)
            return;
        ++s.visit;
        s.gate = nullptr;
        s.core->on_node_gone();
        forget_transfer(self);
        drop_copy(self);
        s.status.problem = "node " + s.peer.name + " is away";
        publish(self);
    });
    self->set_exit_handler([self](caf::exit_msg& m) {
        if (m.source && m.source.node() != self->node())
            return; // a peer does not end us
        forget_transfer(self);
        drop_copy(self);
        self->quit(m.reason);
    });
    return {
        [self](const node_came& m) { on_node(self, m); },
        [self](const mirror_due& m) {
            if (m.visit == self->state.visit)
                perform(self, self->state.core->on_due());
        },
        [self](finish_mirror) {
            auto& s = self->state;
            s.supervisor = caf::actor_cast<caf::actor>(self->current_sender());
            perform(self, s.core->finish());
        },
    };
}

} // namespace

caf::actor spawn_mirror(caf::local_actor* parent, std::shared_ptr<const runtime_parts> parts, caf::actor recorder, std::shared_ptr<status_board> board) {
    return parent->spawn<caf::monitored>(mirror, std::move(parts), std::move(recorder), std::move(board));
}

} // namespace forge
