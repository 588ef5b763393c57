// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/migration/takeover.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace forge::migration {

std::optional<takeover_choice> choose_takeover(const chain_ownership& row, const std::vector<node_name>& live) {
    std::optional<takeover_choice> best;
    const auto better = [&](std::uint64_t trajectory, const node_name& node) {
        if (!best || trajectory != best->trajectory)
            return !best || trajectory > best->trajectory;
        return row.owner && row.owner->node == node && best->to.node != node;
    };
    for (const auto& node : live) {
        const auto* held = row.newest_on(node);
        if (!held && row.sealed.trajectory > 0)
            continue;
        const auto trajectory = held ? held->ref.at.trajectory : 0;
        if (!better(trajectory, node))
            continue;
        takeover_choice c;
        c.to = row.owner && row.owner->node == node ? *row.owner : place{node, ""};
        c.trajectory = trajectory;
        if (held)
            c.from = held->ref.file;
        best = c;
    }
    return best;
}

void takeover_policy::on_alive(const node_name& node, double now_s) {
    const auto [at, fresh] = until_.emplace(node, now_s + lease_.ttl_s);
    if (!fresh)
        at->second = std::max(at->second, now_s + lease_.ttl_s);
    suspects_.erase(node);
}

bool takeover_policy::suspect(const node_name& node) const { return suspects_.contains(node); }

std::vector<node_name> takeover_policy::expired(double now_s) {
    std::vector<node_name> out;
    for (const auto& [node, until] : until_)
        if (now_s >= until)
            out.push_back(node);
    for (const auto& node : out)
        on_lost(node);
    return out;
}

void takeover_policy::on_lost(const node_name& node) {
    until_.erase(node);
    suspects_.erase(node);
}

bool takeover_policy::live(const node_name& node) const { return until_.contains(node); }

std::vector<node_name> takeover_policy::live_nodes() const {
    std::vector<node_name> out;
    for (const auto& [node, until] : until_)
        out.push_back(node);
    return out;
}

std::string takeover_policy::on_restart(chain_id chain, double now_s) {
    auto& times = restarts_[chain];
    while (!times.empty() && now_s - times.front() > bound_.window_s)
        times.pop_front();
    if (times.size() >= bound_.restarts_max)
        return fmt::format("restarted {} times within {:.0f} s; start it again with forge chain resume", times.size(), bound_.window_s);
    times.push_back(now_s);
    return {};
}

} // namespace forge::migration
