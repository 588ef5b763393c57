// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/runtime/campaign_runtime.hpp"

#include "actors/roles/roles.hpp"

namespace forge {

struct campaign_runtime::system {
    caf::actor_system_config config;
    std::unique_ptr<caf::actor_system> actors;
    caf::actor supervisor;
    caf::actor watcher; ///< held here: an actor that nobody refers to is destroyed

    system() {
        // A shared job queue: answers in tens of microseconds and no idle polling, which would take cycles from the
        // device workers of a CPU. Throughput between actors is not what limits a campaign.
        config.set("scheduler.policy", caf::atom("sharing"));
    }
};

campaign_runtime::campaign_runtime(runtime_parts parts) : board_(std::make_shared<status_board>()), system_(std::make_unique<system>()) {
    if (parts.precision.empty())
        parts.precision.resize(parts.plan.n_chains);
    expects(parts.precision.size() == parts.plan.n_chains && !parts.devices.empty() && parts.book && parts.store && !parts.seed.empty(), "a campaign has devices, ledger, store and seed");
    validate(parts.shape).or_throw();
    system_->actors = std::make_unique<caf::actor_system>(system_->config);
    system_->supervisor = spawn_supervisor(*system_->actors, std::make_shared<const runtime_parts>(std::move(parts)), board_);
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

void campaign_runtime::wait() {
    system_->supervisor = nullptr;
    system_->watcher = nullptr;
    if (system_->actors)
        system_->actors->await_all_actors_done();
}

} // namespace forge
