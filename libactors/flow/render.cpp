// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/flow/render.hpp"

#include <algorithm>
#include <map>

namespace forge {

namespace {

constexpr std::size_t columns = 80;

/// At most `n` printable characters.
std::string cut(const std::string& text, std::size_t n) {
    std::string s;
    for (const char c : text)
        s += c >= ' ' && c <= '~' ? c : '?';
    return s.size() <= n ? s : s.substr(0, n - 3) + "...";
}

/// Stages in layers: each below everything that feeds it over an edge that holds. A cycle is cut at its first stage by name.
std::vector<std::vector<stage>> layers(const topology& sorted) {
    std::map<std::string, std::size_t> layer;
    std::vector<stage> left = sorted.stages;
    while (!left.empty()) {
        const auto waits = [&](const stage& s) {
            return std::any_of(sorted.edges.begin(), sorted.edges.end(), [&](const edge& e) {
                return e.via.kind != channel_kind::latest && e.to == s.id && e.from != s.id &&
                       std::any_of(left.begin(), left.end(), [&](const stage& f) { return f.id == e.from; });
            });
        };
        auto at = std::find_if_not(left.begin(), left.end(), waits);
        if (at == left.end())
            at = left.begin();
        std::size_t depth = 0;
        for (const auto& e : sorted.edges)
            if (const auto from = layer.find(e.from); e.via.kind != channel_kind::latest && e.to == at->id && from != layer.end())
                depth = std::max(depth, from->second + 1);
        layer[at->id] = depth;
        left.erase(at);
    }
    std::vector<std::vector<stage>> all;
    for (const auto& s : sorted.stages) {
        all.resize(std::max(all.size(), layer[s.id] + 1));
        all[layer[s.id]].push_back(s);
    }
    return all;
}

std::vector<std::string> box(const stage& s) {
    std::vector<std::string> lines{cut(s.id, 70), cut(s.kind, 70)};
    if (!s.device.empty())
        lines.push_back("on " + cut(s.device, 67));
    std::string config;
    const auto say = [&config](const std::string& part) { config += (config.empty() ? "" : ", ") + part; };
    if (s.config.buffer_depth)
        say("depth " + std::to_string(*s.config.buffer_depth));
    if (s.config.droppable)
        say("droppable");
    if (s.config.power_budget_mw)
        say(std::to_string(*s.config.power_budget_mw) + " mW");
    if (s.config.priority > 0)
        say("priority " + std::to_string(s.config.priority));
    if (!config.empty())
        lines.push_back(config);
    std::size_t width = 0;
    for (const auto& l : lines)
        width = std::max(width, l.size());
    std::vector<std::string> drawn{"+" + std::string(width + 2, '-') + "+"};
    for (const auto& l : lines)
        drawn.push_back("| " + l + std::string(width - l.size(), ' ') + " |");
    drawn.push_back(drawn.front());
    return drawn;
}

/// Boxes side by side, in as many rows as it takes.
std::string row_of(const std::vector<stage>& stages) {
    std::string text;
    std::vector<std::string> row;
    std::size_t width = 0;
    const auto flush = [&] {
        for (auto& line : row)
            text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
        row.clear();
        width = 0;
    };
    for (const auto& s : stages) {
        const auto b = box(s);
        if (width > 0 && width + 2 + b.front().size() > columns)
            flush();
        row.resize(std::max(row.size(), b.size()));
        const auto left = width == 0 ? 0 : width + 2;
        for (std::size_t k = 0; k < row.size(); ++k) {
            row[k].resize(left, ' ');
            row[k] += k < b.size() ? b[k] : std::string(b.front().size(), ' ');
        }
        width = left + b.front().size();
    }
    flush();
    return text;
}

std::string arrow(const edge& e) {
    const std::string kind = name_of(e.via.kind);
    const bool latest = e.via.kind == channel_kind::latest;
    const std::string shaft = (latest ? ".. " : "-- ") + kind + (latest ? "" : " " + std::to_string(e.via.capacity)) + (latest ? " ..> " : " --> ");
    const auto from = cut(e.from, 64), to = cut(e.to, 48);
    std::string text = "  " + from + " " + shaft + to + "\n";
    if (text.size() > columns + 1)
        text = "  " + from + "\n    " + shaft + to + "\n";
    if (e.via.kind == channel_kind::filtered) {
        const std::string condition = cut(e.via.predicate, 1000);
        for (std::size_t at = 0; at < condition.size(); at += 68)
            text += (at == 0 ? "      if " : "         ") + condition.substr(at, 68) + "\n";
    }
    return text;
}

std::string quoted(const std::string& text) {
    std::string q = "\"";
    for (const char c : cut(text, 1000)) {
        if (c == '"' || c == '\\')
            q += '\\';
        q += c;
    }
    return q + "\"";
}

} // namespace

std::string picture(const topology& t) {
    const auto s = t.sorted();
    std::string text;
    for (const auto& layer : layers(s)) {
        text += row_of(layer);
        for (const auto& e : s.edges)
            if (std::any_of(layer.begin(), layer.end(), [&](const stage& x) { return x.id == e.from; }))
                text += arrow(e);
    }
    for (const auto& e : s.edges)
        if (s.find_stage(e.from) == nullptr)
            text += arrow(e);
    return text.empty() ? "(no stages)\n" : text;
}

std::string to_dot(const topology& t) {
    const auto s = t.sorted();
    std::string text = "digraph topology {\n  node [shape=box];\n";
    for (const auto& x : s.stages) {
        auto label = quoted(x.id), kind = quoted(x.kind + (x.device.empty() ? "" : " on " + x.device));
        label.pop_back();
        text += "  " + quoted(x.id) + " [label=" + label + "\\n" + kind.substr(1) + "];\n";
    }
    for (const auto& e : s.edges) {
        const char* style = e.via.kind == channel_kind::latest      ? "dashed"
                            : e.via.kind == channel_kind::filtered  ? "dotted"
                            : e.via.kind == channel_kind::broadcast ? "bold"
                                                                    : "solid";
        std::string label = name_of(e.via.kind);
        if (e.via.kind != channel_kind::latest)
            label += " " + std::to_string(e.via.capacity);
        if (e.via.kind == channel_kind::filtered)
            label += ": " + e.via.predicate;
        text += "  " + quoted(e.from) + " -> " + quoted(e.to) + " [label=" + quoted(label) + ", style=" + style + "];\n";
    }
    return text + "}\n";
}

} // namespace forge
