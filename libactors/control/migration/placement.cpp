// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/migration/placement.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace forge::migration {

namespace {

/// Why the device cannot take the chain; empty: it can.
std::string obstacle(const node_offer& n, const device_offer& d, const chain_needs& needs) {
    const auto name = n.node.value + "/" + d.id;
    if (!n.up)
        return fmt::format("node {} is down", n.node.value);
    if (n.draining)
        return fmt::format("node {} is being drained", n.node.value);
    if (!d.enabled)
        return fmt::format("device {} is disabled", name);
    if (needs.fp64 && !d.fp64)
        return fmt::format("device {} has no fp64", name);
    if (d.free_bytes < needs.bytes)
        return fmt::format("device {} has {} bytes free, the chain needs {}", name, d.free_bytes, needs.bytes);
    return {};
}

std::string text(const place& p) { return p.device.empty() ? p.node.value : p.node.value + "/" + p.device; }

} // namespace

placement judge_placement(const place& wish, const std::optional<place>& current, const chain_needs& needs,
                          const std::vector<node_offer>& table) {
    placement out;
    if (current && current->node == wish.node && (wish.device.empty() || wish.device == current->device)) {
        out.kind = placement_kind::same_place;
        out.where = *current;
        out.reason = fmt::format("the chain is on {} already; nothing to do", text(*current));
        return out;
    }
    struct fit {
        place where;
        std::uint64_t free_bytes;
    };
    std::vector<fit> fits;
    for (const auto& n : table)
        for (const auto& d : n.devices)
            if (obstacle(n, d, needs).empty() && !(current && current->node == n.node && current->device == d.id))
                fits.push_back({{n.node, d.id}, d.free_bytes});
    std::stable_sort(fits.begin(), fits.end(), [](const fit& a, const fit& b) { return a.free_bytes > b.free_bytes; });
    const auto wanted = std::find_if(fits.begin(), fits.end(), [&](const fit& f) {
        return f.where.node == wish.node && (wish.device.empty() || f.where.device == wish.device);
    });
    if (wanted != fits.end()) {
        out.kind = placement_kind::possible;
        out.where = wanted->where;
        return out;
    }
    for (const auto& f : fits)
        out.alternatives.push_back(f.where);
    const auto node = std::find_if(table.begin(), table.end(), [&](const auto& n) { return n.node == wish.node; });
    if (node == table.end()) {
        out.reason = fmt::format("there is no node {}", wish.node.value);
        return out;
    }
    for (const auto& d : node->devices)
        if (wish.device.empty() || d.id == wish.device)
            out.reason += (out.reason.empty() ? "" : "; ") + obstacle(*node, d, needs);
    if (out.reason.empty())
        out.reason = wish.device.empty() ? fmt::format("node {} offers no device", wish.node.value)
                                         : fmt::format("there is no device {}", text(wish));
    return out;
}

} // namespace forge::migration
