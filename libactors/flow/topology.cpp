// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/flow/topology.hpp"

#include <algorithm>

namespace forge {

const char* name_of(channel_kind k) {
    switch (k) {
    case channel_kind::bounded: return "bounded";
    case channel_kind::unbounded: return "unbounded";
    case channel_kind::broadcast: return "broadcast";
    case channel_kind::filtered: return "filtered";
    case channel_kind::latest: return "latest";
    }
    return "n/a";
}

std::string name_of(const edge& e) { return "edge " + e.from + " -> " + e.to; }

topology topology::sorted() const {
    topology t = *this;
    std::stable_sort(t.stages.begin(), t.stages.end(), [](const stage& a, const stage& b) { return a.id < b.id; });
    for (auto& s : t.stages)
        std::sort(s.needs.begin(), s.needs.end());
    std::stable_sort(t.edges.begin(), t.edges.end(),
                     [](const edge& a, const edge& b) { return std::tie(a.from, a.to) < std::tie(b.from, b.to); });
    return t;
}

bool operator==(const topology& a, const topology& b) {
    const auto x = a.sorted(), y = b.sorted();
    return x.stages == y.stages && x.edges == y.edges;
}

const edge& topology::find_edge(const std::string& from, const std::string& to) const {
    for (const auto& e : edges)
        if (e.from == from && e.to == to)
            return e;
    throw contract_broken("topology has no edge " + from + " -> " + to);
}

const stage* topology::find_stage(std::string_view id) const {
    for (const auto& s : stages)
        if (s.id == id)
            return &s;
    return nullptr;
}

bool can_block(const edge& e, const topology& t) {
    const stage* to = t.find_stage(e.to);
    return e.via.kind != channel_kind::latest && !(to != nullptr && to->config.droppable);
}

std::vector<std::string> node_view::default_heads() {
    // The heads of the conductor (libactors/learn), and the spread of its answer.
    return {"anomaly", "beta_priority", "cg_estimate", "deconfinement", "next_run", "parameter_suggestion", "phase", "quality",
            "quenched_length", "quenched_thermalisation", "rejection", "thermalisation", "uncertainty"};
}

std::string to_text(const stage& s) {
    std::string text = "stage " + s.id + " kind=" + s.kind;
    if (!s.device.empty())
        text += " device=" + s.device;
    auto needs = s.needs;
    std::sort(needs.begin(), needs.end());
    for (const auto& n : needs)
        text += " needs=" + to_text(n);
    if (s.config.buffer_depth)
        text += " buffer_depth=" + std::to_string(*s.config.buffer_depth);
    if (s.config.droppable)
        text += " droppable";
    if (s.config.power_budget_mw)
        text += " power_budget_mw=" + std::to_string(*s.config.power_budget_mw);
    if (s.config.priority != 0)
        text += " priority=" + std::to_string(s.config.priority);
    return text;
}

std::string to_text(const channel& c) {
    switch (c.kind) {
    case channel_kind::latest: return "latest";
    case channel_kind::filtered: return "filtered " + std::to_string(c.capacity) + " \"" + c.predicate + "\"";
    default: return std::string(name_of(c.kind)) + " " + std::to_string(c.capacity);
    }
}

std::string to_text(const topology& t) {
    const auto s = t.sorted();
    std::string text = "topology 1\n";
    for (const auto& each : s.stages)
        text += to_text(each) + "\n";
    for (const auto& e : s.edges) {
        auto via = e.via;
        const stage *from = s.find_stage(e.from), *to = s.find_stage(e.to);
        const auto *a = from ? find_kind(from->kind) : nullptr, *b = to ? find_kind(to->kind) : nullptr;
        if (via.kind == channel_kind::filtered && a && b)
            if (const auto match = match_ports(*a, *b))
                if (const auto p = predicate::parse(via.predicate, schema_of(match->item, node_view::default_heads())))
                    via.predicate = p->text();
        text += name_of(e) + " " + to_text(via) + "\n";
    }
    return text;
}

digest hash_of(const topology& t) { return sha256_of(std::string_view(to_text(t))); }

topology scan_topology(const std::vector<std::string>& devices, std::uint32_t n_chains, std::uint32_t capacity) {
    topology t;
    for (const auto& d : devices)
        t.stages.push_back({"worker." + d, "device_worker", d, {}, {}});
    t.stages.push_back({"steerer", "steerer", {}, {}, {}});
    t.stages.push_back({"recorder", "recorder", {}, {}, {}});
    for (std::uint32_t c = 0; c < n_chains; ++c) {
        const std::string chain = "chain.c" + std::to_string(c);
        t.stages.push_back({chain, "chain", {}, {}, {}});
        t.edges.push_back({chain, "worker." + devices[c % devices.size()], channel::latest()});
        t.edges.push_back({chain, "recorder", channel::bounded(capacity)});
        t.edges.push_back({"steerer", chain, channel::latest()});
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
