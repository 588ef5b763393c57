// SPDX-License-Identifier: AGPL-3.0-only
// A running campaign as seen by programs: start, watch, stop. No CAF in sight.
#pragma once

#include "actors/runtime/status_board.hpp"
#include "libactors/checkpoint/checkpoint_store.hpp"
#include "libactors/control/campaign.hpp"
#include "libactors/control/conductor/reservoir_stepper.hpp"
#include "libactors/control/conductor/trained_model.hpp"
#include "libactors/control/operations/operation.hpp"
#include "libactors/engine/lattice_engine.hpp"
#include "libactors/flow/topology.hpp"
#include "libactors/ledger/ledger.hpp"
#include "libactors/transport/hub.hpp"
#include "libactors/transport/join.hpp"

#include <functional>
#include <memory>

namespace forge {

/// Makes the engine of one device; called on the thread that will use it, and again when a worker restarts.
using engine_factory = std::function<result<std::unique_ptr<lattice_engine>>()>;

struct device_slot {
    std::string id;
    engine_factory make;
    std::uint64_t memory_bytes = 0; ///< 0: unknown
    std::string name{};             ///< as the vendor says; empty: unknown
};

/// How other machines reach this campaign.
struct cluster_parts {
    hub_options identity;
    allow_list nodes;
    std::string address = "0.0.0.0"; ///< to listen on, numeric
    std::uint16_t port = 0;          ///< 0: any free one
    std::shared_ptr<join_desk> desk; ///< may be empty: nobody can join
};

/// Everything that main() has put together.
struct runtime_parts {
    campaign plan;
    std::vector<arithmetic> precision; ///< of each chain
    std::string seed; ///< the campaign's, never empty
    topology shape;   ///< stages and edges; capacities are taken from here
    std::vector<device_slot> devices;
    std::shared_ptr<forge::ledger> book;
    std::shared_ptr<checkpoint_store> store;
    std::function<result<gauge_field>(chain_id)> start_links; ///< configuration before trajectory 1
    std::string provenance;
    std::vector<operation_report> past_operations; ///< of earlier processes of this campaign, oldest first
    std::function<std::string(const operation_report&)> encode_operation; ///< for the ledger's event; may be empty
    std::shared_ptr<const conductor_model> model; ///< of the conductor; may be empty: it has heuristics only
    std::string model_name; ///< as people know it
    std::shared_ptr<reservoir_stepper> model_device; ///< runs its reservoirs, on the conductor's thread alone; empty: software
    std::function<result<void>(const conductor_model&)> save_model; ///< what the model has learnt from this campaign; may be empty
    std::optional<cluster_parts> cluster_setup; ///< unset: this process alone
    std::shared_ptr<hub> cluster;               ///< filled by campaign_runtime
};

/// Owns the actor system. Destroying it waits for the actors; call request_stop first unless it is over.
class campaign_runtime {
public:
    explicit campaign_runtime(runtime_parts parts);
    ~campaign_runtime();
    campaign_runtime(const campaign_runtime&) = delete;
    campaign_runtime& operator=(const campaign_runtime&) = delete;

    [[nodiscard]] run_status status() const { return board_->snapshot(); }
    [[nodiscard]] std::shared_ptr<status_board> board() const { return board_; }
    /// Every chain finishes its trajectory, seals and stops. Repeating it changes nothing.
    void request_stop();
    /// Begins an operation on a chain or a device; what becomes of it is in status().operations.
    /// Thread-safe. @return errc::interrupted when the campaign is over or does not answer in time.
    [[nodiscard]] result<operation_report> operate(const operation_request& request);
    /// Where nodes reach this campaign; unset without a cluster.
    [[nodiscard]] std::optional<std::uint16_t> port() const { return port_; }
    /// From now on this list counts; links of nodes that it does not admit are cut.
    void set_allow_list(const allow_list& nodes);
    /// Blocks until every actor has ended.
    void wait();

private:
    struct system;
    std::shared_ptr<status_board> board_;
    std::unique_ptr<system> system_;
    std::optional<std::uint16_t> port_;
};

} // namespace forge
