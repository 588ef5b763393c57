// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/topo_commands.hpp"

#include "apps/forge/campaign_files.hpp"
#include "libactors/control/campaign_topology.hpp"
#include "libactors/control/topology_file.hpp"
#include "libactors/flow/reconfigure.hpp"
#include "libactors/flow/render.hpp"
#include "libactors/formats/input_file.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <memory>

namespace forge::app {

namespace {

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
nlohmann::json topology_json(const topology_file& f) {
    nlohmann::json stages = nlohmann::json::array(), edges = nlohmann::json::array();
    for (const auto& s : f.graph.stages) {
        nlohmann::json needs = nlohmann::json::array();
        for (const auto& n : s.needs)
            needs.push_back(to_text(n));
        stages.push_back({{"id", s.id},
                          {"kind", s.kind},
                          {"device", s.device.empty() ? nlohmann::json(nullptr) : nlohmann::json(s.device)},
                          {"needs", needs},
                          {"buffer_depth", s.config.buffer_depth ? nlohmann::json(*s.config.buffer_depth) : nlohmann::json(nullptr)},
                          {"droppable", s.config.droppable},
                          {"power_budget_mw", s.config.power_budget_mw ? nlohmann::json(*s.config.power_budget_mw) : nlohmann::json(nullptr)},
                          {"priority", s.config.priority}});
    }
    for (const auto& e : f.graph.edges)
        edges.push_back({{"from", e.from},
                         {"to", e.to},
                         {"channel", name_of(e.via.kind)},
                         {"capacity", e.via.capacity},
                         {"predicate", e.via.predicate.empty() ? nlohmann::json(nullptr) : nlohmann::json(e.via.predicate)}});
    return {{"name", f.name}, {"hash", to_hex(hash_of(f.graph))}, {"stages", stages}, {"edges", edges}};
}

/// The topology that a run's campaign file describes, on the devices that its status names.
result<topology_file> topology_of_run(const std::string& run, nlohmann::json& stages) {
    const auto folder = find_run(run);
    if (!folder)
        return folder.reason();
    const auto plan = campaign_of(*folder);
    if (!plan)
        return plan.reason();
    std::ifstream in(folder->status());
    const auto status = nlohmann::json::parse(in, nullptr, false);
    std::vector<std::string> devices;
    if (status.is_object())
        for (const auto& d : status.value("devices", nlohmann::json::array()))
            devices.push_back(d.value("device", "n/a"));
    if (devices.empty())
        return error{errc::not_found, "this run has not published a snapshot", folder->status().string(), "forge run " + folder->root.string() + " first"};
    stages = status.value("stages", nlohmann::json::array());
    return topology_file{plan->name, campaign_topology(*plan, devices)};
}

/// How each stage's time was spent, as it says itself.
std::string times_of(const nlohmann::json& stages) {
    std::string text = fmt::format("\n{:<22} {:>8} {:>6} {:>6} {:>9} {:>9}\n", "STAGE", "ITEMS", "BUSY", "IDLE", "HELD BACK", "QUEUE");
    for (const auto& s : stages)
        text += fmt::format("{:<22} {:>8} {:>6.2f} {:>6.2f} {:>9.2f} {:>9}\n", s.value("stage", "n/a"), s.value("items", std::uint64_t{0}), s.value("busy", 0.0), s.value("idle", 0.0),
                            s.value("back_pressured", 0.0), s.value("capacity", 0) > 0 ? fmt::format("{}/{}", s.value("queue_depth", 0), s.value("capacity", 0)) : std::string("n/a"));
    return text;
}

struct topo_arguments {
    std::string file, other, run;
    bool dot = false;
    bool as_json = false;
};

void check(const topo_arguments& a, cli_state& state) {
    const auto f = read_topology(a.file);
    if (!f)
        return report_error(state, f.reason());
    if (a.as_json)
        return print_json("forge.topo.check/1", topology_json(*f));
    std::cout << fmt::format("{}: {} stages, {} edges, no problems\nhash {}\n", f->name, f->graph.stages.size(), f->graph.edges.size(),
                             to_hex(hash_of(f->graph)));
}

void show(const topo_arguments& a, cli_state& state) {
    nlohmann::json stages;
    const auto f = a.file.empty() ? topology_of_run(a.run, stages) : read_topology(a.file);
    if (!f)
        return report_error(state, f.reason());
    if (a.as_json) {
        auto all = topology_json(*f);
        all["measured"] = stages; // null for a file
        return print_json("forge.topo.show/1", all);
    }
    std::cout << (a.dot ? to_dot(f->graph) : picture(f->graph));
    if (!a.dot && stages.is_array())
        std::cout << times_of(stages);
}

void compare(const topo_arguments& a, cli_state& state) {
    const auto before = read_topology(a.file), after = read_topology(a.other);
    for (const auto* f : {&before, &after})
        if (!*f)
            return report_error(state, f->reason());
    const auto changes = diff(before->graph, after->graph);
    const auto plan = reconfiguration_plan(before->graph, after->graph);
    if (a.as_json) {
        nlohmann::json said = nlohmann::json::array(), steps = nlohmann::json::array();
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
        auto* file = command->add_option("file", a->file, "topology.toml");
        if (run == show)
            command->add_option("--run", a->run, "Without a file: of this run (default: the only one below runs/)");
        else
            file->required();
        command->add_flag("--json", a->as_json, "JSON on standard output");
        command->callback([a, run, &state] { run(*a, state); });
        return std::pair(command, a);
    };
    verb("check", "Report every problem of a file, or its hash", check);
    const auto [show_command, show_arguments] = verb("show", "Draw a file, or the pipeline of a run with how its stages spend their time", show);
    show_command->add_flag("--dot", show_arguments->dot, "For graphviz");
    const auto [diff_command, diff_arguments] = verb("diff", "What differs, and the steps of a change in mid-run", compare);
    diff_command->add_option("other", diff_arguments->other, "The topology after the change")->required();
}

} // namespace forge::app
