// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/topology_file.hpp"

#include "libactors/control/toml_section.hpp"

#include <fmt/format.h>

#include <limits>
#include <set>

namespace forge {

namespace {

constexpr std::uint32_t any = std::numeric_limits<std::uint32_t>::max();

/// Reads one table after the other and remembers which of its keys were already complained about.
class reader {
public:
    reader(toml_document& document, toml_section table) : document_(document), table_(std::move(table)) {}

    template <class F>
    auto watched(const std::string& key, F read) {
        const auto before = document_.problems().size();
        auto value = read();
        if (document_.problems().size() != before)
            bad_.insert(key);
        return value;
    }

    std::string text(const std::string& key, std::optional<std::string> fallback) {
        return watched(key, [&] { return table_.text(key, fallback); });
    }
    /// Only the type is checked: the range is the graph's business, which says it for files and C++ alike.
    std::uint32_t count(const std::string& key, std::optional<std::uint32_t> fallback) {
        return watched(key, [&] {
            return table_.has(key) ? table_.count(key, fallback, 0, any) : table_.count(key, fallback, 1, edge_guard_max);
        });
    }
    std::optional<std::uint32_t> optional_count(const std::string& key) {
        return table_.has(key) ? std::optional(count(key, 0)) : std::nullopt;
    }
    toml_section& table() { return table_; }
    [[nodiscard]] bool complained(const std::string& key) const { return bad_.contains(key); }

private:
    toml_document& document_;
    toml_section table_;
    std::set<std::string> bad_;
};

stage read_stage(reader& r) {
    stage s;
    s.id = r.text("id", std::nullopt);
    s.kind = r.text("kind", std::nullopt);
    s.device = r.text("device", "");
    for (const auto& word : r.table().texts("needs")) {
        const auto c = capability_from(word);
        if (c)
            s.needs.push_back(*c);
        else
            r.table().problem("needs", c.reason().what, c.reason().hint);
    }
    s.config.buffer_depth = r.optional_count("buffer_depth");
    s.config.droppable = r.table().flag("droppable", false);
    s.config.power_budget_mw = r.optional_count("power_budget_mw");
    s.config.priority = r.count("priority", 0);
    r.table().done();
    return s;
}

edge read_edge(reader& r) {
    edge e;
    e.from = r.text("from", std::nullopt);
    e.to = r.text("to", std::nullopt);
    const auto kind = r.watched("channel", [&] { return r.table().choice("channel", {"bounded", "unbounded", "broadcast", "filtered", "latest"}, 0); });
    e.via.kind = static_cast<channel_kind>(kind);
    switch (e.via.kind) {
    case channel_kind::unbounded: e.via.capacity = r.count("guard", std::nullopt); break;
    case channel_kind::latest: e.via.capacity = r.count("capacity", 1); break;
    case channel_kind::filtered:
        e.via.predicate = r.text("predicate", std::nullopt);
        [[fallthrough]];
    default: e.via.capacity = r.count("capacity", edge_capacity_usual); break;
    }
    if (e.via.kind != channel_kind::filtered && r.table().has("predicate"))
        e.via.predicate = r.text("predicate", "");
    if (!r.complained("channel"))
        r.table().done();
    return e;
}

std::string quoted(const std::string& text) {
    std::string q = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            q += '\\';
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            q += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
        else
            q += c;
    }
    return q + "\"";
}

} // namespace

result<topology_file> parse_topology(const std::string& text, const std::string& file_name, const node_view& node) {
    auto read = toml_document::parse(text, file_name);
    if (!read)
        return read.reason();
    auto document = std::move(read).value();
    auto root = document.root();
    topology_file f;
    f.name = root.text("name", f.name);
    std::vector<reader> stages, edges;
    for (auto& table : root.sections("stage"))
        f.graph.stages.push_back(read_stage(stages.emplace_back(document, table)));
    for (auto& table : root.sections("edge"))
        f.graph.edges.push_back(read_edge(edges.emplace_back(document, table)));
    if (!root.has("stage"))
        root.problem("stage", "is missing: a pipeline has stages", "[[stage]]");
    root.done();
    for (const auto& p : problems_of(f.graph, node)) {
        if (p.at == topology_problem::place::whole) {
            root.problem(p.field.empty() ? "edge" : "stage", p.what, p.hint);
            continue;
        }
        auto& r = (p.at == topology_problem::place::stage ? stages : edges)[p.index];
        auto key = p.field.empty() ? (p.at == topology_problem::place::stage ? "id" : "from") : p.field;
        if (key == "capacity" && p.at == topology_problem::place::edge && f.graph.edges[p.index].via.kind == channel_kind::unbounded)
            key = "guard";
        if (!r.complained(key))
            r.table().problem(key, p.what, p.hint);
    }
    if (auto problems = document.problems(); !problems.empty())
        return error{errc::config_invalid, problems, file_name, "docs/topology.md lists every key and kind"};
    return f;
}

std::string topology_toml(const topology_file& f) {
    std::string text = "name = " + quoted(f.name) + "\n";
    for (const auto& s : f.graph.stages) {
        text += "\n[[stage]]\nid = " + quoted(s.id) + "\nkind = " + quoted(s.kind) + "\n";
        if (!s.device.empty())
            text += "device = " + quoted(s.device) + "\n";
        std::string needs;
        for (const auto& n : s.needs)
            needs += (needs.empty() ? "" : ", ") + quoted(to_text(n));
        if (!needs.empty())
            text += "needs = [" + needs + "]\n";
        if (s.config.buffer_depth)
            text += fmt::format("buffer_depth = {}\n", *s.config.buffer_depth);
        if (s.config.droppable)
            text += "droppable = true\n";
        if (s.config.power_budget_mw)
            text += fmt::format("power_budget_mw = {}\n", *s.config.power_budget_mw);
        if (s.config.priority != 0)
            text += fmt::format("priority = {}\n", s.config.priority);
    }
    for (const auto& e : f.graph.edges) {
        text += "\n[[edge]]\nfrom = " + quoted(e.from) + "\nto = " + quoted(e.to) + "\nchannel = " + quoted(name_of(e.via.kind)) + "\n";
        if (e.via.kind != channel_kind::latest)
            text += fmt::format("{} = {}\n", e.via.kind == channel_kind::unbounded ? "guard" : "capacity", e.via.capacity);
        if (e.via.kind == channel_kind::filtered)
            text += "predicate = " + quoted(e.via.predicate) + "\n";
    }
    return text;
}

} // namespace forge
