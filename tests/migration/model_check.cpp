// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/migration/model_check.hpp"

#include "tests/migration/model_steps.hpp"

#include <algorithm>
#include <ctime>
#include <deque>

namespace forge::model {

namespace {

struct budget {
    std::uint8_t crashes = 0, disturbances = 0, asked = 0; ///< asked: operations requested so far
    [[nodiscard]] bool covers(const budget& o) const { return crashes >= o.crashes && disturbances >= o.disturbances; }
};

struct visit {
    world w;
    budget left;
    std::uint32_t number = 0;
    std::uint32_t depth = 0;
};

/// Which states were met, with which budgets. With less left, a state can do nothing new.
class met_states {
public:
    met_states() : table_(1u << 16) {}
    /// @return the number of a state that covers this one; `number` when it is new.
    std::uint32_t meet(const state_code& c, const budget& b, std::uint32_t number) {
        if (3 * (used_ + 1) > 2 * table_.size())
            grow();
        std::size_t at = c.a & (table_.size() - 1);
        for (; table_[at].used; at = (at + 1) & (table_.size() - 1))
            if (table_[at].a == c.a && table_[at].b == c.b && table_[at].left.covers(b))
                return table_[at].number;
        table_[at] = {c.a, c.b, b, true, number};
        ++used_;
        return number;
    }

private:
    struct entry {
        std::uint64_t a = 0, b = 0;
        budget left;
        bool used = false;
        std::uint32_t number = 0;
    };
    void grow() {
        std::vector<entry> old(2 * table_.size());
        old.swap(table_);
        for (const auto& e : old) {
            if (!e.used)
                continue;
            std::size_t at = e.a & (table_.size() - 1);
            while (table_[at].used)
                at = (at + 1) & (table_.size() - 1);
            table_[at] = e;
        }
    }
    std::vector<entry> table_;
    std::size_t used_ = 0;
};

/// The recorder's next message is answered to nobody: a report is logged, or the question for a segment goes on to the steerer.
bool next_record_is_quiet(const world& w) {
    if (!w.boss || w.boss->inbox.empty() || !w.boss->batch.empty())
        return false;
    const auto& i = w.boss->inbox.front();
    if (i.what == record_item::kind::log)
        return true;
    const auto& segments = w.books[i.chain.value]->segments;
    return i.what == record_item::kind::find_segment && i.ordinal < w.given->plan.size() &&
           std::none_of(segments.begin(), segments.end(), [&i](const auto& s) { return s.live && s.opened.first_trajectory == i.first; });
}

class explorer {
public:
    explorer(const model_bounds& bounds, flaw planted) : bounds_(bounds) {
        given_.plan = bounds.plan;
        given_.planted = planted;
    }

    model_result run();

private:
    [[nodiscard]] visit start() const {
        visit v;
        v.w = begun(given_);
        v.left.crashes = static_cast<std::uint8_t>(bounds_.crashes);
        v.left.disturbances = static_cast<std::uint8_t>(bounds_.disturbances);
        return v;
    }
    void actions(const visit& v);
    bool one_for_all(const visit& v);
    /// @return durable writes.
    unsigned take(visit& v, const action& a) const;
    void trace_to(std::uint32_t at, const action* last);
    void liveness();

