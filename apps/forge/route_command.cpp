// SPDX-License-Identifier: AGPL-3.0-only
// forge route: which device of this machine can run what, which one would be chosen, and what the others lack.
#include "apps/forge/device_command.hpp"

#include "libactors/engine/npu/akida_discovery.hpp"
#include "libactors/engine/opencl/opencl_system.hpp"
#include "libactors/flow/capability.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

namespace forge::app {

namespace {

struct route_options {
    std::string workload;
    std::uint32_t split = 0;
    bool json = false;
};

/// What this machine has: OpenCL devices (df64 where their self-test passes), the int4 simulator, the host.
result<std::vector<substrate>> substrates_here(std::uint32_t split, std::vector<std::string>& notes) {
    std::vector<substrate> all;
    const auto system = opencl_system::discover(split);
    if (!system)
        notes.push_back("no OpenCL device: " + system.reason().what);
    else
        for (const auto& d : system->devices()) {
            const auto kind = d.is_cpu ? substrate_kind::cpu : substrate_kind::gpu;
            bool df64 = false;
            if (d.fp64) {
                opencl_options options;
                options.cache_dir = default_cache_dir();
                auto engine = system->make_engine(d.id, options);
                if (!engine)
                    return engine.reason();
                df64 = (*engine)->df64_bits().has_value();
            }
            all.push_back({d.id, kind, usual_capabilities(kind, d.fp64, df64), std::nullopt});
        }
    notes.push_back(what_runs(find_akida()));
    all.push_back({"sim-akd1000", substrate_kind::npu, usual_capabilities(substrate_kind::npu, false, false), std::nullopt});
    all.push_back({"host", substrate_kind::cpu, usual_capabilities(substrate_kind::cpu, true, false), std::nullopt});
    return all;
}

std::string in_words(const std::vector<capability>& some) {
    std::string text;
    for (const auto& c : some)
        text += (text.empty() ? "" : ", ") + to_text(c);
    return text;
}

nlohmann::json names_of(const std::vector<capability>& some) {
    auto all = nlohmann::json::array();
    for (const auto& c : some)
        all.push_back(to_text(c));
    return all;
}

result<void> show_routes(const route_options& o) {
    std::vector<workload> wanted;
    std::vector<std::string> names;
    for (const auto& w : workload_profiles()) {
        names.push_back(w.name);
        if (o.workload.empty() || w.name == o.workload)
            wanted.push_back(w);
    }
    if (wanted.empty())
        return error{errc::not_found, "no workload is called \"" + o.workload + "\"", "forge route", "one of: " + fmt::format("{}", fmt::join(names, ", "))};
    std::vector<std::string> notes;
    const auto here = substrates_here(o.split, notes);
    if (!here)
        return here.reason();
    auto rows = nlohmann::json::array();
    std::string text;
    for (const auto& w : wanted) {
        const auto answer = route(w, *here);
        auto candidates = nlohmann::json::array();
        std::string others;
        for (std::size_t k = 0; k < answer.candidates.size(); ++k) {
            const auto& c = answer.candidates[k];
            candidates.push_back({{"device", c.id}, {"can", c.lacks.empty()}, {"lacks", names_of(c.lacks)}});
            if (answer.chosen == k)
                continue;
            others += fmt::format("    {:<14} {}\n", c.id, c.lacks.empty() ? "could" : "lacks " + in_words(c.lacks));
        }
        rows.push_back({{"workload", w.name}, {"needs", names_of(w.needs)}, {"prefers", w.prefers ? nlohmann::json(name_of(*w.prefers)) : nlohmann::json(nullptr)},
                        {"chosen", answer.chosen ? nlohmann::json((*here)[*answer.chosen].id) : nlohmann::json(nullptr)}, {"preferred", answer.preferred}, {"candidates", candidates}});
        text += fmt::format("{}: needs {}{}\n    {}\n", w.name, in_words(w.needs), w.prefers ? fmt::format("; prefers {} {}", *w.prefers == substrate_kind::npu ? "an" : "a", name_of(*w.prefers)) : "",
                            answer.chosen ? fmt::format("-> {}{}", (*here)[*answer.chosen].id, answer.preferred ? " (as preferred)" : w.prefers ? " (no preferred one can)" : "")
                                          : std::string("-> n/a: no device here can run it"));
        text += others;
    }
    if (o.json) {
        auto devices = nlohmann::json::array();
        for (const auto& s : *here)
            devices.push_back({{"device", s.id}, {"kind", name_of(s.kind)}, {"capabilities", names_of(s.capabilities)}, {"simulated", s.id.starts_with("sim-")}});
        print_json("forge.route/1", {{"devices", devices}, {"routes", rows}, {"notes", notes}});
        return {};
    }
    for (const auto& n : notes)
        std::cerr << n << "\n";
    std::cout << text;
    return {};
}

} // namespace

void add_route_command(CLI::App& root, cli_state& state) {
    auto* command = root.add_subcommand("route", "Which device can run a workload, which one would be chosen, and what the others lack");
    const auto o = std::make_shared<route_options>();
    command->add_option("workload", o->workload, "Its name (default: all of them)");
    command->add_option("--split-cpu", o->split, "Parts that a CPU device is split into")->check(CLI::Range(0u, 256u));
    command->add_flag("--json", o->json, "JSON on standard output");
    command->callback([o, &state] {
        try {
            if (auto done = show_routes(*o); !done)
                report_error(state, done.reason());
        } catch (const failure& f) { // what an engine throws
            report_error(state, f.reason());
        }
    });
}

} // namespace forge::app
