// SPDX-License-Identifier: AGPL-3.0-only
// A machine that computes for somebody else's campaign, as seen by programs: start, watch, stop. No CAF in sight.
#pragma once

#include "actors/runtime/campaign_runtime.hpp"
#include "libactors/transport/hub.hpp"


namespace forge {

/// A device that the node offers.
struct offered_device {
    device_slot slot;
    std::string name; ///< as the vendor says
    std::uint32_t compute_units = 0;
    bool fp64 = false;
};

struct node_parts {
    hub_options hub;
    allow_list nodes;
    node_address coordinator;
    std::vector<offered_device> devices;
    std::filesystem::path mirrors; ///< folder for copies of runs; empty: it keeps none
};

struct node_status {
    bool connected = false;
    std::size_t chains = 0;          ///< loaded now
    std::uint64_t trajectories = 0;  ///< computed since the start
    std::vector<stage_metrics> stages;
};

/// Owns the actor system, the hub and the links. Reconnects for ever; destroying it says goodbye.
class node_runtime {
public:
    /// @throws failure when the identity or the devices cannot be used.
    explicit node_runtime(node_parts parts);
    ~node_runtime();
    node_runtime(const node_runtime&) = delete;
    node_runtime& operator=(const node_runtime&) = delete;

    [[nodiscard]] node_status status() const;
    /// Asks the coordinator to move the chains elsewhere; status().chains tells when they have gone.
    void drain();
    [[nodiscard]] std::shared_ptr<status_board> board() const { return board_; }

private:
    struct system;
    std::shared_ptr<status_board> board_;
    std::unique_ptr<system> system_;
};

} // namespace forge
