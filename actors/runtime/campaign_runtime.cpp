// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/runtime/campaign_runtime.hpp"

#include "actors/remote/node_middleman.hpp"
#include "actors/remote/remote_roles.hpp"
#include "actors/roles/roles.hpp"

#include <caf/io/basp_broker.hpp>

#include <future>
#include <thread>

namespace forge {

namespace {

/// A node that has just joined dials at once: its certificate must count by then.
class prompt_desk final : public join_desk {
public:
    prompt_desk(std::shared_ptr<join_desk> inner, std::weak_ptr<hub> links) : inner_(std::move(inner)), links_(std::move(links)) {}
    bool open() override { return inner_->open(); }
    result<join_grant> admit(const join_ask& ask, std::span<const std::uint8_t> binding) override {
        auto grant = inner_->admit(ask, binding);
        if (const auto links = links_.lock(); links && grant)
            links->set_allow_list(grant->nodes);
        return grant;
    }

private:
    std::shared_ptr<join_desk> inner_;
    std::weak_ptr<hub> links_;
};

std::shared_ptr<hub> start_hub(const cluster_parts& setup, const std::shared_future<caf::actor>& gate) {
    hub_events events;
    events.on_up = [gate](std::shared_ptr<link> l) { caf::anon_send(gate.get(), link_came{std::move(l)}); };
    events.on_down = [gate](const link_peer& peer, const std::string& why) { caf::anon_send(gate.get(), link_went{peer, why}); };
    std::shared_ptr<hub> links = hub::start(setup.identity, setup.nodes, std::move(events)).or_throw();
    if (setup.desk)
        links->set_join_desk(std::make_shared<prompt_desk>(setup.desk, links));
    return links;
}

} // namespace

struct campaign_runtime::system {
    std::shared_ptr<hub> links; ///< after the actor system: scribes hold links
    std::unique_ptr<caf::actor_system_config> config;
    std::unique_ptr<caf::actor_system> actors;
    caf::actor supervisor;
    caf::actor cluster; ///< none without a cluster
    caf::actor watcher; ///< held here: an actor that nobody refers to is destroyed

    explicit system(const std::optional<cluster_parts>& cluster_setup) {
        config = cluster_setup ? std::make_unique<cluster_config>(cluster_setup->identity.node_id) : std::make_unique<caf::actor_system_config>();
        // A shared job queue: answers in tens of microseconds and no idle polling, which would take cycles from the
        // device workers of a CPU. Throughput between actors is not what limits a campaign.
        config->set("scheduler.policy", caf::atom("sharing"));
    }
};

campaign_runtime::campaign_runtime(runtime_parts parts) : board_(std::make_shared<status_board>()), system_(std::make_unique<system>(parts.cluster_setup)) {
    if (parts.precision.empty())
        parts.precision.resize(parts.plan.n_chains);
    expects(parts.precision.size() == parts.plan.n_chains && !parts.devices.empty() && parts.book && parts.store && !parts.seed.empty(), "a campaign has devices, ledger, store and seed");
    validate(parts.shape).or_throw();
    system_->actors = std::make_unique<caf::actor_system>(*system_->config);
    const auto gate = std::make_shared<std::promise<caf::actor>>(); // the hub's events wait until their receiver is there
    std::optional<cluster_parts> setup = parts.cluster_setup;
    if (setup) {
        parts.cluster = start_hub(*setup, gate->get_future().share());
        port_ = parts.cluster->listen(setup->address, setup->port).or_throw(); // before any actor that would have to be ended
    }
    system_->links = parts.cluster;
    system_->supervisor = spawn_supervisor(*system_->actors, std::make_shared<const runtime_parts>(std::move(parts)), board_);
    if (setup) {
        auto basp = system_->actors->middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP"));
        system_->cluster = spawn_cluster(*system_->actors, std::move(basp), system_->supervisor, board_);
        gate->set_value(system_->cluster);
    }
    // Watches the root: when it ends, for whatever reason, the campaign is over.
    auto* board = board_.get();
    system_->watcher = system_->actors->spawn([board, root = system_->supervisor, alive = board_](caf::event_based_actor* self) -> caf::behavior {
        self->monitor(root);
        self->set_down_handler([self, board](caf::down_msg& m) {
            if (m.reason && m.reason != caf::exit_reason::normal)
                board->notice("the supervisor ended: " + self->system().render(m.reason));
            board->set_over();
            self->quit();
        });
        return {[](stop_campaign) {}};
    });
}

campaign_runtime::~campaign_runtime() {
    request_stop();
    wait();
}

void campaign_runtime::request_stop() {
    if (system_->supervisor)
        caf::anon_send(system_->supervisor, stop_campaign{});
}

result<operation_report> campaign_runtime::operate(const operation_request& request) {
    constexpr std::chrono::seconds patience{5}; // the supervisor never works long
    if (board_->snapshot().over)
        return error{errc::interrupted, "the campaign is over", request.object, "forge run starts it again"};
    caf::scoped_actor self(*system_->actors);
    result<operation_report> answer = error{errc::interrupted, "the supervisor does not answer", request.object, "forge op show " + request.id + " tells whether it was done"};
    self->request(system_->supervisor, patience, forge::operate{request})
        .receive([&](const operation_report& r) { answer = r; }, [](const caf::error&) {});
    return answer;
}

void campaign_runtime::set_allow_list(const allow_list& nodes) {
    if (system_->links)
        system_->links->set_allow_list(nodes);
}

void campaign_runtime::wait() {
    auto& s = *system_;
    if (s.cluster && s.actors) { // goodbye to the nodes once the campaign itself has ended
        while (!board_->snapshot().over)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        caf::anon_send_exit(s.cluster, caf::exit_reason::user_shutdown);
        caf::scoped_actor self(*s.actors);
        self->wait_for(s.cluster);
        s.links->stop(); // no callback comes after this
    }
    s.cluster = nullptr;
    s.supervisor = nullptr;
    s.watcher = nullptr;
    if (s.actors)
        s.actors->await_all_actors_done();
}

} // namespace forge
