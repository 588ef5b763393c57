// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/flow/reconfigure.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace forge {

namespace {

using action = plan_step::action;

plan_step pause(const std::string& id) { return {action::pause, id, {}, {}, {}}; }
plan_step resume(const std::string& id) { return {action::resume, id, {}, {}, {}}; }
plan_step drain(const edge& e) { return {action::drain, {}, e.from, e.to, {}}; }
plan_step rewire(const topology_change& c) { return {action::rewire, {}, {}, {}, c}; }

bool holds(const edge& e) { return e.via.kind != channel_kind::latest; }

/// `ids` so that the producer of every edge that holds comes before its consumer; by name where nothing orders them.
/// A cycle of such edges has one to a droppable stage and is cut there.
std::vector<std::string> producers_first(const std::set<std::string>& ids, const std::vector<edge>& edges, const topology& t) {
    std::set<std::string> left = ids;
    std::vector<std::string> order;
    while (!left.empty()) {
        const auto first = [&](auto orders) {
            return std::find_if(left.begin(), left.end(), [&](const std::string& id) {
                return std::none_of(edges.begin(), edges.end(), [&](const edge& e) { return orders(e) && e.to == id && e.from != id && left.contains(e.from); });
            });
        };
        auto at = first(holds);
        if (at == left.end())
            at = first([&t](const edge& e) { return can_block(e, t); });
        expects(at != left.end(), "a topology that is reconfigured is valid");
        order.push_back(*at);
        left.erase(at);
    }
    return order;
}

/// Pauses `stages` producers first and drains `edges` on the way.
void stop(std::vector<plan_step>& steps, const std::set<std::string>& stages, const std::vector<edge>& edges, const topology& t) {
    std::set<std::string> stands;
    std::set<std::pair<std::string, std::string>> drained;
    const auto take = [&](const edge& e) {
        if (drained.insert({e.from, e.to}).second)
            steps.push_back(drain(e));
    };
    for (const auto& id : producers_first(stages, edges, t)) {
        for (const auto& e : edges)
            if (e.to == id && holds(e) && stands.contains(e.from))
                take(e);
        steps.push_back(pause(id));
        stands.insert(id);
    }
    for (const auto& e : edges)
        take(e);
}

template <class Item, class Name>
void compare(const std::vector<Item>& before, const std::vector<Item>& after, Name name, std::vector<topology_change>& removed,
             std::vector<topology_change>& changed, std::vector<topology_change>& added, std::optional<Item> topology_change::*was,
             std::optional<Item> topology_change::*is) {
    const auto change = [&](std::optional<Item> a, std::optional<Item> b) {
        topology_change c;
        c.*was = std::move(a);
        c.*is = std::move(b);
        return c;
    };
    const auto in = [&](const std::vector<Item>& all, const Item& x) {
        return std::find_if(all.begin(), all.end(), [&](const Item& y) { return name(x) == name(y); });
    };
    for (const auto& x : before) {
        const auto y = in(after, x);
        if (y == after.end())
            removed.push_back(change(x, std::nullopt));
        else if (!(x == *y))
            changed.push_back(change(x, *y));
    }
    for (const auto& y : after)
        if (in(before, y) == before.end())
            added.push_back(change(std::nullopt, y));
}

} // namespace

std::string topology_change::text() const {
    if (stage_before && stage_after)
        return "change stage " + stage_after->id + ": " + to_text(*stage_before) + " becomes " + to_text(*stage_after);
    if (stage_after)
        return "add " + to_text(*stage_after);
    if (stage_before)
        return "remove stage " + stage_before->id;
    if (edge_before && edge_after)
        return "change " + name_of(*edge_after) + ": " + to_text(edge_before->via) + " becomes " + to_text(edge_after->via);
    if (edge_after)
        return "add " + name_of(*edge_after) + " " + to_text(edge_after->via);
    return edge_before ? "remove " + name_of(*edge_before) : "nothing";
}