    const model_bounds& bounds_;
    settings given_;
    model_result r_;
    struct origin {
        std::uint32_t parent;
        action by;
    };
    std::vector<origin> origins_;
    std::vector<bool> well_;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> fair_edges_; ///< (to, from)
    std::vector<action> todo_, all_;
};

/// Puts a step that commutes with all others into `todo_`, if there is one: every way through it may begin with it.
bool explorer::one_for_all(const visit& v) {
    if (const auto at = std::find_if(all_.begin(), all_.end(), [](const action& a) { return moment_is_hidden(a.what); }); at != all_.end()) {
        todo_.push_back(*at);
        return true;
    }
    if (!next_record_is_quiet(v.w))
        return false;
    for (const auto& a : all_) // it commutes with everything but the coordinator's death
        if (a.what == act::record || (a.what == act::crash_coordinator && v.left.crashes > 0))
            todo_.push_back(a);
    return true;
}

void explorer::actions(const visit& v) {
    const auto& left = v.left;
    todo_.clear();
    collect(v.w, left.crashes + left.disturbances > 0 || (v.w.boss && !v.w.boss->batch.empty()), all_);
    if (!bounds_.every_moment && one_for_all(v))
        return;
    if (v.w.boss && !v.w.boss->over) {
        if (left.asked < bounds_.operations.size())
            todo_.push_back({act::request, left.asked, 0, crash_kind::process});
        if (left.disturbances > 0)
            for (std::uint8_t k = 0; k < left.asked; ++k)
                todo_.push_back({act::request_again, k, 0, crash_kind::process});
    }
    for (const auto& a : all_) {
        switch (a.what) {
        case act::crash_node:
        case act::crash_coordinator:
            if (left.crashes > 0)
                todo_.push_back(a);
            break;
        case act::cut:
        case act::cut_late:
        case act::work_refused:
        case act::row_refused:
            if (left.disturbances > 0)
                todo_.push_back(a);
            break;
        case act::flush_refused: // storage that refused may go on refusing
            if (left.disturbances > 0 || !v.w.boss->batch.empty())
                todo_.push_back(a);
            break;
        case act::seal_due:
            if (bounds_.timed_seals)
                todo_.push_back(a);
            break;
        default: todo_.push_back(a);
        }
    }
    // The last one is looked into first when the search goes deep: calm ways before troubled ones, so that states are met
    // with as much trouble left as possible.
    std::stable_partition(todo_.begin(), todo_.end(), [](const action& a) { return !fair(a.what); });
}

unsigned explorer::take(visit& v, const action& a) const {
    const operation_request* asked = nullptr;
    switch (a.what) {
    case act::request:
        asked = &bounds_.operations[v.left.asked++];
        break;
    case act::request_again:
        asked = &bounds_.operations[a.index];
        --v.left.disturbances;
        break;
    case act::crash_node:
    case act::crash_coordinator: --v.left.crashes; break;
    case act::cut:
    case act::cut_late:
    case act::work_refused:
    case act::row_refused: --v.left.disturbances; break;
    case act::flush_refused: v.left.disturbances -= v.w.boss->batch.empty(); break;
    default: break;
    }
    if (a.fuse > 0)
        --v.left.crashes;
    return apply(v.w, a, 0.0, asked);
}

void explorer::trace_to(std::uint32_t at, const action* last) {
    std::vector<action> path;
    if (last != nullptr)
        path.push_back(*last);
    for (; at != 0; at = origins_[at].parent)
        path.push_back(origins_[at].by);
    std::reverse(path.begin(), path.end());
    auto v = start();
    for (const auto& a : path) {
        r_.trace.push_back(words(v.w, a));
        static_cast<void>(take(v, a));
    }
}

model_result explorer::run() {
    const auto began = std::clock();
    met_states met;
    std::deque<visit> frontier;
    const auto code = [](const visit& v) {
        auto c = code_of(v.w);
        c.put(v.left.asked);
        return c;
    };
    frontier.push_back(start());
    static_cast<void>(met.meet(code(frontier.front()), frontier.front().left, 0));
    origins_.push_back({0, {}});
    well_.push_back(well(frontier.front().w));
    while (!frontier.empty() && r_.violation.empty() && origins_.size() < bounds_.states_max) {
        auto v = std::move(bounds_.breadth_first ? frontier.front() : frontier.back());
        bounds_.breadth_first ? frontier.pop_front() : frontier.pop_back();
        actions(v);
        for (std::size_t k = 0; k < todo_.size(); ++k) {
            const auto a = todo_[k];
            visit next = v;
            const auto stores = take(next, a);
            ++r_.transitions;
            // Also with the coordinator dying in the middle: after each durable write but the last, which any crash follows.
            if (a.fuse == 0 && stores > 1 && next.left.crashes > 0)
                for (unsigned s = 1; s < stores; ++s)
                    for (const auto kind : {crash_kind::process, crash_kind::names_lost, crash_kind::data_torn})
                        todo_.push_back({a.what, a.index, static_cast<std::uint8_t>(s), kind});
            r_.violation = broken_invariant(next.w);
            if (!r_.violation.empty()) {
                trace_to(v.number, &a);
                break;
            }
            next.number = static_cast<std::uint32_t>(origins_.size());
            const auto number = met.meet(code(next), next.left, next.number);
            if (fair(a.what) && a.fuse == 0 && number != v.number)
                fair_edges_.emplace_back(number, v.number);
            if (number != next.number)
                continue;
            next.depth = v.depth + 1;
            r_.depth = std::max<std::size_t>(r_.depth, next.depth);
            origins_.push_back({v.number, a});
            well_.push_back(well(next.w));
            frontier.push_back(std::move(next));
        }
    }
    r_.states = origins_.size();
    r_.complete = frontier.empty() && r_.violation.empty();
    if (r_.complete)
        liveness();
    r_.seconds = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
    return std::move(r_);
}

/// From every state a fair behaviour must lead to one in which all is well.
void explorer::liveness() {
    std::sort(fair_edges_.begin(), fair_edges_.end());
    auto good = well_;
    std::vector<std::uint32_t> work;
    for (std::uint32_t s = 0; s < well_.size(); ++s)
        if (well_[s])
            work.push_back(s);
    r_.ended = work.size();
    while (!work.empty()) {
        const auto s = work.back();
        work.pop_back();
        for (auto e = std::lower_bound(fair_edges_.begin(), fair_edges_.end(), std::pair{s, 0u}); e != fair_edges_.end() && e->first == s; ++e)
            if (!good[e->second]) {
                good[e->second] = true;
                work.push_back(e->second);
            }
    }
    for (std::uint32_t s = 0; s < good.size(); ++s)
        if (!good[s] && ++r_.stuck == 1)
            trace_to(s, nullptr);
}

} // namespace

model_result check_model(const model_bounds& bounds, flaw planted) { return explorer(bounds, planted).run(); }

} // namespace forge::model
