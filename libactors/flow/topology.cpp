// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/flow/topology.hpp"

#include <functional>
#include <map>
#include <set>

namespace forge {

const edge& topology::find_edge(const std::string& from, const std::string& to) const {
    for (const auto& e : edges)
        if (e.from == from && e.to == to)
            return e;
    throw contract_broken("topology has no edge " + from + " -> " + to);
}

result<void> validate(const topology& t) {
    std::string problems;
    const auto problem = [&problems](const std::string& text) { problems += (problems.empty() ? "" : "; ") + text; };
    std::set<std::string> ids;
    for (const auto& s : t.stages)
        if (!ids.insert(s.id).second)
            problem("stage " + s.id + " is declared twice");
    std::map<std::string, std::vector<std::string>> blocking;
    for (const auto& e : t.edges) {
        const std::string name = "edge " + e.from + " -> " + e.to;
        for (const auto& end : {e.from, e.to})
            if (!ids.contains(end))
                problem(name + ": there is no stage " + end);
        if (e.capacity < 1 || e.capacity > edge_capacity_max)
            problem(name + ": capacity " + std::to_string(e.capacity) + " is not in 1..." + std::to_string(edge_capacity_max));
        if (e.kind == channel_kind::bounded)
            blocking[e.from].push_back(e.to);
    }
    std::set<std::string> done;
    std::set<std::string> open;
    const std::function<void(const std::string&)> visit = [&](const std::string& id) {
        if (done.contains(id))
            return;
        if (!open.insert(id).second) {
            problem("a cycle of edges that all block goes through " + id);
            return;
        }
        for (const auto& next : blocking[id])
            visit(next);
        open.erase(id);
        done.insert(id);
    };
    for (const auto& s : t.stages)
        visit(s.id);
    if (problems.empty())
        return {};
    return error{errc::invalid_argument, problems, "topology", "every cycle needs one edge that cannot block (latest)"};
}

topology scan_topology(const std::vector<std::string>& devices, std::uint32_t n_chains, std::uint32_t capacity) {
    topology t;
    for (const auto& d : devices)
        t.stages.push_back({"worker." + d, "device_worker"});
    t.stages.push_back({"steerer", "steerer"});
    t.stages.push_back({"recorder", "recorder"});
    for (std::uint32_t c = 0; c < n_chains; ++c) {
        const std::string chain = "chain.c" + std::to_string(c);
        t.stages.push_back({chain, "chain"});
        t.edges.push_back({chain, "worker." + devices[c % devices.size()], channel_kind::latest, 1});
        t.edges.push_back({chain, "recorder", channel_kind::bounded, capacity});
        t.edges.push_back({"steerer", chain, channel_kind::latest, 1});
    }
    return t;
}

void credit_account::sent() {
    expects(credit_ > 0, "a bounded edge sends only against credit");
    --credit_;
}

void credit_account::granted(std::uint32_t n) {
    expects(n <= in_flight(), "a consumer grants only what it took");
    credit_ += n;
}

} // namespace forge
