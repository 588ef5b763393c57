// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/device_command.hpp"

#include "libactors/engine/opencl/opencl_system.hpp"
#include "libactors/hmc/start.hpp"

#include <fmt/format.h>

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
                            static_cast<double>(d.memory_bytes) / (1 << 30), d.fp64 ? "yes" : "no", df64 ? fmt::format("{:.1f}", *df64) : "n/a", bits.empty() ? "n/a" : bits, d.name);
    }
    if (json)
        print_json("forge.device.list/1", rows);
    else
        std::cout << text;
    return {};
}

} // namespace

void add_device_commands(CLI::App& root, cli_state& state) {
    auto* noun = root.add_subcommand("device", "OpenCL devices of this machine");
    noun->require_subcommand(1);
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
