// SPDX-License-Identifier: AGPL-3.0-only
// Legal topologies by chance.
#pragma once

#include "libactors/flow/topology.hpp"

#include <algorithm>
#include <random>

namespace forge {

/// A valid topology of up to eleven stages, or an empty one where chance gave nothing legal.
inline topology random_topology(std::mt19937& g) {
    const std::vector<std::pair<std::string, std::string>> cast{
        {"hmc0", "hmc_producer"}, {"hmc1", "hmc_producer"}, {"wake", "hmc_on_demand"}, {"therm", "thermalisation_monitor"},
        {"screen", "conductor_screen"}, {"val0", "precision_validator"}, {"val1", "precision_validator"}, {"obs", "observable"},
        {"steer0", "bayesian_steerer"}, {"steer1", "bayesian_steerer"}, {"rec", "recorder"}};
    topology t;
    for (const auto& [id, kind] : cast)
        if (g() % 4 != 0) {
            stage s{id, kind, {}, {}, {}};
            s.config.priority = static_cast<std::uint32_t>(g() % 3);
            s.config.droppable = g() % 4 == 0;
            t.stages.push_back(s);
        }
    for (const auto& from : t.stages)
        for (const auto& to : t.stages) {
            if (g() % 2 == 0 || !match_ports(*find_kind(from.kind), *find_kind(to.kind)))
                continue;
            const auto capacity = 1 + static_cast<std::uint32_t>(g() % 8);
            const auto item = match_ports(*find_kind(from.kind), *find_kind(to.kind))->item;
            const bool has_beta = item != item_type::stop && item != item_type::task;
            const channel kinds[] = {channel::bounded(capacity), channel::unbounded(1000), channel::broadcast(capacity), channel::latest(),
                                     has_beta ? channel::filtered("beta > 5.6", capacity) : channel::latest()};
            t.edges.push_back({from.id, to.id, kinds[g() % 5]});
        }
    for (;;) {
        const auto problems = problems_of(t);
        if (problems.empty())
            return t;
        const auto& p = problems.front();
        if (p.at == topology_problem::place::stage) { // nothing comes in
            const auto id = t.stages[p.index].id;
            t.stages.erase(t.stages.begin() + static_cast<std::ptrdiff_t>(p.index));
            t.edges.erase(std::remove_if(t.edges.begin(), t.edges.end(), [&](const edge& e) { return e.from == id || e.to == id; }), t.edges.end());
        } else { // a cycle
            t.edges.erase(t.edges.begin() + static_cast<std::ptrdiff_t>(g() % t.edges.size()));
        }
    }
}

} // namespace forge
