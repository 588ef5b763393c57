// SPDX-License-Identifier: AGPL-3.0-only
// forge npu mid-trajectory: can a rejection be foreseen half-way? Advice only: giving a trajectory up would break detailed balance.
#include "apps/forge/npu_commands.hpp"

#include "apps/forge/npu_model_study.hpp"
#include "libactors/engine/opencl/opencl_system.hpp"
#include "libactors/engine/reference/reference_engine.hpp"
#include "libactors/hmc/start.hpp"
#include "libactors/hmc/trajectory.hpp"
#include "libactors/learn/rejection_law.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iostream>

namespace forge::app {

namespace {

struct mid_options {
    std::vector<std::uint32_t> extents{4, 4, 4, 4};
    double beta = 5.7;
    double length = 1.4142135623730951;
    std::uint32_t steps = 6;
    std::uint32_t trajectories = 4000;
    std::uint32_t thermalise = 300;
    std::uint64_t seed = 1;
    std::string device; ///< empty: the first OpenCL device, "reference" where there is none
    bool json = false;
};

constexpr std::uint32_t warmup = 20;    ///< accepted without a test
constexpr std::size_t block = 25;       ///< successive trajectories that a resample draws together
constexpr std::size_t mid_resamples = 1000;

/// One finished trajectory.
struct observed {
    double middle = 0.0; ///< dH after half of the steps
    double end = 0.0;
    double minus_log_u = 0.0;
    bool rejected = false;
};

/// An engine and the devices, which must outlive it.
struct opened {
    std::optional<opencl_system> system;
    std::unique_ptr<lattice_engine> engine;
};

result<opened> engine_for(const std::string& wanted) {
    const auto by_hand = [] { return opened{std::nullopt, std::make_unique<reference_engine>()}; };
    if (wanted == "reference")
        return by_hand();
    auto system = opencl_system::discover();
    if (!system || system->devices().empty()) {
        if (wanted.empty())
            return by_hand();
        return error{errc::not_found, "there is no OpenCL device", wanted, "--device reference"};
    }
    opencl_options options;
    options.cache_dir = default_cache_dir();
    auto engine = system->make_engine(wanted.empty() ? system->devices().front().id : wanted, options);
    if (!engine)
        return engine.reason();
    return opened{std::move(*system), std::move(*engine)};
}

/// A thermalised chain from a hot start, every trajectory with its probe.
std::vector<observed> chain_of(lattice_engine& engine, const extents& lattice, const mid_options& o) {
    segment_params p;
    p.beta = o.beta;
    p.trajectory_length = o.length;
    p.n_steps = o.steps;
    const auto fields = engine.allocate(lattice);
    fields->upload(hot_start(lattice, {o.seed, 0, 0}));
    auto current = measure(*fields);
    for (std::uint32_t i = 1; i <= o.thermalise; ++i)
        (void)run_trajectory(*fields, p, {o.seed, i, 1}, i > warmup, current);
    std::vector<observed> all;
    const bool talk = !o.json && fancy_terminal();
    for (std::uint32_t k = 1; k <= o.trajectories; ++k) {
        trajectory_probe probe;
        const auto r = run_trajectory(*fields, p, {o.seed, std::uint64_t{o.thermalise} + k, 1}, true, current, &probe);
        all.push_back({*probe.delta_h_middle, r.delta_h, probe.minus_log_u, !r.accepted});
        if (talk && (k % 64 == 0 || k == o.trajectories))
            std::cerr << fmt::format("\r{}/{}", k, o.trajectories) << (k == o.trajectories ? "\n" : "");
    }
    return all;
}

struct predictor {
    std::string name;
    std::function<double(const observed&)> probability;
};

result<void> study(const mid_options& o) {
    const extents lattice{{o.extents[0], o.extents[1], o.extents[2], o.extents[3]}};
    const auto device = engine_for(o.device);
    if (!device)
        return device.reason();
    const auto all = chain_of(*device->engine, lattice, o);
    const auto first = std::span(all).first(all.size() / 2);
    const auto judged = std::span(all).subspan(all.size() / 2);
    rejection_law taught;
    for (const auto& t : first)
        taught.learn(t.middle, t.end);
    if (!taught.correlation())
        return error{errc::numerics_failed, "dH does not vary", "forge npu mid-trajectory", "fewer steps"};
    const double rate = static_cast<double>(std::count_if(first.begin(), first.end(), [](const auto& t) { return t.rejected; })) /
                        static_cast<double>(first.size());
    const std::vector<predictor> predictors{
        {"base rate", [rate](const observed&) { return rate; }},
        {"u alone", [&](const observed& t) { return *taught.rejection_without_middle(t.minus_log_u); }},
        {"dH(mid) alone", [&](const observed& t) { return *taught.rejection_without_u(t.middle); }},
        {"dH(mid) and u", [&](const observed& t) { return *taught.rejection(t.middle, t.minus_log_u); }},
    };
    std::vector<std::vector<scored>> rows;
    std::vector<roc> curves;
    for (const auto& p : predictors) {
        auto& some = rows.emplace_back();
        for (std::size_t k = 0; k < judged.size(); ++k)
            some.push_back({p.probability(judged[k]), judged[k].rejected ? 1.0 : 0.0, static_cast<std::uint32_t>(k / block)});
        curves.emplace_back(some);
    }
    const std::size_t blocks = (judged.size() + block - 1) / block;
    const auto interval_of = [&](const std::function<std::optional<double>(cluster_weights)>& f) { return cluster_bootstrap(blocks, f, mid_resamples); };
    std::vector<std::vector<std::string>> table;
    auto data = nlohmann::json::array();
    for (std::size_t k = 0; k < predictors.size(); ++k) {
        const auto area = interval_of([&](cluster_weights w) { return curves[k].area(w); });
        const auto score = interval_of([&](cluster_weights w) { return brier(rows[k], w); });
        table.push_back({predictors[k].name, text_of(area), text_of(score, 4)});
        data.push_back({{"predictor", predictors[k].name}, {"auc", to_json(area)}, {"brier", to_json(score)}});
    }
    const auto gain = interval_of([&](cluster_weights w) -> std::optional<double> {
        const auto a = curves[3].area(w);
        const auto b = curves[1].area(w);
        return a && b ? std::optional(*a - *b) : std::nullopt;
    });
    const auto base = interval_of([&](cluster_weights w) { return base_rate(rows[0], w); });
    rejection_law seen;
    for (const auto& t : judged)
        seen.learn(t.middle, t.end);
    if (!seen.correlation())
        return error{errc::numerics_failed, "dH does not vary", "forge npu mid-trajectory", "fewer steps"};
    if (o.json) {
        print_json("forge.npu.mid_trajectory/1", {{"device", device->engine->about().device_name},
                                                  {"lattice", lattice.n},
                                                  {"beta", o.beta},
                                                  {"steps", o.steps},
                                                  {"trajectory_length", o.length},
                                                  {"taught_on", first.size()},
                                                  {"judged_on", judged.size()},
                                                  {"rejected", to_json(base)},
                                                  {"correlation", *seen.correlation()},
                                                  {"predictors", data},
                                                  {"auc_gain_over_u", to_json(gain)}});
        return {};
    }
    std::cout << fmt::format("{} at beta {}, {} steps of length {:.4f} in all, on {}: normal law of dH from {} trajectories, judged on the {} after them\n"
                             "rejected {}; sigma of dH(mid) {:.3f}, of dH(end) {:.3f}, correlation {:.3f}\n\n",
                             to_text(lattice), o.beta, o.steps, o.length, device->engine->about().device_name, first.size(), judged.size(), text_of(base),
                             *seen.sigma_middle(), *seen.sigma_end(), *seen.correlation())
              << markdown({"rejection foreseen from", "AUC", "Brier"}, table)
              << fmt::format("\nAUC, dH(mid) and u minus u alone: {} (95 %, paired bootstrap over blocks of {} trajectories)\n"
                             "advice only: a trajectory that is given up because of it would break detailed balance\n",
                             text_of(gain), block);
    return {};
}

} // namespace

void add_npu_mid_trajectory_command(CLI::App& npu, cli_state& state) {
    auto* command = npu.add_subcommand("mid-trajectory", "Can a rejection be foreseen half-way through a trajectory? Runs a chain of its own");
    const auto o = std::make_shared<mid_options>();
    command->add_option("--extents", o->extents, "nx ny nz nt")->expected(4)->check(CLI::Range(2u, 64u));
    command->add_option("--beta", o->beta, "6/g^2")->check(CLI::Range(0.1, 20.0))->capture_default_str();
    command->add_option("--length", o->length, "of a trajectory")->check(CLI::Range(0.01, 10.0))->capture_default_str();
    command->add_option("--steps", o->steps, "of the integrator (omelyan2) in a trajectory")->check(CLI::Range(2u, 1000u))->capture_default_str();
    command->add_option("--trajectories", o->trajectories, "half to learn the law from, half to judge it")
        ->check(CLI::Range(200u, 10000000u))->capture_default_str();
    command->add_option("--thermalise", o->thermalise, "trajectories before them")->check(CLI::Range(warmup, 100000u))->capture_default_str();
    command->add_option("--seed", o->seed, "of the random numbers")->capture_default_str();
    command->add_option("--device", o->device, "opencl:0, ..., or reference; the first OpenCL device where there is one");
    command->add_flag("--json", o->json, "machine-readable");
    command->callback([o, &state] {
        try {
            if (const auto done = study(*o); !done)
                report_error(state, done.reason());
        } catch (const failure& f) { // what an engine throws
            report_error(state, f.reason());
        }
    });
}

} // namespace forge::app
