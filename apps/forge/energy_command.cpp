// SPDX-License-Identifier: AGPL-3.0-only
// forge device energy: what counts joules on this machine, and what it counts now.
#include "apps/forge/device_command.hpp"

#include "libactors/energy/meters.hpp"

#include <fmt/format.h>

#include <chrono>
#include <iostream>
#include <thread>

namespace forge::app {

namespace {

struct energy_options {
    double seconds = 2.0;
    std::optional<double> watts;
    bool json = false;
};

struct named_meter {
    std::string place;
    std::unique_ptr<energy_meter> meter;
};

void show_energy(const energy_options& o) {
    std::vector<named_meter> meters;
    meters.push_back({"processor", energy::rapl_meter()});
    for (const auto& d : energy::hwmon_devices())
        meters.push_back({"sensor " + d, energy::hwmon_meter(d)});
    auto nvml = energy::find_nvml();
    for (std::size_t k = 0; k < nvml.meters.size(); ++k)
        meters.push_back({fmt::format("accelerator {}", k), std::move(nvml.meters[k])});
    if (o.watts)
        meters.push_back({"configured", energy::model_meter(o.watts, "--watts")});
    const auto now = [] { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); };
    const double begun = now();
    std::vector<energy_reading> first, last;
    for (auto& m : meters)
        first.push_back(m.meter->read(now()));
    while (now() - begun < o.seconds) { // power is sampled and counters wrap: often enough for both
        std::this_thread::sleep_for(std::chrono::duration<double>(std::min(0.2, std::max(0.0, o.seconds - (now() - begun)))));
        last.clear();
        for (auto& m : meters)
            last.push_back(m.meter->read(now()));
    }
    const double lasted = now() - begun;
    auto rows = nlohmann::json::array();
    std::string text = fmt::format("{:<20} {:<7} {:>10} {:>9}  {}\n", "PLACE", "SOURCE", "JOULES", "WATTS", "");
    for (std::size_t k = 0; k < meters.size(); ++k) {
        const auto& r = last[k];
        const auto joules = r.joules && first[k].joules ? std::optional(*r.joules - *first[k].joules) : std::nullopt;
        const auto null_or = [](const std::optional<double>& v) { return v ? nlohmann::json(*v) : nlohmann::json(nullptr); };
        const auto watts = joules ? std::optional(*joules / lasted) : std::nullopt;
        rows.push_back({{"place", meters[k].place}, {"source", name_of(r.source)}, {"measured", is_measured(r.source)}, {"joules", null_or(joules)}, {"watts", null_or(watts)}, {"note", r.note}});
        text += fmt::format("{:<20} {:<7} {:>10} {:>9}  {}\n", meters[k].place, name_of(r.source), joules ? fmt::format("{:.2f}", *joules) : "n/a",
                            watts ? fmt::format("{:.1f}", *watts) : "n/a", r.note);
    }
    if (o.json)
        return print_json("forge.device.energy/1", {{"seconds", lasted}, {"meters", rows}, {"accelerators", nvml.note.empty() ? nlohmann::json(nullptr) : nlohmann::json(nvml.note)}});
    std::cout << text;
    if (!nvml.note.empty())
        std::cerr << nvml.note << "\n";
}

} // namespace

void add_energy_command(CLI::App& device) {
    auto* command = device.add_subcommand("energy", "What counts joules here: processor (RAPL), sensors (hwmon), accelerators (NVML); unknown is n/a");
    const auto o = std::make_shared<energy_options>();
    command->add_option("--seconds", o->seconds, "How long to count")->check(CLI::Range(0.1, 3600.0))->capture_default_str();
    command->add_option("--watts", o->watts, "Adds a model of so many watts, which says that it is one")->check(CLI::Range(0.0, 1e6));
    command->add_flag("--json", o->json, "JSON on standard output");
    command->callback([o] { show_energy(*o); });
}

} // namespace forge::app
