// SPDX-License-Identifier: AGPL-3.0-only
// forge npu compare: one task on chains of our own, in f32, in int4 and in both, sample by sample.
#include "apps/forge/npu_commands.hpp"

#include "apps/forge/conductor_device.hpp"
#include "apps/forge/npu_device_search.hpp"
#include "apps/forge/npu_model_data.hpp"
#include "libactors/engine/dense/software_engine.hpp"
#include "libactors/engine/npu/int4.hpp"
#include "libactors/engine/npu/sim_akd1000.hpp"
#include "libactors/learn/hybrid/architecture_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>

namespace forge::app {

namespace {

struct compare_options {
    std::vector<std::string> runs;
    std::string head = "quenched_thermalisation";
    std::uint32_t units = 128;
    std::uint64_t seed = 42;
    std::uint32_t candidates = 0;
    bool all_folds = false;
    bool attack = false;
    bool json = false;
};

constexpr std::size_t study_folds = 5;

/// One chain with the labels of one head, after as many trajectories as the last label needs.
labelled_sequence sequence_of(const chain_history& h, const equilibrium_table& e, std::size_t column) {
    labelled_sequence s;
    std::size_t asked = 0; // rows up to the last label
    each_row(h, e, [&](const feature_vector& v, const training_row* row) {
        s.inputs.insert(s.inputs.end(), v.begin(), v.end());
        const double y = row != nullptr ? row->targets[column] : std::numeric_limits<double>::quiet_NaN();
        s.labels.push_back(std::isfinite(y) ? (y > 0.5 ? 1.0f : 0.0f) : std::numeric_limits<float>::quiet_NaN());
        if (std::isfinite(y))
            asked = s.labels.size();
    });
    s.labels.resize(asked);
    s.inputs.resize(asked * feature_count);
    return s;
}

/// One fold is for the test, the next one for validation; partners share a fold. Equilibrium values, which labels need, are of training chains.
result<std::vector<labelled_sequence>> task_of(const chain_view& chains, head_id head, std::size_t held_out) {
    const auto validation = (held_out + 1) % study_folds;
    const auto fold = folds_by_chain(chains, study_folds);
    const auto group = partnerships(chains);
    chain_view training;
    for (std::size_t k = 0; k < chains.size(); ++k)
        if (fold[k] != held_out && fold[k] != validation)
            training.push_back(chains[k]);
    const auto e = equilibrium_table::make(training);
    if (!e)
        return e.reason();
    std::vector<labelled_sequence> all;
    for (std::size_t k = 0; k < chains.size(); ++k) {
        auto s = sequence_of(*chains[k], *e, *column_of(head));
        if (s.labels.empty())
            continue;
        s.group = group[k];
        s.role = fold[k] == held_out ? sample_role::test : fold[k] == validation ? sample_role::validation : sample_role::train;
        all.push_back(std::move(s));
    }
    if (all.empty())
        return error{errc::invalid_argument, fmt::format("the head {} has no target on {}", forge::about(head).name, to_text(chains.front()->lattice)),
                     "forge npu compare",
                     head == head_id::phase ? "a lattice whose time is its shortest extent, and betas on both sides of its chi_L peak"
                                            : "longer chains"};
    return all;
}

/// Share of class 1 among the asked rows of a role.
rate base_rate(std::span<const labelled_sequence> all, sample_role role) {
    rate r;
    for (const auto& s : all)
        if (s.role == role)
            for (const float y : s.labels) {
                r.n += std::isnan(y) ? 0 : 1;
                r.k += y > 0.5f ? 1 : 0;
            }
    return r;
}

/// The conductor's own shape, or the best of some by validation chains, which are neither trained on nor tested.
result<reservoir_shape> shape_for(std::span<const labelled_sequence> all, const compare_options& o, dense_engine& host, dense_engine& device) {
    if (o.candidates == 0)
        return conductor_shape(o.units, 1, o.seed).reservoir;
    search_options s;
    s.candidates = o.candidates;
    s.deployed = 0;
    s.units = {o.units};
    s.seed = o.seed;
    const auto found = search_architecture(all, feature_count, host, device, s);
    if (!found)
        return found.reason();
    if (found->empty())
        return error{errc::numerics_failed, "no candidate has a reservoir with a loop", "forge npu compare", "more candidates (--candidates)"};
    return found->front().shape;
}

/// What a campaign's conductor does on the device: readouts trained on states of the software, 8-bit ranges from the bounds of the features.
/// @param int4_weights  the software has the device's weights, as forge npu train --int4-weights
result<mode_row> as_in_campaigns(const reservoir_shape& shape, std::span<const labelled_sequence> all, dense_engine& host, dense_engine& device,
                                 bool int4_weights) {
    auto p = train_classifier(shape, all, host, {}, {.readouts = readout_place::host});
    if (!p)
        return p.reason();
    if (int4_weights) {
        const std::size_t columns = shape.inputs + shape.units;
        for (std::size_t row = 0; row < shape.units; ++row) {
            const auto w = std::span(p->reservoir).subspan(row * columns, columns);
            const auto q = quantise_channel(w);
            for (std::size_t k = 0; k < columns; ++k)
                w[k] = static_cast<float>(q.q[k]) * q.scale;
        }
        p = retrain_classifier(*p, all, host, {}, {.readouts = readout_place::host});
        if (!p)
            return p.reason();
    }
    p->examples = range_of_features(shape.inputs, shape.units);
    mode_row row;
    row.name = int4_weights ? "hybrid, trained in f32 on int4 W" : "hybrid, readouts trained in f32";
    auto answers = classify(*p, all, sample_role::test, host, {&device},
                            {.readouts = readout_place::host, .int4_tolerance = std::numeric_limits<double>::infinity()}, &row.cost);
    if (!answers)
        return answers.reason();
    row.answers = std::move(*answers);
    return row;
}

/// Answers of another fold join those that are there: each is of a network that saw neither.
void append(std::vector<mode_row>& all, std::vector<mode_row>&& more) {
    for (std::size_t k = 0; k < more.size(); ++k) {
        if (all.size() <= k) {
            all.push_back(std::move(more[k]));
            continue;
        }
        auto& a = all[k].answers;
        const auto& b = more[k].answers;
        a.right.insert(a.right.end(), b.right.begin(), b.right.end());
        a.group.insert(a.group.end(), b.group.begin(), b.group.end());
        a.label.insert(a.label.end(), b.label.begin(), b.label.end());
    }
    for (auto& row : all)
        row.to_f32 = compare_paired(all.front().answers.right, row.answers.right, row.answers.group);
}

result<nlohmann::json> compare_on(const chain_view& chains, const compare_options& o) {
    software_engine host;
    sim_akd1000 sim;
    std::vector<mode_row> modes;
    std::vector<attack_row> attacks;
    rate asked;
    auto shapes = nlohmann::json::array();
    for (std::size_t f = 0; f < (o.all_folds ? study_folds : 1); ++f) {
        const auto all = task_of(chains, *forge::head_from(o.head), f);
        if (!all)
            return all.reason();
        const auto shape = shape_for(*all, o, host, sim);
        if (!shape)
            return shape.reason();
        const auto taught = base_rate(*all, sample_role::train), here = base_rate(*all, sample_role::test);
        if (!o.json)
            std::cout << fmt::format("{} on {}: {} chains; fold {}: {} training rows, class 1 {:.4f}; {} held out\n1 reservoir of {} units, spectral "
                                     "radius {:.3f}, leak {:.3f}, inputs {:.3f}, seed {}\n",
                                     o.head, to_text(chains.front()->lattice), all->size(), f, taught.n, taught.value(), here.n, shape->units,
                                     shape->spectral_radius, shape->leak, shape->input_scale, shape->seed)
                      << std::flush;
        shapes.push_back({{"fold", f},
                          {"training_rows", taught.n},
                          {"training_base_rate", taught.value()},
                          {"units", shape->units},
                          {"seed", shape->seed},
                          {"spectral_radius", shape->spectral_radius},
                          {"leak", shape->leak},
                          {"connectivity", shape->connectivity},
                          {"input_scale", shape->input_scale}});
        auto rows = compare_modes(*shape, *all, host, sim);
        if (!rows)
            return rows.reason();
        for (const bool int4_weights : {false, true}) {
            auto campaign_row = as_in_campaigns(*shape, *all, host, sim, int4_weights);
            if (!campaign_row)
                return campaign_row.reason();
            rows->push_back(std::move(*campaign_row));
        }
        append(modes, std::move(*rows));
        asked.n += here.n;
        asked.k += here.k;
        if (o.attack && f == 0) {
            auto made = attack_execution(*shape, *all, host, sim);
            if (!made)
                return made.reason();
            attacks = std::move(*made);
        }
    }
    const double constant = std::max(asked.value(), 1.0 - asked.value());
    nlohmann::json data{{"lattice", chains.front()->lattice.n}, {"chains", chains.size()}, {"held_out_rows", asked.n},
                        {"base_rate", asked.value()},           {"constant", constant},    {"folds", std::move(shapes)}};
    if (!o.json)
        std::cout << fmt::format("held out: {} rows of {} partnerships, class 1 {:.4f}; a constant is right {:.4f}\n", asked.n,
                                 modes.front().to_f32.groups, asked.value(), constant);
    data["modes"] = print_modes(modes, o.json);
    if (o.attack)
        data["attacks"] = print_attack(attacks, o.json);
    if (!o.json)
        std::cout << "\n";
    return data;
}

result<void> compare(const compare_options& o) {
    const auto data = read_runs(o.runs, [](std::size_t done, std::size_t all) {
        if (fancy_terminal())
            std::cerr << fmt::format("\r\x1b[Kreading runs: {} of {}{}", done, all, done == all ? "\r\x1b[K" : "") << std::flush;
    });
    if (!data)
        return data.reason();
    auto results = nlohmann::json::array();
    for (const auto& lattice : data->lattices()) {
        auto one = compare_on(data->of(lattice), o);
        if (!one)
            return one.reason();
        results.push_back(std::move(*one));
    }
    if (o.json)
        print_json("forge.npu.compare/1", {{"head", o.head}, {"device", "sim-akd1000"}, {"results", results}});
    return {};
}

} // namespace

void add_npu_compare_command(CLI::App& npu, cli_state& state) {
    auto* command =
        npu.add_subcommand("compare", "One task on held-out chains of runs: f32 tanh, int4 bounded ReLU and hybrid on sim-akd1000, sample by sample");
    const auto o = std::make_shared<compare_options>();
    command->add_option("RUN", o->runs, "run directories: hot and cold starts at several betas")->required();
    command->add_option("--head", o->head, "what is asked")
        ->check(CLI::IsMember({"quenched_thermalisation", "phase", "rejection"}))
        ->capture_default_str();
    command->add_option("--units", o->units, "units of the reservoir")->check(CLI::Range(8u, 1000u))->capture_default_str();
    command->add_option("--seed", o->seed, "of its weights, and of candidates")->capture_default_str();
    command->add_option("--candidates", o->candidates, "reservoirs to choose from by validation chains; 0: the conductor's own shape")
        ->check(CLI::Range(0u, 1000u))
        ->capture_default_str();
    command->add_flag("--all-folds", o->all_folds, "hold out each of five folds once, not the first one only");
    command->add_flag("--attack", o->attack, "how attacks made for f32 fare on int4 (first fold)");
    command->add_flag("--json", o->json, "machine-readable");
    command->callback([o, &state] {
        if (const auto done = compare(*o); !done)
            report_error(state, done.reason());
    });
}

} // namespace forge::app
