// SPDX-License-Identifier: AGPL-3.0-only
// forge npu train, eval, export, import.
#include "apps/forge/npu_commands.hpp"
#include "apps/forge/npu_model_json.hpp"
#include "apps/forge/npu_model_training.hpp"

#include "libactors/checkpoint/mapped_file.hpp"
#include "libactors/engine/opencl/clblast_gram.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iostream>

namespace forge::app {

namespace {

using json = nlohmann::json;

study_progress talk() {
    return [](const std::string& what) { std::cerr << (fancy_terminal() ? "\r\x1b[K" : "") << what << (fancy_terminal() ? "" : "\n") << std::flush; };
}

void end_talk() {
    if (fancy_terminal())
        std::cerr << "\r\x1b[K";
}

result<training_data> read_all(const std::vector<std::string>& runs) {
    auto data = read_runs(runs, [](std::size_t done, std::size_t all) {
        if (fancy_terminal())
            std::cerr << fmt::format("\r\x1b[Kreading runs: {} of {}", done, all) << std::flush;
    });
    end_talk();
    if (data)
        for (const auto& s : data->skipped)
            std::cerr << "left out: " << s << "\n";
    return data;
}

struct train_options {
    std::vector<std::string> runs;
    std::string out;
    study_options study; // one reservoir: three cost a 4^4 campaign two percent, and no study was better for them
    std::string device = "host";
    bool unjudged = false;
    bool json = false;
};

/// Null for the host.
result<std::unique_ptr<gram_engine>> gram_on(const std::string& device) {
    if (device == "host")
        return std::unique_ptr<gram_engine>();
    if (!device.starts_with("opencl:"))
        return error{errc::invalid_argument, "there is no device \"" + device + "\" to train on", "--device", "host, or an OpenCL device of forge device list"};
    return make_clblast_gram(device);
}

result<void> train(train_options o) {
    const auto gram = gram_on(o.device); // before anything is read: what is not there is said at once
    if (!gram)
        return gram.reason();
    o.study.gram = gram->get();
    const auto data = read_all(o.runs);
    if (!data)
        return data.reason();
    const auto m = train_model(*data, o.study, !o.unjudged, talk());
    end_talk();
    if (!m)
        return m.reason();
    if (auto saved = save_model(*m, o.out); !saved)
        return saved;
    auto heads = nlohmann::json::array();
    std::vector<std::vector<std::string>> rows;
    for (const auto& h : all_heads()) {
        const auto* s = m->standing(h.name);
        const bool trained = m->network.trained(std::string(h.name));
        const std::string verdict = !h.applicable() ? "not applicable: " + std::string(h.unavailable)
                                    : !trained      ? "no target on this lattice"
                                    : s->trusted    ? "trusted"
                                    : s->score      ? "untrusted: does not beat constant and simple rule, or is too weak"
                                                    : "untrusted: not judged";
        const auto number = [](const std::optional<double>& x) { return x ? fmt::format("{:.3f}", *x) : std::string("n/a"); };
        rows.push_back({std::string(h.name), h.kind == head_kind::classification ? "AUC" : "R^2", number(s != nullptr ? s->score : std::nullopt),
                        number(s != nullptr ? s->rule : std::nullopt), verdict});
        heads.push_back({{"head", h.name},
                         {"trained", trained},
                         {"trusted", s != nullptr && s->trusted},
                         {"score", s != nullptr && s->score ? nlohmann::json(*s->score) : nlohmann::json(nullptr)},
                         {"rule", s != nullptr && s->rule ? nlohmann::json(*s->rule) : nlohmann::json(nullptr)},
                         {"verdict", verdict}});
    }
    const auto& stop = m->thermalisation.front();
    if (o.json) {
        print_json("forge.npu.train/1", {{"model", o.out},
                                         {"device", o.device},
                                         {"runs", m->runs},
                                         {"chains", m->chains},
                                         {"rows", m->rows},
                                         {"lattice", stop.lattice.n},
                                         {"heads", heads},
                                         {"thermalisation",
                                          {{"rule", name_of(stop.settings.rule)},
                                           {"z", stop.settings.z},
                                           {"agree_z", stop.settings.agree_z},
                                           {"near", stop.settings.near_plaquette},
                                           {"window", stop.settings.window}}},
                                         {"chi_peak_beta", m->equilibrium.front().chi_peak() ? nlohmann::json(m->equilibrium.front().chi_peak()->beta)
                                                                                             : nlohmann::json(nullptr)}});
        return {};
    }
    std::cout << fmt::format("{}: {} chains of {} runs on {}, {} rows, {} reservoirs of {} units\n\n", o.out, m->chains, m->runs.size(),
                             to_text(stop.lattice), m->rows, m->network.shape().reservoirs, m->network.shape().reservoir.units)
              << markdown({"head", "score", "held out", "simple rule", "verdict"}, rows)
              << fmt::format("\nthermalisation stops by the {} (bracket z {}, distances below {:.3f})\n", name_of(stop.settings.rule),
                             stop.settings.z, stop.settings.near_plaquette)
              << (m->equilibrium.front().chi_peak() ? fmt::format("chi_L peaks at beta {:.4f}\n", m->equilibrium.front().chi_peak()->beta)
                                                    : std::string("chi_L has no peak inside these betas\n"));
    return {};
}

struct eval_options {
    std::vector<std::string> what; ///< MODEL RUN..., or RUN...
    std::vector<std::string> judge; ///< runs
    std::string study;
    bool cross_validate = false;
    study_options options;
    bool json = false;
};

result<void> evaluate(eval_options o) {
    std::error_code ignored;
    std::vector<study_report> reports;
    if (o.cross_validate && o.study.empty())
        o.study = "heads";
    if (!o.judge.empty() && o.study != "thermalisation" && o.study != "phase" && o.study != "rejection")
        return error{errc::invalid_argument, "only the studies thermalisation, phase and rejection have runs to judge apart from those that teach", "forge npu eval",
                     "--study one of them, or forge npu eval MODEL RUN..."};
    if (o.study.empty()) {
        if (o.what.size() < 2 || std::filesystem::is_directory(o.what.front(), ignored))
            return error{errc::invalid_argument, "a model and runs to judge it on are expected", "forge npu eval",
                         "forge npu eval MODEL RUN..., or forge npu eval --cross-validate RUN..."};
        const auto m = load_model(o.what.front());
        if (!m)
            return m.reason();
        const auto data = read_all({o.what.begin() + 1, o.what.end()});
        if (!data)
            return data.reason();
        auto r = judge_model(*m, *data, o.options, talk());
        end_talk();
        if (!r)
            return r.reason();
        reports.push_back(std::move(*r));
    } else {
        auto runs = o.what;
        runs.insert(runs.end(), o.judge.begin(), o.judge.end());
        const auto data = read_all(runs);
        if (!data)
            return data.reason();
        o.options.judged.assign(data->runs.begin() + static_cast<std::ptrdiff_t>(o.what.size()), data->runs.end());
        if (!o.judge.empty())
            for (const auto& lattice : data->lattices()) {
                const auto chains = data->of(lattice);
                if (const auto judged = plan_folds(chains, o.options).chains(); judged == 0 || judged == chains.size())
                    return error{errc::invalid_argument, to_text(lattice) + ": there are no chains " + (judged == 0 ? "to judge" : "that teach"), "forge npu eval",
                                 "runs of each lattice on both sides of --judge"};
            }
        std::vector<result<study_report>> done;
        if (o.study == "bootstrap") {
            done.push_back(study_bootstrap(*data, o.options, talk()));
        } else {
            for (const auto& lattice : data->lattices()) {
                const auto chains = data->of(lattice);
                done.push_back(o.study == "thermalisation" ? study_thermalisation(chains, o.options, talk())
                               : o.study == "phase"        ? study_phase(chains, o.options, talk())
                               : o.study == "rejection"    ? study_rejection(chains, o.options, talk())
                                                           : study_heads(chains, o.options, talk()));
            }
        }
        end_talk();
        for (auto& r : done) {
            if (!r)
                return r.reason();
            reports.push_back(std::move(*r));
        }
    }
    if (o.json) {
        auto all = nlohmann::json::array();
        for (auto& r : reports)
            all.push_back(std::move(r.data));
        print_json("forge.npu.eval/1", {{"study", o.study.empty() ? "model" : o.study}, {"results", all}});
        return {};
    }
    for (const auto& r : reports)
        std::cout << r.text << "\n";
    return {};
}

result<void> export_model(const std::string& file, std::uint32_t reservoir, bool json_wanted) {
    const auto m = load_model(file);
    if (!m)
        return m.reason();
    if (json_wanted) {
        const auto j = model_to_json(*m, reservoir);
        if (!j)
            return j.reason();
        std::cout << j->dump() << "\n"; // no envelope: the file is for programs that know these fields at the top
        return {};
    }
    const auto& s = m->network.shape();
    std::cout << fmt::format("{}: {} reservoirs of {} units, {} inputs (features {}), seed {}, {} chains of {} runs, {} rows\n{}\n", file,
                             s.reservoirs, s.reservoir.units, s.reservoir.inputs, s.feature_version, s.reservoir.seed, m->chains, m->runs.size(),
                             m->rows, m->provenance);
    for (const auto& h : m->heads)
        std::cout << fmt::format("  {:<24} {}{}\n", h.name, m->network.trained(h.name) ? "trained" : "not trained", h.trusted ? ", trusted" : "");
    return {};
}

result<void> import_model(const std::string& from, const std::string& to) {
    constexpr std::uintmax_t bytes_max = std::uintmax_t{1} << 29;
    std::error_code status;
    const auto size = std::filesystem::file_size(from, status);
    if (status)
        return error{errc::not_found, "cannot read the file: " + status.message(), from, "check the name"};
    if (size > bytes_max)
        return error{errc::unsupported, "the file has more than 512 MiB", from, "is this the right file?"};
    std::ifstream in(from);
    const auto j = nlohmann::json::parse(in, nullptr, false);
    if (j.is_discarded())
        return error{errc::malformed, "the file is no JSON", from, "forge npu export MODEL --json writes such files"};
    result<conductor_model> m = [&]() -> result<conductor_model> {
        try {
            return model_from_json(j);
        } catch (const nlohmann::json::exception& e) { // a field of another type than the ones that are checked by hand
            return error{errc::malformed, std::string("a field has another type than it should: ") + e.what(), "", "is this file whole, and of this kind?"};
        }
    }();
    if (!m) {
        auto e = m.reason();
        e.where = from + (e.where.empty() ? "" : ", " + e.where);
        return e;
    }
    m->provenance = "forge npu import " + std::filesystem::path(from).filename().string();
    if (auto saved = save_model(*m, to); !saved)
        return saved;
    std::string untrained;
    for (const auto& h : m->heads)
        if (!m->network.trained(h.name))
            untrained += (untrained.empty() ? "" : ", ") + h.name;
    std::cout << fmt::format("{}: {} units, {} inputs, {} heads; none is trusted, variances are unknown\n", to, m->network.shape().reservoir.units,
                             m->network.shape().reservoir.inputs, m->heads.size());
    if (!untrained.empty())
        std::cout << "not trained: " << untrained << "\n";
    if (m->network.shape().feature_version == 0)
        std::cout << "the file does not say what its inputs mean: the conductor will not ask this model\n";
    return {};
}

void add_study_options(CLI::App& command, study_options& o) {
    command.add_option("--units", o.units, "Units of a reservoir")->check(CLI::Range(8, 4096))->capture_default_str();
    command.add_option("--reservoirs", o.reservoirs, "Reservoirs whose answers are averaged")->check(CLI::Range(1, 16))->capture_default_str();
    command.add_option("--seed", o.seed, "Of the first reservoir's weights")->capture_default_str();
}

} // namespace

void add_npu_model_commands(CLI::App& npu, cli_state& state) {
    auto* train_command = npu.add_subcommand("train", "Train a model on the runs of one lattice; heads are judged on held-out chains first");
    auto t = std::make_shared<train_options>();
    train_command->add_option("runs", t->runs, "Run directories")->required();
    train_command->add_option("-o,--out", t->out, "Model file")->required();
    add_study_options(*train_command, t->study);
    train_command->add_flag("--int4-weights", t->study.int4_weights, "Reservoirs of 4-bit weights, for [conductor] device = \"sim-akd1000\"");
    train_command->add_option("--device", t->device,
                              "Where the sums of the readouts are formed: host, or opencl:N with fp64 by CLBlast. Meant for a GPU and "
                              "thousands of --units: the first product compiles for up to a minute, and on CPUs the host is the better choice")
        ->capture_default_str();
    train_command->add_flag("--no-validation", t->unjudged, "Do not judge the heads: then none is trusted");
    train_command->add_flag("--json", t->json, "JSON on standard output");
    train_command->callback([t, &state] {
        if (auto done = train(*t); !done)
            report_error(state, done.reason());
    });

    auto* eval_command = npu.add_subcommand("eval", "Judge a model on runs that it has not seen, or a study with held-out chains");
    auto e = std::make_shared<eval_options>();
    eval_command->add_option("what", e->what, "MODEL RUN..., or RUN... with --study or --cross-validate")->required();
    eval_command->add_option("--study", e->study, "What to study on held-out chains")
        ->check(CLI::IsMember({"heads", "thermalisation", "phase", "rejection", "bootstrap"}));
    eval_command->add_option("--judge", e->judge, "Runs to judge, taught by the others: instead of holding out folds of all (thermalisation, phase, rejection)");
    eval_command->add_flag("--cross-validate", e->cross_validate, "The same as --study heads");
    add_study_options(*eval_command, e->options);
    eval_command->add_flag("--json", e->json, "JSON on standard output");
    eval_command->callback([e, &state] {
        if (auto done = evaluate(*e); !done)
            report_error(state, done.reason());
    });

    struct file_options {
        std::string from, to;
        std::uint32_t reservoir = 0;
        bool json = false;
    };
    auto* export_command = npu.add_subcommand("export", "Print a model: a summary, or its weights as JSON");
    auto x = std::make_shared<file_options>();
    export_command->add_option("model", x->from, "Model file")->required();
    export_command->add_option("--reservoir", x->reservoir, "Which reservoir's weights")->capture_default_str();
    export_command->add_flag("--json", x->json, "w_in, w_res, w_out ... on standard output");
    export_command->callback([x, &state] {
        if (auto done = export_model(x->from, x->reservoir, x->json); !done)
            report_error(state, done.reason());
    });
    auto* import_command = npu.add_subcommand("import", "Read weights from JSON, also of the nine- and eleven-head conductors");
    auto i = std::make_shared<file_options>();
    import_command->add_option("json", i->from, "JSON file")->required();
    import_command->add_option("-o,--out", i->to, "Model file")->required();
    import_command->callback([i, &state] {
        if (auto done = import_model(i->from, i->to); !done)
            report_error(state, done.reason());
    });
}

} // namespace forge::app
