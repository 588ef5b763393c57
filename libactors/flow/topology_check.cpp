// SPDX-License-Identifier: AGPL-3.0-only
// problems_of: every fault of a topology with its place.
#include "libactors/base/nearest_word.hpp"
#include "libactors/flow/topology.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace forge {

namespace {

using place = topology_problem::place;

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known, const std::string& what) {
    const auto near = word.size() > 64 ? "" : nearest_word(word, known);
    if (!near.empty())
        return "did you mean " + near + "?";
    std::string list;
    for (const auto& k : known)
        list += (list.empty() ? "" : ", ") + k;
    return what + (list.empty() ? "there are none" : list);
}

std::string joined(const std::vector<capability>& all) {
    std::string list;
    for (const auto& c : all)
        list += (list.empty() ? "" : ", ") + to_text(c);
    return list;
}

bool is_id(const std::string& id) {
    return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' || c == ':';
    });
}

class check {
public:
    check(const topology& t, const node_view& node) : t_(t), node_(node) {}

    std::vector<topology_problem> run() {
        if (t_.stages.size() > stages_max || t_.edges.size() > edges_max) {
            note(place::whole, 0, "", std::to_string(t_.stages.size()) + " stages and " + std::to_string(t_.edges.size()) + " edges are more than " +
                 std::to_string(stages_max) + " and " + std::to_string(edges_max), "split it over several campaigns");
            return std::move(found_);
        }
        for (std::size_t i = 0; i < t_.stages.size(); ++i)
            check_stage(i);
        for (std::size_t i = 0; i < t_.edges.size(); ++i)
            check_edge(i);
        check_bound();
        check_depths();
        check_cycles();
        check_power();
        return std::move(found_);
    }

private:
    void note(place at, std::size_t index, const std::string& field, const std::string& what, const std::string& hint) {
        const std::string name = at == place::stage ? "stage " + t_.stages[index].id + ": "
                                 : at == place::edge ? name_of(t_.edges[index]) + ": "
                                                     : std::string();
        found_.push_back({at, index, field, name + what, hint});
    }

    void check_stage(std::size_t i) {
        const auto& s = t_.stages[i];
        if (!ids_.emplace(s.id, i).second)
            found_.push_back({place::stage, i, "id", "stage " + s.id + " is declared twice", "give one of them another id"});
        if (!is_id(s.id))
            note(place::stage, i, "id", "an id has 1 to 64 letters, digits and . _ - :", "hmc.fast");
        if (!s.device.empty() && !is_id(s.device))
            note(place::stage, i, "device", "a device's id has at most 64 letters, digits and . _ - :", "opencl:0");
        const auto* kind = find_kind(s.kind);
        std::vector<std::string> kinds;
        for (const auto& k : stage_library())
            kinds.push_back(k.name);
        if (kind == nullptr)
            note(place::stage, i, "kind", "there is no kind \"" + s.kind + "\"", did_you_mean(s.kind, kinds, "kinds are "));
        if (s.config.priority > priority_max)
            note(place::stage, i, "priority", "priority " + std::to_string(s.config.priority) + " is not in 0..." + std::to_string(priority_max), "9 goes first");
        if (s.config.power_budget_mw == std::optional<std::uint32_t>(0))
            note(place::stage, i, "power_budget_mw", "with a budget of 0 mW it never runs", "leave it out for no limit");
        if (kind == nullptr || node_.devices.empty())
            return;
        auto needs = kind->needs;
        needs.insert(needs.end(), s.needs.begin(), s.needs.end());
        check_device(i, s, needs);
    }

    void check_device(std::size_t i, const stage& s, const std::vector<capability>& needs) {
        if (s.device.empty()) {
            const auto can = [&](const substrate& d) { return lacking(d, needs).empty(); };
            if (!std::any_of(node_.devices.begin(), node_.devices.end(), can))
                note(place::stage, i, "needs", "no device of this node has " + joined(needs), "forge route says what each of them lacks");
            return;
        }
        const auto at = std::find_if(node_.devices.begin(), node_.devices.end(), [&](const substrate& d) { return d.id == s.device; });
        if (at == node_.devices.end()) {
            std::vector<std::string> known;
            for (const auto& d : node_.devices)
                known.push_back(d.id);
            note(place::stage, i, "device", "this node has no device \"" + s.device + "\"", did_you_mean(s.device, known, "devices are "));
        } else if (const auto missing = lacking(*at, needs); !missing.empty()) {
            note(place::stage, i, "device", "device " + s.device + " lacks " + joined(missing), "put it on another device");
        }
    }

    void check_edge(std::size_t i) {
        const auto& e = t_.edges[i];
        if (!pairs_.insert({e.from, e.to}).second)
            note(place::edge, i, "", "is declared twice", "one edge carries all items between two stages");
        std::vector<std::string> known;
        for (const auto& [id, index] : ids_)
            known.push_back(id);
        for (const auto* end : {&e.from, &e.to})
            if (!ids_.contains(*end))
                note(place::edge, i, end == &e.from ? "from" : "to", "there is no stage " + *end, did_you_mean(*end, known, "stages are "));
        check_capacity(i);
        const stage_kind *from = kind_of(e.from), *to = kind_of(e.to);
        if (from == nullptr || to == nullptr)
            return;
        const auto match = match_ports(*from, *to);
        if (!match)
            note(place::edge, i, "to", from->name + " gives " + items(from->outputs) + ", and " + to->name + " takes " + items(to->inputs),
                 "put a stage between them that takes the one and gives the other");
        if (e.via.kind == channel_kind::filtered && match)
            if (const auto p = predicate::parse(e.via.predicate, schema_of(match->item, node_.heads)); !p)
                note(place::edge, i, "predicate", "in \"" + e.via.predicate.substr(0, 120) + "\", " + p.reason().where + ": " + p.reason().what,
                     p.reason().hint);
        if (match)
            bound_.insert({e.to, match->input});
    }

