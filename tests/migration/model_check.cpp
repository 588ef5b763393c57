// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/migration/model_check.hpp"
#include "tests/migration/model_steps.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <unordered_map>

namespace forge::migration::testing {

namespace {

using namespace model;

struct code_hash {
    std::size_t operator()(const state_code& c) const { return c.a; }
};

} // namespace

model_result check_model(const model_bounds& bounds, protocol_flaw flaw) {
    const auto began = std::chrono::steady_clock::now();
    const explorer x(bounds, flaw);
    model_result r;
    struct origin {
        std::uint32_t parent;
        action by;
    };
    // Per state of the cluster the budgets with which it was met. With less left, a state can do nothing new.
    std::unordered_map<state_code, std::vector<std::pair<budget, std::uint32_t>>, code_hash> seen;
    std::vector<origin> origins;
    std::vector<bool> live, asked;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> fair_edges; // (to, from)
    std::deque<world> frontier;
    std::vector<std::uint32_t> depth;

    /// @return the number of the state, and whether it is new.
    const auto meet = [&](const world& w) -> std::pair<std::uint32_t, bool> {
        auto c = code_of(w.c);
        c.word(w.left.asked);
        auto b = w.left;
        b.calm = w.c.calm;
        auto& met = seen[c];
        for (const auto& [other, index] : met)
            if (other.covers(b))
                return {index, false};
        met.emplace_back(b, static_cast<std::uint32_t>(origins.size()));
        return {met.back().second, true};
    };
    const auto note = [&](const world& w) {
        const bool beyond = w.c.rows.at(the_chain).row.epoch.value >= bounds.epochs; // not looked into
        live.push_back(beyond || w.c.runs(the_chain));
        asked.push_back(!beyond);
    };
    const auto trace_to = [&](std::uint32_t at, std::optional<action> last) {
        std::vector<action> path;
        if (last)
            path.push_back(*last);
        for (; at != 0; at = origins[at].parent)
            path.push_back(origins[at].by);
        std::reverse(path.begin(), path.end());
        auto w = x.start();
        for (const auto& a : path) {
            r.trace.push_back(x.words(w, a));
            static_cast<void>(x.apply(w, a));
        }
    };

    frontier.push_back(x.start());
    static_cast<void>(meet(frontier.front()));
    origins.push_back({0, {}});
    depth.push_back(0);
    note(frontier.front());
    std::vector<action> todo;
    std::uint32_t at = 0;
    for (; !frontier.empty() && r.violation.empty() && origins.size() < bounds.states_max; ++at) {
        const world w = std::move(frontier.front());
        frontier.pop_front();
        if (w.c.rows.at(the_chain).row.epoch.value >= bounds.epochs)
            continue;
        x.actions(w, todo);
        for (std::size_t k = 0; k < todo.size(); ++k) {
            const auto a = todo[k];
            world next = w;
            const auto stores = x.apply(next, a);
            ++r.transitions;
            // Also with the coordinator dying after each of its stores, before what it would have said.
            if (a.crash_after == 0 && stores > 0 && next.left.crashes > 0 && next.c.boss && a.what != act::boss_restart)
                for (std::size_t s = 1; s <= stores; ++s)
                    todo.push_back({a.what, a.index, static_cast<std::uint8_t>(s)});
            const auto [number, fresh] = meet(next);
            if (fair(a) && number != at)
                fair_edges.emplace_back(number, at);
            if (!fresh)
                continue;
            origins.push_back({at, a});
            depth.push_back(depth[at] + 1);
            note(next);
            r.violation = next.c.violation();
            if (!r.violation.empty()) {
                trace_to(at, a);
                break;
            }
            frontier.push_back(std::move(next));
        }
    }
    r.states = origins.size();
    r.depth = depth.back();
    r.complete = frontier.empty() && r.violation.empty();
    if (!r.complete && r.violation.empty())
        trace_to(static_cast<std::uint32_t>(origins.size() - 1), std::nullopt);
    if (r.complete) {
        std::sort(fair_edges.begin(), fair_edges.end());
        std::vector<bool> good(live);
        std::deque<std::uint32_t> work;
        for (std::uint32_t s = 0; s < live.size(); ++s)
            if (live[s])
                work.push_back(s);
        while (!work.empty()) {
            const auto s = work.front();
            work.pop_front();
            for (auto e = std::lower_bound(fair_edges.begin(), fair_edges.end(), std::pair{s, 0u}); e != fair_edges.end() && e->first == s; ++e)
                if (!good[e->second]) {
                    good[e->second] = true;
                    work.push_back(e->second);
                }
        }
        for (std::uint32_t s = 0; s < live.size(); ++s) {
            r.lively += asked[s];
            if (asked[s] && !good[s] && ++r.stuck == 1)
                trace_to(s, std::nullopt);
        }
    }
    r.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    return r;
}

} // namespace forge::migration::testing
