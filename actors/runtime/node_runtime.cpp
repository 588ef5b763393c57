// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/runtime/node_runtime.hpp"

#include "actors/remote/node_actor.hpp"
#include "actors/remote/node_middleman.hpp"

#include <caf/io/basp_broker.hpp>

namespace forge {

struct node_runtime::system {
    // Order of ends: the actor system goes first; scribes hold links, so the hub goes after it.
    std::shared_ptr<hub> links;
    cluster_config config;
    std::unique_ptr<caf::actor_system> actors;
    caf::actor node;

    explicit system(const node_key& key) : config(key) { config.set("scheduler.policy", caf::atom("sharing")); }
};

node_runtime::node_runtime(node_parts parts) : board_(std::make_shared<status_board>()) {
    system_ = std::make_unique<system>(parts.hub.node_id);
    auto& s = *system_;
    s.actors = std::make_unique<caf::actor_system>(s.config);
    // The hub's events may come before the node's actor is there: they go through a box that is filled once.
    const auto box = std::make_shared<std::promise<caf::actor>>();
    const auto gate = box->get_future().share();
    auto* board = board_.get();
    hub_events events;
    events.on_up = [gate, board](std::shared_ptr<link> l) {
        board->set_connected(true);
        caf::anon_send(gate.get(), link_came{std::move(l)});
    };
    events.on_down = [gate, board](const link_peer& peer, const std::string& why) {
        board->set_connected(false);
        caf::anon_send(gate.get(), link_went{peer, why});
    };
    events.on_dial_failed = [board, last = std::make_shared<std::string>()](dial_id, const error& e) {
        if (auto text = to_text(e); text != *last) { // the dialler goes on; the same words once are enough
            board->notice("cannot reach the coordinator: " + text);
            *last = std::move(text);
        }
    };
    auto started = hub::start(parts.hub, parts.nodes, std::move(events));
    if (!started) {
        box->set_value(nullptr);
        throw failure(started.reason());
    }
    s.links = std::move(started).value();
    auto basp = s.actors->middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP"));
    const auto shared = std::make_shared<const node_parts>(std::move(parts));
    s.node = spawn_node(*s.actors, std::move(basp), shared, s.links, board_);
    box->set_value(s.node);
    s.links->dial(shared->coordinator);
}

node_runtime::~node_runtime() {
    auto& s = *system_;
    caf::anon_send_exit(s.node, caf::exit_reason::user_shutdown);
    {
        caf::scoped_actor self(*s.actors);
        self->wait_for(s.node); // it says goodbye
    }
    s.links->stop(); // after this no callback comes
    s.node = nullptr;
    s.actors.reset();
}

void node_runtime::drain() { caf::anon_send(system_->node, node_drain{}); }

node_status node_runtime::status() const {
    const auto r = board_->snapshot();
    return {r.connected, r.chains_loaded, r.trajectories, r.stages};
}

} // namespace forge
