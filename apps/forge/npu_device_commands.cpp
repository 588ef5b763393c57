// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/npu_commands.hpp"

#include "apps/forge/npu_device_measure.hpp"
#include "apps/forge/npu_device_search.hpp"
#include "apps/forge/npu_program_commands.hpp"
#include "libactors/engine/npu/akida_discovery.hpp"
#include "libactors/engine/npu/sim_akd1000.hpp"

#include <fmt/format.h>

#include <iostream>

namespace forge::app {

namespace {

struct figure {
    const char* name;
    double value;
    const char* unit;
    const char* source;
};

std::vector<figure> figures_of(const akd1000_figures& f) {
    return {{"link_s", f.link_s, "s", "model: published end-to-end times of single inferences"},
            {"bytes_per_s", f.bytes_per_s, "B/s", "model: DMA over PCIe 2 x1, published measurements"},
            {"chip_floor_s", f.chip_floor_s, "s", "model: a pass of a tiny program"},
            {"chip_s_per_weight", f.chip_s_per_weight, "s", "model: fit of published times of square layers"},
            {"board_w", f.board_w, "W", "model: board at the performance clock, published"},
            {"chip_w", f.chip_w, "W", "model: data sheet"},
            {"set_variable_fast_s", f.set_variable_fast_s, "s", "model: vendors' tools, same ranges"},
            {"set_variable_safe_s", f.set_variable_safe_s, "s", "model: measured by users, a forward pass included"},
            {"map_s", f.map_s, "s", "model: published"}};
}

void show_info(bool json) {
    const auto found = find_akida();
    const sim_akd1000 sim;
    const auto figures = figures_of(sim.figures());
    const auto rows = scaling_table(70);
    const auto sentence = what_runs(found);
    if (json) {
        auto boards = nlohmann::json::array(), files = nlohmann::json::array(), numbers = nlohmann::json::array(), scaling = nlohmann::json::array();
        for (const auto& b : found.boards)
            boards.push_back({{"model", b.model}, {"pci", b.pci}, {"driver", b.driver.empty() ? nlohmann::json(nullptr) : nlohmann::json(b.driver)}});
        for (const auto& f : found.device_files)
            files.push_back(f.string());
        for (const auto& f : figures)
            numbers.push_back({{"name", f.name}, {"value", f.value}, {"unit", f.unit}, {"source", f.source}});
        for (const auto& r : rows)
            scaling.push_back(
                {{"heads", r.heads}, {"units", r.units}, {"left", r.fits ? nlohmann::json(r.left) : nlohmann::json(nullptr)}, {"fits", r.fits}});
        print_json("forge.npu.info/1", {{"boards", boards},
                                        {"device_files", files},
                                        {"runs", sentence},
                                        {"back_end", sim.about().name},
                                        {"simulated", true},
                                        {"figures", numbers},
                                        {"scaling", scaling}});
        return;
    }
    std::string text =
        sentence + "\n\nsim-akd1000: 4-bit weights, 8-bit inputs, 4-bit activations, computed to the bit; its times and energies are models:\n";
    for (const auto& f : figures)
        text += fmt::format("  {:<20} {:>10.4g} {:<4} {}\n", f.name, f.value, f.unit, f.source);
    text += fmt::format("\n{:>6} {:>6} {:>6}   units of programs: 179 + 12 a head, 1000 in all (no count of anything on the chip)\n", "HEADS",
                        "UNITS", "LEFT");
    for (const auto& r : rows)
        if (r.heads <= 2 || r.heads == 4 || r.heads == 8 || r.heads == 11 || r.heads % 20 == 0 || r.heads == 55 || r.heads == 68 || r.heads == 69)
            text += r.fits ? fmt::format("{:>6} {:>6} {:>6}\n", r.heads, r.units, r.left)
                           : fmt::format("{:>6} {:>6}    n/a   refused: {}\n", r.heads, r.units, within_budget(r.heads).reason().what);
    std::cout << text;
}

} // namespace

void add_npu_device_commands(CLI::App& npu, cli_state& state) {
    auto* info = npu.add_subcommand("info", "Boards that were found, what runs programs, the simulator's figures with their sources, units by heads");
    auto json = std::make_shared<bool>(false);
    info->add_flag("--json", *json, "JSON on standard output");
    info->callback([json] { show_info(*json); });

    auto* bench = npu.add_subcommand("bench", "Time of a step, of a batch and of a training step on this machine, and what the device's model says");
    struct options {
        int repeats = 10;
        bool json = false;
    };
    auto o = std::make_shared<options>();
    bench->add_option("--repeats", o->repeats, "Each row is timed 200 times this")->check(CLI::Range(1, 1000));
    bench->add_flag("--json", o->json, "JSON on standard output");
    bench->callback([o] {
        const auto rows = measure_npu(o->repeats);
        if (o->json)
            print_json("forge.npu.bench/1", json_of(rows));
        else
            std::cout << table_of(rows);
    });
    add_npu_deploy_command(npu, state);
    add_npu_search_command(npu, state);
}

} // namespace forge::app