    void check_capacity(std::size_t i) {
        const auto& c = t_.edges[i].via;
        const std::uint32_t most = c.kind == channel_kind::latest ? 1 : c.kind == channel_kind::unbounded ? edge_guard_max : edge_capacity_max;
        if (c.capacity < 1 || c.capacity > most)
            note(place::edge, i, "capacity", std::string(c.kind == channel_kind::unbounded ? "guard " : "capacity ") + std::to_string(c.capacity) +
                 " is not in 1..." + std::to_string(most), "4 is usual");
        if (c.kind != channel_kind::filtered && !c.predicate.empty())
            note(place::edge, i, "predicate", std::string("a ") + name_of(c.kind) + " channel has no condition", "channel = \"filtered\"");
    }

    void check_bound() {
        for (std::size_t i = 0; i < t_.stages.size(); ++i)
            if (const auto* kind = find_kind(t_.stages[i].kind))
                for (std::size_t p = 0; p < kind->inputs.size(); ++p)
                    if (kind->inputs[p].required && !bound_.contains({t_.stages[i].id, p}))
                        note(place::stage, i, "", "nothing comes in at \"" + kind->inputs[p].name + "\", which takes " + items({kind->inputs[p]}),
                             "add an edge to it, or leave the stage out");
    }

    void check_depths() {
        for (std::size_t i = 0; i < t_.stages.size(); ++i)
            if (const auto depth = t_.stages[i].config.buffer_depth)
                for (const auto& e : t_.edges)
                    if (e.to == t_.stages[i].id && e.via.capacity > *depth)
                        note(place::stage, i, "buffer_depth", "buffer_depth " + std::to_string(*depth) + " is less than the capacity " +
                             std::to_string(e.via.capacity) + " of the edge from " + e.from, "raise the one or lower the other");
    }

    void check_cycles() {
        std::map<std::string, std::vector<std::string>> blocking;
        std::set<std::string> droppable;
        for (const auto& s : t_.stages)
            if (s.config.droppable)
                droppable.insert(s.id);
        for (const auto& e : t_.edges)
            if (e.via.kind != channel_kind::latest && !droppable.contains(e.to) && ids_.contains(e.from) && ids_.contains(e.to))
                blocking[e.from].push_back(e.to);
        std::set<std::string> done;
        std::vector<std::string> path;
        const auto visit = [&](const auto& self, const std::string& id) -> void { // at most stages_max deep
            if (done.contains(id))
                return;
            if (const auto at = std::find(path.begin(), path.end(), id); at != path.end()) {
                std::string cycle;
                for (auto step = at; step != path.end(); ++step)
                    cycle += *step + " -> ";
                note(place::whole, 0, "", "every edge of the cycle " + cycle + id + " can block",
                     "every cycle needs one edge that cannot block: latest, or one to a droppable stage");
                return;
            }
            path.push_back(id);
            for (const auto& next : blocking[id])
                self(self, next);
            path.pop_back();
            done.insert(id);
        };
        for (const auto& s : t_.stages)
            visit(visit, s.id);
    }

    void check_power() {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < t_.stages.size(); ++i) {
            const auto budget = t_.stages[i].config.power_budget_mw;
            if (!budget)
                continue;
            sum += *budget;
            for (const auto& d : node_.devices)
                if (d.id == t_.stages[i].device && d.power_mw && *budget > *d.power_mw)
                    note(place::stage, i, "power_budget_mw", "a budget of " + std::to_string(*budget) + " mW is above the " +
                         std::to_string(*d.power_mw) + " mW of device " + d.id, "at most what the device draws");
            if (node_.power_budget_mw && *budget > *node_.power_budget_mw)
                note(place::stage, i, "power_budget_mw", "a budget of " + std::to_string(*budget) + " mW is above the node's " +
                     std::to_string(*node_.power_budget_mw) + " mW", "lower it");
        }
        if (node_.power_budget_mw && sum > *node_.power_budget_mw)
            note(place::whole, 0, "power_budget_mw", "the stages' budgets are " + std::to_string(sum) + " mW together, above the node's " +
                 std::to_string(*node_.power_budget_mw) + " mW", "lower some of them");
    }

    const stage_kind* kind_of(const std::string& id) const {
        const auto at = ids_.find(id);
        return at == ids_.end() ? nullptr : find_kind(t_.stages[at->second].kind);
    }

    static std::string items(const std::vector<port>& ports) {
        std::string list;
        for (const auto& p : ports)
            for (const auto item : p.items)
                list += (list.empty() ? "" : ", ") + std::string(name_of(item));
        return list.empty() ? "nothing" : list;
    }

    const topology& t_;
    const node_view& node_;
    std::vector<topology_problem> found_;
    std::map<std::string, std::size_t> ids_;
    std::set<std::pair<std::string, std::string>> pairs_;
    std::set<std::pair<std::string, std::size_t>> bound_; ///< stage and input that an edge goes to
};

} // namespace

std::vector<topology_problem> problems_of(const topology& t, const node_view& node) { return check(t, node).run(); }

result<void> validate(const topology& t, const node_view& node) {
    const auto all = problems_of(t, node);
    if (all.empty())
        return {};
    std::string text;
    for (const auto& p : all)
        text += (text.empty() ? "" : "; ") + p.what;
    return error{errc::invalid_argument, text, "topology", all.front().hint};
}

} // namespace forge
