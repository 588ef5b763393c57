// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/topo_commands.hpp"

#include "libactors/control/topology_file.hpp"
#include "libactors/flow/reconfigure.hpp"
#include "libactors/flow/render.hpp"
#include "libactors/formats/input_file.hpp"

#include <fmt/format.h>

#include <iostream>
#include <memory>

namespace forge::app {

namespace {

using json = nlohmann::json;

constexpr std::uint64_t file_bytes_max = std::uint64_t{1} << 18;

result<topology_file> read_topology(const std::string& name) {
    const auto file = formats::input_file::open(name);
    if (!file)
        return file.reason();
    if (file->size() > file_bytes_max)
        return error{errc::config_invalid, fmt::format("{} bytes are more than a topology file has", file->size()), name, "is it another file?"};
    const auto text = file->read_text(0, static_cast<std::size_t>(file->size()));
    if (!text)
        return text.reason();
    return parse_topology(*text, name);
}

/// Edges and stages as in the file; what is not set is null.
json to_json(const topology_file& f) {
    json stages = json::array(), edges = json::array();
    for (const auto& s : f.graph.stages) {
        json needs = json::array();
        for (const auto& n : s.needs)
            needs.push_back(to_text(n));
        stages.push_back({{"id", s.id},
                          {"kind", s.kind},
                          {"device", s.device.empty() ? json(nullptr) : json(s.device)},
                          {"needs", needs},
                          {"buffer_depth", s.config.buffer_depth ? json(*s.config.buffer_depth) : json(nullptr)},
                          {"droppable", s.config.droppable},
                          {"power_budget_mw", s.config.power_budget_mw ? json(*s.config.power_budget_mw) : json(nullptr)},
                          {"priority", s.config.priority}});
    }
    for (const auto& e : f.graph.edges)
        edges.push_back({{"from", e.from},
                         {"to", e.to},
                         {"channel", name_of(e.via.kind)},
                         {"capacity", e.via.capacity},
                         {"predicate", e.via.predicate.empty() ? json(nullptr) : json(e.via.predicate)}});
    return {{"name", f.name}, {"hash", to_hex(hash_of(f.graph))}, {"stages", stages}, {"edges", edges}};
}

struct topo_arguments {
    std::string file, other;
    bool dot = false;
    bool as_json = false;
};

void check(const topo_arguments& a, cli_state& state) {
    const auto f = read_topology(a.file);
    if (!f)
        return report_error(state, f.reason());
    if (a.as_json)
        return print_json("forge.topo.check/1", to_json(*f));
    std::cout << fmt::format("{}: {} stages, {} edges, no problems\nhash {}\n", f->name, f->graph.stages.size(), f->graph.edges.size(),
                             to_hex(hash_of(f->graph)));
}

void show(const topo_arguments& a, cli_state& state) {
    const auto f = read_topology(a.file);
    if (!f)
        return report_error(state, f.reason());
    if (a.as_json)
        return print_json("forge.topo.show/1", to_json(*f));
    std::cout << (a.dot ? to_dot(f->graph) : picture(f->graph));
}

void compare(const topo_arguments& a, cli_state& state) {
    const auto before = read_topology(a.file), after = read_topology(a.other);
    for (const auto* f : {&before, &after})
        if (!*f)
            return report_error(state, f->reason());
    const auto changes = diff(before->graph, after->graph);
    const auto plan = reconfiguration_plan(before->graph, after->graph);
    if (a.as_json) {
        json said = json::array(), steps = json::array();
        for (const auto& c : changes)
            said.push_back(c.text());
        for (const auto& s : plan)
            steps.push_back(s.text());
        return print_json("forge.topo.diff/1", {{"before", to_hex(hash_of(before->graph))},
                                                {"after", to_hex(hash_of(after->graph))},
                                                {"changes", said},
                                                {"plan", steps}});
    }
    if (changes.empty())
        std::cout << "the same graph\n";
    for (const auto& c : changes)
        std::cout << c.text() << "\n";
    if (!plan.empty())
        std::cout << "plan\n";
    for (const auto& s : plan)
        std::cout << "  " << s.text() << "\n";
}

} // namespace

void add_topo_commands(CLI::App& root, cli_state& state) {
    auto* noun = root.add_subcommand("topo", "Pipelines: check, show and compare topology files");
    noun->require_subcommand(1);
    const auto verb = [noun, &state](const char* name, const char* says, void (*run)(const topo_arguments&, cli_state&)) {
        auto* command = noun->add_subcommand(name, says);
        auto a = std::make_shared<topo_arguments>();
        command->add_option("file", a->file, "topology.toml")->required();
        command->add_flag("--json", a->as_json, "JSON on standard output");
        command->callback([a, run, &state] { run(*a, state); });
        return std::pair(command, a);
    };
    verb("check", "Report every problem of a file, or its hash", check);
    const auto [show_command, show_arguments] = verb("show", "Draw it", show);
    show_command->add_flag("--dot", show_arguments->dot, "For graphviz");
    const auto [diff_command, diff_arguments] = verb("diff", "What differs, and the steps of a change in mid-run", compare);
    diff_command->add_option("other", diff_arguments->other, "The topology after the change")->required();
}

} // namespace forge::app
