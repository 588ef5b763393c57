// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/campaign_topology.hpp"

namespace forge {

topology campaign_topology(const campaign& plan, const std::vector<std::string>& devices) {
    auto t = scan_topology(devices, plan.n_chains, plan.edge_capacity);
    const auto chain_of = [](std::uint32_t c) { return "chain." + to_text(chain_id{c}); };
    if (plan.conductor.mode != conductor_mode::off) {
        t.stages.push_back({"conductor", "conductor", {}, {}, {}});
        t.edges.push_back({"conductor", "steerer", channel::latest()});
        for (std::uint32_t c = 0; c < plan.n_chains; ++c) {
            t.edges.push_back({chain_of(c), "conductor", channel::bounded(1)});
            t.edges.push_back({"conductor", chain_of(c), channel::latest()});
        }
    }
    if (!plan.validation.when.empty()) {
        stage_config config;
        config.droppable = plan.validation.droppable;
        t.stages.push_back({"validator", "precision_validator", plan.validation.device.empty() ? devices.back() : plan.validation.device, {}, config});
        t.edges.push_back({"validator", "recorder", channel::bounded(edge_capacity_max)});
        for (std::uint32_t c = 0; c < plan.n_chains; ++c)
            t.edges.push_back({chain_of(c), "validator", channel::filtered(plan.validation.when, plan.validation.capacity)});
    }
    return t;
}

} // namespace forge
