// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/npu_commands.hpp"

#include "apps/forge/npu_model_data.hpp"
#include "apps/forge/npu_steering.hpp"
#include "libactors/control/conductor/steering_study.hpp"

#include <fmt/format.h>

#include <iostream>
#include <map>

namespace forge::app {

namespace {

struct steering_options {
    std::vector<std::string> runs;
    std::uint32_t seeds = 40;
    std::uint32_t thermalise = 100;
    std::uint32_t batch = 400;
    std::string campaigns;
    std::optional<double> target;
    bool json = false;
};

result<void> study(const steering_options& o) {
    auto data = read_runs(o.runs, [](std::size_t, std::size_t) {});
    if (!data)
        return data.reason();
    const auto lattices = data->lattices();
    if (lattices.size() != 1)
        return error{errc::invalid_argument, fmt::format("the runs have {} lattices", lattices.size()), "forge npu steering", "runs of one lattice"};
    std::map<double, measured_series> by_beta;
    for (const auto& chain : data->chains) {
        const auto l = chain.polyakovs();
        if (l.size() <= o.thermalise)
            continue;
        auto& s = by_beta[chain.beta];
        s.beta = chain.beta;
        s.chains.emplace_back(l.begin() + o.thermalise, l.end());
    }
    std::vector<measured_series> stock;
    for (auto& [beta, s] : by_beta)
        stock.push_back(std::move(s));
    steering_study_settings s;
    if (!stock.empty()) {
        s.beta_min = stock.front().beta;
        s.beta_max = stock.back().beta;
    }
    s.spatial_volume = static_cast<double>(lattices.front().spatial_volume());
    s.budgets = {1600, 2400, 3600, 5400, 8100, 12150, 18225};
    s.seeds = o.seeds;
    s.batch = o.batch;
    s.target = o.target.value_or(s.target);
    const auto r = study_steering(stock, s);
    if (!r)
        return r.reason();
    if (o.json) {
        auto rows = nlohmann::json::array();
        for (const auto& t : r->strategies)
            rows.push_back({{"strategy", t.name}, {"rmse", t.rmse}, {"found", t.found}, {"needed", or_null(t.needed)}});
        print_json("forge.npu.steering/1", {{"budgets", s.budgets}, {"seeds", s.seeds}, {"target", s.target}, {"strategies", rows}, {"best_grid", r->best_grid},
                                            {"saved", or_null(r->saved.value)}, {"saved_95", {or_null(r->saved.low), or_null(r->saved.high)}},
                                            {"saved_two_stage", or_null(r->saved_two_stage.value)},
                                            {"saved_two_stage_95", {or_null(r->saved_two_stage.low), or_null(r->saved_two_stage.high)}}});
        return {};
    }
    std::cout << fmt::format("{} resampled: {} betas, {} chains, offset of the transition random in +-{}, {} paired seeds, {} trajectories of overhead a point\n",
                             to_text(lattices.front()), stock.size(), data->chains.size(), s.offset, s.seeds, s.overhead);
    std::cout << fmt::format("{:<16}", "rmse of the peak");
    for (const auto b : s.budgets)
        std::cout << fmt::format("{:>8}", b);
    std::cout << fmt::format("  {:>12}\n", fmt::format("N for {}", s.target));
    for (const auto& t : r->strategies) {
        std::cout << fmt::format("{:<16}", t.name);
        for (const double e : t.rmse)
            std::cout << fmt::format("{:>8.4f}", e);
        std::cout << fmt::format("  {:>12}\n", t.needed ? fmt::format("{:.0f}", *t.needed) : "n/a");
    }
    std::cout << fmt::format("saved by the conductor against the best grid ({}): {}\nsaved against two stages: {}\n(95 % by paired bootstrap; a saving is one only when its lower end is above 0)\n",
                             r->best_grid, to_text(r->saved), to_text(r->saved_two_stage));
    return {};
}

} // namespace

void add_npu_steering_command(CLI::App& npu, cli_state& state) {
    auto* command = npu.add_subcommand("steering", "Does steering a scan pay? The conductor against fixed grids, on resampled chains of finished runs or on whole campaigns");
    const auto o = std::make_shared<steering_options>();
    auto* runs = command->add_option("RUN", o->runs, "run directories to resample: hot and cold starts of one lattice at five betas or more");
    command->add_option("--campaigns", o->campaigns, "folder of scripts/steering-pairs: judge the campaigns there, resample nothing")->excludes(runs);
    command->add_option("--seeds", o->seeds, "worlds to scan")->check(CLI::Range(2u, 10000u))->capture_default_str();
    command->add_option("--thermalise", o->thermalise, "trajectories of each chain that are left out")->capture_default_str();
    command->add_option("--batch", o->batch, "trajectories of a point that the conductor adds")->check(CLI::Range(70u, 100000u))->capture_default_str();
    command->add_option("--target", o->target, "error of the peak's place that is asked for (0.02; of campaigns: the smallest that all but the two-stage scan keep)")->check(CLI::Range(1e-4, 0.2));
    command->add_flag("--json", o->json, "machine-readable");
    command->callback([o, &state] {
        if (o->runs.empty() && o->campaigns.empty()) {
            report_error(state, error{errc::invalid_argument, "nothing to study", "forge npu steering", "RUN ..., or --campaigns FOLDER"});
            return;
        }
        const auto done = o->campaigns.empty() ? study(*o) : study_steering_campaigns({o->campaigns, o->target, o->json});
        if (!done)
            report_error(state, done.reason());
    });
}

} // namespace forge::app
