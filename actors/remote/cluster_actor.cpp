// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/remote/link_scribe.hpp"
#include "actors/remote/node_middleman.hpp"
#include "actors/remote/remote_roles.hpp"

#include <caf/io/basp_broker.hpp>
#include <fmt/format.h>

namespace forge {

namespace {

constexpr std::uint16_t gate_key = 1; ///< BASP's table of published actors wants a number; nothing listens there
constexpr int attach_tries = 100;
constexpr std::chrono::milliseconds attach_pause{20};

struct cluster_data {
    static inline const char* name = "cluster";
    caf::actor basp, supervisor;
    std::shared_ptr<status_board> board;
    std::map<std::string, std::shared_ptr<link>> links; ///< by peer name
};

using cluster_ptr = caf::stateful_actor<cluster_data>*;

/// The link of that node; null: there is none.
const std::shared_ptr<link>* link_of(cluster_ptr self, const caf::node_id& node) {
    for (const auto& [name, l] : self->state.links)
        if (caf_node_id_of(l->peer().node_id) == node)
            return &l;
    return nullptr;
}

void attach(cluster_ptr self, const std::shared_ptr<link>& l, int tries) {
    attach_link(self, self->state.basp, l, caf::actor_cast<caf::strong_actor_ptr>(self), self->system().message_types<coordinator_gate>(), {}, {}, tries);
}

caf::behavior cluster(cluster_ptr self, caf::actor basp, caf::actor supervisor, std::shared_ptr<status_board> board) {
    self->state.basp = std::move(basp);
    self->state.supervisor = std::move(supervisor);
    self->state.board = std::move(board);
    self->set_exit_handler([self](caf::exit_msg& m) {
        if (m.source && m.source.node() != self->node())
            return; // a peer does not end us
        for (const auto& [name, l] : self->state.links)
            l->bye();
        self->quit(m.reason);
    });
    return {
        [self](const link_came& m) {
            self->state.links[m.l->peer().name] = m.l;
            attach(self, m.l, 0);
        },
        [self](const attach_again& m) {
            const auto known = self->state.links.find(m.l->peer().name);
            if (known != self->state.links.end() && known->second == m.l)
                attach(self, m.l, m.tries);
        },
        [self](const link_went& m) {
            auto& d = self->state;
            const auto known = d.links.find(m.peer.name);
            if (known == d.links.end() || known->second->peer().incarnation != m.peer.incarnation)
                return; // an older link of a node that is back already
            d.links.erase(known);
            d.board->notice(fmt::format("node {} is gone: {}", m.peer.name, m.why));
        },
        [self](const remote_hi& m) {
            auto& d = self->state;
            const auto* l = m.gate ? link_of(self, m.gate->node()) : nullptr;
            if (l != nullptr)
                self->send(d.supervisor, node_came{(*l)->peer(), caf::actor_cast<node_gate>(m.gate), m.devices, m.keeps_mirror});
            else
                d.board->notice("a node introduced itself without a link; it is ignored");
        },
        [self](const remote_late& m) { return self->delegate(self->state.supervisor, m); },
        [self](const remote_drain&) {
            const auto sender = self->current_sender();
            if (const auto* l = sender ? link_of(self, sender->node()) : nullptr; l != nullptr)
                self->send(self->state.supervisor, node_drains{(*l)->peer().name});
        },
    };
}

} // namespace

void attach_link(caf::event_based_actor* self, const caf::actor& basp, const std::shared_ptr<link>& l, const caf::strong_actor_ptr& own,
                 const std::set<std::string>& own_interface, const std::set<std::string>& wanted_interface,
                 std::function<void(const link_peer&, const caf::strong_actor_ptr&)> found, int tries) {
    const auto node = caf_node_id_of(l->peer().node_id);
    const auto lost = [l](const caf::error&) { l->close("BASP does not answer"); };
    // BASP forgets an older connection of the same node behind its own queue: ask until it has.
    self->request(basp, basp_timeout, caf::get_atom::value, node)
        .then(
            [=](const caf::node_id&, const std::string& address, std::uint16_t) {
                if (!address.empty()) {
                    if (tries >= attach_tries)
                        return l->close("its node id is in use by another connection");
                    self->delayed_send(self, attach_pause, attach_again{l, tries + 1});
                    return;
                }
                auto scribe = make_link_scribe(self->system(), l, l->peer().dialled, node);
                if (!l->peer().dialled) {
                    self->send(basp, caf::publish_atom::value, std::move(scribe), gate_key, own, own_interface);
                    return;
                }
                self->request(basp, basp_timeout, caf::connect_atom::value, std::move(scribe), gate_key)
                    .then(
                        [=](const caf::node_id&, caf::strong_actor_ptr& gate, std::set<std::string>& interface) {
                            if (!gate || !self->system().assignable(interface, wanted_interface))
                                return l->close("it publishes no gate, or another one: are both programs of the same version?");
                            found(l->peer(), gate);
                        },
                        lost);
            },
            lost);
}

caf::actor spawn_cluster(caf::actor_system& system, caf::actor basp, caf::actor supervisor, std::shared_ptr<status_board> board) {
    return system.spawn(cluster, std::move(basp), std::move(supervisor), std::move(board));
}

} // namespace forge
