// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/npu_program_commands.hpp"

#include "libactors/engine/dense/software_engine.hpp"
#include "libactors/engine/npu/akida_discovery.hpp"
#include "libactors/engine/npu/sim_akd1000.hpp"
#include "libactors/formats/input_file.hpp"
#include "libactors/formats/output_file.hpp"
#include "libactors/learn/hybrid/hybrid_network.hpp"
#include "libactors/learn/program_builder.hpp"
#include "libactors/numerics/counter_rng.hpp"
#include "libactors/wire/npu_program_codec.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <iostream>

namespace forge::app {

namespace {

struct deploy_options {
    std::string file;
    std::vector<std::string> heads;
    std::vector<std::uint32_t> dims{50, 128};
    std::uint64_t seed = 42;
    std::string activation = "tanh", path = "override", readouts = "routed";
    std::string save;
    bool overwrite = false;
    bool json = false;
};

struct loaded {
    npu_program program;
    std::string sha256;                 ///< empty: not from a file
    std::vector<std::string> untrained; ///< heads without readouts
    bool drawn_examples = false;
};

result<loaded> from_file(const std::string& name) {
    const auto file = formats::input_file::open(name);
    if (!file)
        return file.reason();
    if (file->size() > npu_program_bytes_max)
        return error{errc::malformed, fmt::format("{} bytes are more than a program file has", file->size()), name, "is it another file?"};
    std::vector<std::byte> bytes(file->size());
    if (auto read = file->read(0, bytes); !read)
        return read.reason();
    auto stored = decode_npu_program(bytes);
    if (!stored) {
        auto e = stored.reason();
        e.where = name + (e.where.empty() ? "" : ", " + e.where);
        return e;
    }
    return loaded{std::move(stored->program), to_hex(stored->sha256), {}, false};
}

hybrid_options executor_options(const deploy_options& o) {
    hybrid_options h;
    h.activation = o.activation == "relu" ? state_activation::bounded_relu : state_activation::tanh;
    h.path = o.path == "split" ? linear_path::split : linear_path::threshold_override;
    h.readouts = o.readouts == "host" ? readout_place::host : o.readouts == "device" ? readout_place::device : readout_place::routed;
    return h;
}

/// Normal inputs: ranges for a program that nobody has fed yet.
result<loaded> from_heads(const deploy_options& o) {
    program_builder b;
    reservoir_shape shape;
    shape.inputs = o.dims[0];
    shape.units = o.dims[1];
    shape.seed = o.seed;
    b.shape(shape);
    for (const auto& text : o.heads) {
        const auto h = head_from(text);
        if (!h)
            return h.reason();
        b.add_head(h->name, h->dim, h->activation);
    }
    auto p = b.build();
    if (!p)
        return p.reason();
    std::vector<float> u(std::size_t{p->inputs} * 64);
    for (std::uint32_t k = 0; k < u.size(); ++k)
        u[k] = static_cast<float>(normal_pair(philox4x32({k, 0, 0, 0x6465706c}, {static_cast<std::uint32_t>(o.seed), 0}))[0]);
    auto rows = calibration_rows(*p, executor_options(o), std::vector<std::vector<float>>{u});
    if (!rows)
        return rows.reason();
    p->examples = std::move(rows).value();
    return loaded{std::move(p).value(), "", b.untrained(), true};
}

result<void> save(const deploy_options& o, const npu_program& p) {
    const auto bytes = encode_npu_program(p);
    if (!bytes)
        return bytes.reason();
    auto file = formats::output_file::create_beside(o.save);
    if (!file)
        return file.reason();
    if (auto done = file->write(*bytes); !done)
        return done;
    if (auto done = file->seal(); !done)
        return done;
    return file->publish(o.overwrite);
}

result<void> deploy(const deploy_options& o) {
    if (o.file.empty() == o.heads.empty())
        return error{errc::invalid_argument, "a program file or --heads, one of both", "forge npu deploy",
                     "forge npu deploy FILE, or --heads thermalization:1:sigmoid phase:2:softmax"};
    auto source = o.file.empty() ? from_heads(o) : from_file(o.file);
    if (!source)
        return source.reason();
    const auto& p = source->program;
    software_engine host;
    sim_akd1000 sim;
    auto n = hybrid_network::make(p, host, {&sim}, executor_options(o));
    if (!n)
        return n.reason();
    const auto map_cost = sim.cost();
    const std::size_t width = std::size_t{p.inputs} + p.units;
    for (std::size_t row = 0; row < p.examples.size() / width; ++row)
        if (auto done = n->step(std::span(p.examples).subspan(row * width, p.inputs)); !done)
            return done;
    if (!o.save.empty())
        if (auto saved = save(o, p); !saved)
            return saved;
    const auto& c = n->cost();
    const auto pass = sim.cost();
    const double step_s = c.steps > 0 ? c.model_s / static_cast<double>(c.steps) : 0.0;
    std::vector<std::string> warnings;
    if (!source->untrained.empty())
        warnings.push_back(fmt::format("no readout for: {}; they answer with zeros", fmt::join(source->untrained, ", ")));
    if (source->drawn_examples)
        warnings.push_back("ranges were fixed by drawn inputs (normal, variance 1), not by data");
    std::vector<float> readouts;
    for (const auto& h : p.heads)
        readouts.insert(readouts.end(), h.weights.begin(), h.weights.end());
    const double reservoir_error = int4_error(p.reservoir, width), readout_error = int4_error(readouts, p.units);
    const bool on_device = n->mode() != execution_mode::software_f32;
    if (o.json) {
        auto routes = nlohmann::json::array();
        for (const auto& r : n->routes())
            routes.push_back({{"operation", r.name}, {"where", name_of(r.where)}, {"rule", r.rule}, {"reason", r.reason}});
        print_json("forge.npu.deploy/1",
                   {{"program", p.name},
                    {"sha256", source->sha256.empty() ? nlohmann::json(nullptr) : nlohmann::json(source->sha256)},
                    {"inputs", p.inputs},
                    {"units", p.units},
                    {"heads", p.heads.size()},
                    {"mode", name_of(n->mode())},
                    {"runs", what_runs(find_akida())},
                    {"device_units", sim.units_used()},
                    {"device_units_total", sim.figures().budget.total},
                    {"routes", routes},
                    {"int4_error_reservoir", reservoir_error},
                    {"int4_error_readouts", readout_error},
                    {"steps", c.steps},
                    {"clamped", c.clamped},
                    {"model",
                     on_device ? nlohmann::json{{"step_s", step_s}, {"map_s", map_cost.seconds}, {"source", pass.source}} : nlohmann::json(nullptr)}},
                   warnings);
        return {};
    }
    std::cout << fmt::format("{}: {} inputs, {} units, {} heads; {}\n{}\n", p.name, p.inputs, p.units, p.heads.size(),
                             source->sha256.empty() ? "not from a file" : "sha256 " + source->sha256, what_runs(find_akida()));
    std::cout << fmt::format("mode {}; {} of {} units of the device in use\n", name_of(n->mode()), sim.units_used(), sim.figures().budget.total);
    for (const auto& r : n->routes())
        std::cout << fmt::format("  {:<28} {:<17} rule {:>2}  {}\n", r.name, name_of(r.where), r.rule, r.reason);
    std::cout << fmt::format("4 bits lose {:.1f} % of the reservoir's weights and {:.1f} % of the readouts' (root mean square)\n",
                             100 * reservoir_error, 100 * readout_error);
    std::cout << fmt::format("{} steps of its examples: {} inputs cut by the 8-bit range\n", c.steps, c.clamped);
    if (on_device)
        std::cout << fmt::format("a step {:.0f} us, mapping {:.0f} ms; {}\n", 1e6 * step_s, 1e3 * map_cost.seconds, pass.source);
    if (!o.save.empty())
        std::cout << "written to " << o.save << "\n";
    for (const auto& w : warnings)
        std::cerr << "note: " << w << "\n";
    return {};
}

} // namespace

result<head_spec> head_from(const std::string& text) {
    const auto refuse = [&text](const std::string& what) {
        return error{errc::invalid_argument, what, "head \"" + text + "\"",
                     "name:components:activation, e.g. phase:2:softmax; linear relu sigmoid softmax"};
    };
    const auto last = text.rfind(':');
    const auto first = last == std::string::npos || last == 0 ? std::string::npos : text.rfind(':', last - 1);
    if (first == std::string::npos)
        return refuse("a head is name:components:activation");
    head_spec h;
    h.name = text.substr(0, first);
    const auto number = text.substr(first + 1, last - first - 1);
    const auto [end, failed] = std::from_chars(number.data(), number.data() + number.size(), h.dim);
    if (failed != std::errc{} || end != number.data() + number.size())
        return refuse("\"" + number + "\" is no number of components");
    const auto activation = head_activation_from(text.substr(last + 1));
    if (!activation)
        return refuse("there is no activation \"" + text.substr(last + 1) + "\"");
    h.activation = *activation;
    return h;
}

void add_npu_deploy_command(CLI::App& npu, cli_state& state) {
    auto* deploy_command =
        npu.add_subcommand("deploy", "Map a program: what runs where and why, units, what 4 bits cost, the device's time by its model");
    auto o = std::make_shared<deploy_options>();
    deploy_command->add_option("program", o->file, "Program file");
    deploy_command->add_option("--heads", o->heads, "Instead of a file: heads as name:components:activation; readouts are zeros");
    deploy_command->add_option("--dims", o->dims, "With --heads: inputs and units of the reservoir")->expected(2);
    deploy_command->add_option("--seed", o->seed, "With --heads: of the reservoir");
    deploy_command->add_option("--activation", o->activation, "Of the state: tanh (host) or relu (device)")->check(CLI::IsMember({"tanh", "relu"}));
    deploy_command->add_option("--path", o->path, "How linear sums leave the device: threshold override or W+/W- split")
        ->check(CLI::IsMember({"override", "split"}));
    deploy_command->add_option("--readouts", o->readouts, "Where readouts are computed")->check(CLI::IsMember({"routed", "host", "device"}));
    deploy_command->add_option("--save", o->save, "Write the program to this file");
    deploy_command->add_flag("--overwrite", o->overwrite, "Replace the file if it is there");
    deploy_command->add_flag("--json", o->json, "JSON on standard output");
    deploy_command->callback([o, &state] {
        if (auto done = deploy(*o); !done)
            report_error(state, done.reason());
    });
}

} // namespace forge::app