std::vector<topology_change> diff(const topology& before, const topology& after) {
    const auto a = before.sorted(), b = after.sorted();
    std::vector<topology_change> stages_gone, stages_changed, stages_new, edges_gone, edges_changed, edges_new;
    compare(a.stages, b.stages, [](const stage& s) { return s.id; }, stages_gone, stages_changed, stages_new, &topology_change::stage_before,
            &topology_change::stage_after);
    compare(a.edges, b.edges, [](const edge& e) { return std::pair(e.from, e.to); }, edges_gone, edges_changed, edges_new,
            &topology_change::edge_before, &topology_change::edge_after);
    std::vector<topology_change> all;
    for (const auto* group : {&edges_gone, &stages_gone, &stages_changed, &stages_new, &edges_changed, &edges_new})
        all.insert(all.end(), group->begin(), group->end());
    return all;
}

topology applied(const topology& t, const topology_change& c) {
    topology next = t;
    if (c.stage_before || c.stage_after) {
        const auto& id = c.stage_before ? c.stage_before->id : c.stage_after->id;
        const auto at = std::find_if(next.stages.begin(), next.stages.end(), [&](const stage& s) { return s.id == id; });
        expects((at != next.stages.end()) == c.stage_before.has_value(), "a change fits its topology");
        if (c.stage_before && c.stage_after)
            *at = *c.stage_after;
        else if (c.stage_before)
            next.stages.erase(at);
        else
            next.stages.push_back(*c.stage_after);
    } else {
        expects(c.edge_before || c.edge_after, "a change changes something");
        const auto& e = c.edge_before ? *c.edge_before : *c.edge_after;
        const auto at = std::find_if(next.edges.begin(), next.edges.end(), [&](const edge& x) { return x.from == e.from && x.to == e.to; });
        expects((at != next.edges.end()) == c.edge_before.has_value(), "a change fits its topology");
        if (c.edge_before && c.edge_after)
            *at = *c.edge_after;
        else if (c.edge_before)
            next.edges.erase(at);
        else
            next.edges.push_back(*c.edge_after);
    }
    return next;
}

std::string plan_step::text() const {
    switch (what) {
    case action::pause: return "pause " + stage_id;
    case action::drain: return "drain " + from + " -> " + to;
    case action::rewire: return "rewire: " + change.text();
    case action::resume: return "resume " + stage_id;
    }
    return "n/a";
}

std::vector<plan_step> reconfiguration_plan(const topology& before, const topology& after) {
    const auto changes = diff(before, after);
    std::set<std::string> stand, go; // paused in `before`, resumed in `after`
    std::vector<edge> old_edges, new_edges;
    const auto touch = [&](const std::string& id) {
        if (before.find_stage(id) != nullptr)
            stand.insert(id);
        if (after.find_stage(id) != nullptr)
            go.insert(id);
    };
    for (const auto& c : changes) {
        for (const auto* s : {&c.stage_before, &c.stage_after})
            if (*s)
                touch((*s)->id);
        for (const auto* e : {&c.edge_before, &c.edge_after})
            if (*e) {
                touch((*e)->from);
                touch((*e)->to);
                (e == &c.edge_before ? old_edges : new_edges).push_back(**e);
            }
    }
    std::vector<plan_step> steps;
    stop(steps, stand, old_edges, before);
    for (const auto& c : changes)
        steps.push_back(rewire(c));
    const auto order = producers_first(go, new_edges, after);
    for (auto id = order.rbegin(); id != order.rend(); ++id)
        steps.push_back(resume(*id));
    return steps;
}

std::vector<plan_step> rollback_plan(const topology& before, const topology& after, std::size_t n_done) {
    const auto plan = reconfiguration_plan(before, after);
    expects(n_done <= plan.size(), "no more steps are done than there are");
    std::set<std::string> went_on;
    std::vector<std::string> paused;
    std::vector<topology_change> changes;
    for (std::size_t k = 0; k < n_done; ++k) {
        if (plan[k].what == action::resume)
            went_on.insert(plan[k].stage_id);
        else if (plan[k].what == action::pause)
            paused.push_back(plan[k].stage_id);
        else if (plan[k].what == action::rewire)
            changes.push_back(plan[k].change);
    }
    std::vector<plan_step> steps;
    std::vector<edge> used; // new edges whose producer went on
    for (const auto& c : changes)
        if (c.edge_after && went_on.contains(c.edge_after->from))
            used.push_back(*c.edge_after);
    stop(steps, went_on, used, after);
    for (auto c = changes.rbegin(); c != changes.rend(); ++c)
        steps.push_back(rewire(c->inverse()));
    for (auto id = paused.rbegin(); id != paused.rend(); ++id)
        steps.push_back(resume(*id));
    return steps;
}

} // namespace forge
