// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/device_command.hpp"

#include "apps/forge/operation_commands.hpp"
#include "libactors/engine/opencl/opencl_system.hpp"
#include "libactors/hmc/start.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

namespace forge::app {

namespace {

result<void> list_devices(std::uint32_t split_cpu, bool test, bool json) {
    auto system = opencl_system::discover(split_cpu);
    if (!system)
        return system.reason();
    auto rows = nlohmann::json::array();
    std::string text = fmt::format("{:<12} {:<5} {:>5} {:>10} {:>6} {:>10} {:<22} {}\n", "DEVICE", "KIND", "UNITS", "MEMORY", "FP64", "DF64 BITS", "BITS CLASS", "NAME");
    for (const auto& d : system->devices()) {
        std::string bits;
        std::optional<double> df64;
        if (test && d.fp64) {
            opencl_options options;
            options.cache_dir = default_cache_dir();
            auto engine = system->make_engine(d.id, options);
            if (!engine)
                return engine.reason();
            bits = bits_class_of(**engine);
            df64 = (*engine)->df64_bits();
        }
        rows.push_back({{"device", d.id}, {"name", d.name}, {"platform", d.platform}, {"driver", d.driver}, {"kind", d.is_cpu ? "cpu" : "gpu"},
                        {"compute_units", d.compute_units}, {"memory_bytes", d.memory_bytes}, {"fp64", d.fp64}, {"fp64_denormals", d.denormals},
                        {"native_width", d.native_width}, {"df64_bits", df64 ? nlohmann::json(*df64) : nlohmann::json(nullptr)}, {"bits_class", bits.empty() ? nlohmann::json(nullptr) : nlohmann::json(bits)}});
        text += fmt::format("{:<12} {:<5} {:>5} {:>6.1f} GiB {:>6} {:>10} {:<22} {}\n", d.id, d.is_cpu ? "cpu" : "gpu", d.compute_units,
                            static_cast<double>(d.memory_bytes) / (1 << 30), d.fp64 ? "yes" : "no: no chains here", df64 ? fmt::format("{:.1f}", *df64) : "n/a", bits.empty() ? "n/a" : bits, d.name);
    }
    if (json)
        print_json("forge.device.list/1", rows);
    else
        std::cout << text;
    return {};
}

struct tune_options {
    std::vector<std::string> devices;
    std::vector<std::uint32_t> lattice;
    std::uint32_t split = 0;
    int repeats = 5;
    bool json = false;
};

result<void> tune_devices(const tune_options& o) {
    extents l;
    std::copy(o.lattice.begin(), o.lattice.end(), l.n.begin());
    auto system = opencl_system::discover(o.split);
    if (!system)
        return system.reason();
    std::vector<std::string> wanted = o.devices;
    for (const auto& d : system->devices())
        if (o.devices.empty() && d.fp64)
            wanted.push_back(d.id);
    opencl_options options;
    options.cache_dir = default_cache_dir();
    if (options.cache_dir.empty())
        return error{errc::not_found, "there is no folder to keep the result in", "FORGE_CACHE_DIR", "set FORGE_CACHE_DIR or HOME"};
    auto out = nlohmann::json::array();
    for (const auto& id : wanted) {
        std::cerr << fmt::format("measuring {} on {} ...\n", id, to_text(l));
        const auto rows = system->tune(id, options, l, o.repeats);
        if (!rows)
            return rows.reason();
        if (!o.json)
            std::cout << fmt::format("{:<12} {:<24} {:>6}   ns/site by work-items per group\n", "DEVICE", "KERNEL", "CHOSEN");
        for (const auto& k : *rows) {
            std::string text;
            auto times = nlohmann::json::object();
            for (const auto& [size, seconds] : k.seconds) {
                text += fmt::format("  {}:{:.1f}", size, 1e9 * seconds / static_cast<double>(l.volume()));
                times[std::to_string(size)] = seconds;
            }
            out.push_back({{"device", id}, {"kernel", k.kernel}, {"chosen", k.chosen}, {"seconds_by_local_size", times}});
            if (!o.json)
                std::cout << fmt::format("{:<12} {:<24} {:>6} {}\n", id, k.kernel, k.chosen, text);
        }
    }
    if (o.json)
        print_json("forge.device.tune/1", out);
    return {};
}

void add_tune_command(CLI::App& noun, cli_state& state) {
    auto* tune = noun.add_subcommand("tune", "Measure the best work-group size of every kernel and keep it (speed only; bits do not change)");
    auto o = std::make_shared<tune_options>();
    tune->add_option("device", o->devices, "Device ids (default: all with fp64)");
    tune->add_option("--lattice", o->lattice, "Extents x y z t, e.g. 16 16 16 16")->expected(4)->required()->check(CLI::Range(1, 256));
    tune->add_option("--split-cpu", o->split, "As in the campaign's [devices]");
    tune->add_option("--repeats", o->repeats, "Timings per size; the minimum counts")->check(CLI::Range(1, 1000));
    tune->add_flag("--json", o->json, "JSON on standard output");
    tune->callback([o, &state] {
        if (auto done = tune_devices(*o); !done)
            report_error(state, done.reason());
    });
}

} // namespace

void add_device_commands(CLI::App& root, cli_state& state) {
    auto* noun = root.add_subcommand("device", "OpenCL devices of this machine");
    noun->require_subcommand(1);
    add_tune_command(*noun, state);
    add_device_operations(*noun, state);
    add_energy_command(*noun);
    auto* list = noun->add_subcommand("list", "List devices; --bits runs the arithmetic self-test on each");
    struct options {
        std::uint32_t split = 0;
        bool bits = false;
        bool json = false;
    };
    auto o = std::make_shared<options>();
    list->add_option("--split-cpu", o->split, "Show CPU devices split into this many sub-devices");
    list->add_flag("--bits", o->bits, "Build the kernels and print the bits class (devices of one class give the same chain)");
    list->add_flag("--json", o->json, "JSON on standard output");
    list->callback([o, &state] {
        if (auto done = list_devices(o->split, o->bits, o->json); !done)
            report_error(state, done.reason());
    });
}

} // namespace forge::app
