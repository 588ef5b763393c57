// SPDX-License-Identifier: AGPL-3.0-only
// forge checkpoint validate: one configuration, evaluated on every device in every arithmetic, and the next trajectory twice.
#include "apps/forge/check_commands.hpp"

#include "apps/forge/campaign_files.hpp"
#include "libactors/engine/opencl/opencl_system.hpp"
#include "libactors/engine/reference/reference_engine.hpp"
#include "libactors/hmc/start.hpp"
#include "libactors/hmc/validation.hpp"

#include <fmt/format.h>

#include <iostream>

namespace forge::app {

namespace {

struct validate_options {
    std::string file;
    std::vector<std::string> devices;
    std::uint32_t split = 0;
    bool json = false;
};

struct validated_on {
    std::string device, device_name, bits_class;
    evaluation seen;
    std::optional<evaluation_difference> difference; ///< unset: this is what the others are held against
    validation_verdict verdict;
};

/// @return errc::not_found for a device that is not there.
result<std::vector<validated_on>> evaluate_everywhere(const chain_state& s, const validate_options& o) {
    const auto system = opencl_system::discover(o.split);
    std::vector<std::string> devices = o.devices;
    if (devices.empty()) {
        if (system)
            for (const auto& d : system->devices())
                if (d.fp64)
                    devices.push_back(d.id);
        devices.emplace_back("reference");
    }
    const noise_id next{rng_key(s.campaign_seed, s.chain), s.trajectory + 1, s.segment.value};
    const bool test = s.trajectory + 1 - s.segment_first >= s.params.n_warmup;
    std::vector<validated_on> all;
    for (const auto& id : devices) {
        std::unique_ptr<lattice_engine> engine;
        if (id == "reference") {
            engine = std::make_unique<reference_engine>();
        } else {
            if (!system)
                return system.reason();
            opencl_options options;
            options.cache_dir = default_cache_dir();
            auto made = system->make_engine(id, options);
            if (!made)
                return made.reason();
            engine = std::move(*made);
        }
        std::vector<arithmetic> arithmetics{{}};
        if (engine->df64_bits())
            arithmetics.push_back({precision_strategy::hybrid, 0.0});
        const auto fields = engine->allocate(s.links.shape());
        for (const auto& a : arithmetics) {
            auto params = s.params;
            params.precision = a;
            validated_on v{id, engine->about().device_name, bits_class_of(*engine, a), evaluate(*fields, s.links, params, next, test), std::nullopt, {true, {}}};
            if (!all.empty()) {
                v.difference = difference_of(all.front().seen, v.seen, s.links.shape());
                v.verdict = judge(*v.difference, all.front().seen, s.links.shape(), s.params.beta, v.bits_class == all.front().bits_class);
            }
            if (!(v.seen.state == s.state))
                v.verdict = {false, {"the device does not find the fingerprint that the checkpoint has"}};
            all.push_back(std::move(v));
        }
    }
    return all;
}

result<void> validate(const validate_options& o, cli_state& state) {
    const auto s = verified_checkpoint(o.file);
    if (!s)
        return s.reason();
    const auto all = evaluate_everywhere(*s, o);
    if (!all)
        return all.reason();
    const auto shape = s->links.shape();
    const bool passed = std::all_of(all->begin(), all->end(), [](const auto& v) { return v.verdict.passed; });
    if (!passed)
        state.exit_code = 6;
    if (o.json) {
        auto rows = nlohmann::json::array();
        for (const auto& v : *all) {
            nlohmann::json apart; // null for the first
            if (const auto& d = v.difference)
                apart = {{"same_bits", d->same_bits}, {"same_decision", d->same_decision}, {"plaquette", d->plaquette}, {"polyakov", d->polyakov},
                         {"force_relative", d->force}, {"delta_h", d->delta_h}};
            const auto p = averages_of(v.seen.sums, shape);
            rows.push_back({{"device", v.device}, {"name", v.device_name}, {"arithmetic", name_of(v.seen.precision.strategy)}, {"bits_class", v.bits_class},
                            {"plaquette", 0.5 * (p.spatial + p.temporal)}, {"force_rms", v.seen.force_rms}, {"delta_h", v.seen.twin.delta_h},
                            {"accepted", v.seen.twin.accepted}, {"difference", apart}, {"passed", v.verdict.passed}, {"problems", v.verdict.problems}});
        }
        print_json("forge.checkpoint.validate/1", {{"file", o.file}, {"chain", to_text(s->chain)}, {"trajectory", s->trajectory}, {"beta", s->params.beta},
                                                   {"extents", shape.n}, {"passed", passed}, {"evaluations", rows}});
        return {};
    }
    std::cout << fmt::format("{}: {} after trajectory {}, beta {}, lattice {}; twin: trajectory {}\n\n", o.file, to_text(s->chain), s->trajectory, s->params.beta,
                             to_text(shape), s->trajectory + 1);
    std::cout << fmt::format("{:<14} {:<8} {:>18} {:>12} {:>13} {:>4}  {}\n", "device", "numbers", "P", "force rms", "dH of twin", "acc", "against the first");
    for (const auto& v : *all) {
        const auto p = averages_of(v.seen.sums, shape);
        std::string against = "n/a";
        if (const auto& d = v.difference)
            against = d->same_bits ? "same bits" : fmt::format("P {:.1e}, force {:.1e}, dH {:.1e}{}", d->plaquette, d->force, d->delta_h, d->same_decision ? "" : ", OTHER DECISION");
        std::cout << fmt::format("{:<14} {:<8} {:>18.15f} {:>12.8f} {:>13.6e} {:>4}  {}\n", v.device, v.seen.precision.strategy == precision_strategy::native ? "fp64" : "df64",
                                 0.5 * (p.spatial + p.temporal), v.seen.force_rms, v.seen.twin.delta_h, v.seen.twin.accepted ? "yes" : "no", against);
        for (const auto& problem : v.verdict.problems)
            std::cout << "  PROBLEM " << problem << "\n";
    }
    std::cout << (passed ? "ok\n" : "NOT ok\n");
    return {};
}

} // namespace

void add_checkpoint_validate_command(CLI::App& checkpoint, cli_state& state) {
    auto* command = checkpoint.add_subcommand("validate", "Evaluate a checkpoint's links on several devices, in fp64 and df64, with the next trajectory; exit 6 when they disagree");
    const auto o = std::make_shared<validate_options>();
    command->add_option("file", o->file, "Checkpoint")->required();
    command->add_option("--devices", o->devices, "opencl:0, ..., or reference; the first one is what the others are held against (default: every OpenCL device with fp64, then reference)");
    command->add_option("--split-cpu", o->split, "Parts that a CPU device is split into")->check(CLI::Range(0u, 256u));
    command->add_flag("--json", o->json, "JSON on standard output");
    command->callback([o, &state] {
        try {
            if (auto done = validate(*o, state); !done)
                report_error(state, done.reason());
        } catch (const failure& f) { // what an engine throws
            report_error(state, f.reason());
        }
    });
}

} // namespace forge::app
