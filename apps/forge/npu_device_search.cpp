// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/npu_device_search.hpp"

#include "libactors/engine/dense/software_engine.hpp"
#include "libactors/engine/npu/sim_akd1000.hpp"
#include "libactors/formats/input_file.hpp"
#include "libactors/learn/hybrid/architecture_search.hpp"
#include "libactors/learn/hybrid/attack_transfer.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <iostream>
#include <limits>

namespace forge::app {

namespace {

constexpr std::size_t csv_bytes_max = std::size_t{1} << 30;

struct search_command {
    std::string sequences;
    std::uint32_t synthetic = 200; ///< sequences of the synthetic task
    search_options search;
    bool compare = false;
    bool attack = false;
    bool json = false;
};

template <class Number>
bool parsed(std::string_view text, Number& to) {
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), to);
    return failed == std::errc{} && end == text.data() + text.size();
}

std::vector<std::string_view> cells_of(std::string_view line) {
    std::vector<std::string_view> cells;
    while (true) {
        const auto comma = line.find(',');
        cells.push_back(line.substr(0, comma));
        if (comma == std::string_view::npos)
            return cells;
        line.remove_prefix(comma + 1);
    }
}

result<labelled_table> read_table(const search_command& c) {
    if (c.sequences.empty())
        return labelled_table{3, synthetic_task(3, c.synthetic, 60, c.search.seed)};
    const auto file = formats::input_file::open(c.sequences);
    if (!file)
        return file.reason();
    if (file->size() > csv_bytes_max)
        return error{errc::unsupported, fmt::format("{} bytes are more than {}", file->size(), csv_bytes_max), c.sequences, "fewer sequences"};
    const auto text = file->read_text(0, static_cast<std::size_t>(file->size()));
    if (!text)
        return text.reason();
    auto table = labelled_from_csv(*text, c.search.seed);
    if (!table) {
        auto e = table.reason();
        e.where = c.sequences + ", " + e.where;
        return e;
    }
    return table;
}

std::string shown(const std::optional<double>& x) { return x ? fmt::format("{:.4f}", *x) : "n/a"; }
nlohmann::json shown_json(const std::optional<double>& x) { return x ? nlohmann::json(*x) : nlohmann::json(nullptr); }

nlohmann::json print_search(const std::vector<search_row>& rows, bool quiet) {
    auto out = nlohmann::json::array();
    std::string text = fmt::format("{:>4} {:>5} {:>7} {:>6} {:>7} {:>7} {:>11} {:>9} {:>9} {:>9}   balanced accuracy\n", "NO", "UNITS", "RADIUS",
                                   "LEAK", "CONNECT", "INPUT", "VALIDATION", "TEST F32", "INT4", "TUNED");
    for (const auto& r : rows) {
        out.push_back({{"candidate", r.candidate},
                       {"units", r.shape.units},
                       {"spectral_radius", r.shape.spectral_radius},
                       {"leak", r.shape.leak},
                       {"connectivity", r.shape.connectivity},
                       {"input_scale", r.shape.input_scale},
                       {"seed", r.shape.seed},
                       {"validation", r.validation},
                       {"test_f32", shown_json(r.test_f32)},
                       {"test_deployed", shown_json(r.test_deployed)},
                       {"test_tuned", shown_json(r.test_tuned)}});
        text += fmt::format("{:>4} {:>5} {:>7.3f} {:>6.3f} {:>7.3f} {:>7.3f} {:>11.4f} {:>9} {:>9} {:>9}\n", r.candidate, r.shape.units,
                            r.shape.spectral_radius, r.shape.leak, r.shape.connectivity, r.shape.input_scale, r.validation, shown(r.test_f32),
                            shown(r.test_deployed), shown(r.test_tuned));
    }
    if (!quiet)
        std::cout << text
                  << "candidates are ranked by validation groups; test groups chose nothing. INT4: sim-akd1000 with the readouts of the\n"
                     "software; TUNED: readouts trained on its states\n";
    return out;
}

} // namespace

nlohmann::json print_modes(const std::vector<mode_row>& rows, bool quiet) {
    auto out = nlohmann::json::array();
    std::string text = fmt::format("\n{:<36} {:>8} {:>9} {:>9}  {:>20} {:>20} {:>9}\n", "MODE (test groups)", "N", "ACCURACY", "BALANCED",
                                   "F32 - IT, points", "BY GROUP", "MCNEMAR P");
    for (const auto& r : rows) {
        const auto a = r.answers.accuracy();
        const auto& d = r.to_f32;
        out.push_back({{"mode", r.name},
                       {"n", a.n},
                       {"groups", d.groups},
                       {"accuracy", a.value()},
                       {"accuracy_low", a.low()},
                       {"accuracy_high", a.high()},
                       {"balanced_accuracy", r.answers.balanced_accuracy()},
                       {"f32_minus_it", d.difference},
                       {"half_width", d.half_width},
                       {"half_width_by_group", d.half_width_by_group},
                       {"only_f32", d.only_a},
                       {"only_it", d.only_b},
                       {"mcnemar_p", d.p_value}});
        text += fmt::format("{:<36} {:>8} {:>9.4f} {:>9.4f}  {:>+9.2f} +- {:>6.2f} {:>13}{:>6.2f} {:>9.2g}\n", r.name, a.n, a.value(),
                            r.answers.balanced_accuracy(), 100 * d.difference, 100 * d.half_width, "+- ", 100 * d.half_width_by_group, d.p_value);
    }
    if (!quiet)
        std::cout << text;
    return out;
}

nlohmann::json print_attack(const std::vector<attack_row>& rows, bool quiet) {
    auto out = nlohmann::json::array();
    const auto json_rate = [](const rate& r) {
        return nlohmann::json{
            {"k", r.k}, {"n", r.n}, {"value", r.n > 0 ? nlohmann::json(r.value()) : nlohmann::json(nullptr)}, {"low", r.low()}, {"high", r.high()}};
    };
    const auto text_rate = [](const rate& r) {
        return r.n > 0 ? fmt::format("{:.3f} [{:.3f}, {:.3f}]", r.value(), r.low(), r.high()) : std::string("n/a");
    };
    std::string text = fmt::format("\n{:>7} {:>8}  {:<23}{:<23}{:<23}{:<23}{:<23}\n", "EPSILON", "N", "F32 FLIPS", "INT4 FLIPS", "OF F32'S, INT4 TOO",
                                   "F32, RANDOM SIGNS", "INT4, RANDOM SIGNS");
    for (const auto& r : rows) {
        out.push_back({{"epsilon", r.epsilon},
                       {"f32_flips", json_rate(r.f32_flips)},
                       {"int4_flips", json_rate(r.int4_flips)},
                       {"transferred", json_rate(r.transferred)},
                       {"f32_random", json_rate(r.f32_random)},
                       {"int4_random", json_rate(r.int4_random)}});
        text += fmt::format("{:>7.3f} {:>8}  {:<23}{:<23}{:<23}{:<23}{:<23}\n", r.epsilon, r.f32_flips.n, text_rate(r.f32_flips),
                            text_rate(r.int4_flips), text_rate(r.transferred), text_rate(r.f32_random), text_rate(r.int4_random));
    }
    if (!quiet)
        std::cout << text << "95 % intervals (Wilson, rows as if independent); one-step sign attack on the float network's last input\n";
    return out;
}

result<std::vector<attack_row>> attack_execution(const reservoir_shape& shape, std::span<const labelled_sequence> all, dense_engine& host, dense_engine& device) {
    const hybrid_options deployed{.readouts = readout_place::host, .int4_tolerance = std::numeric_limits<double>::infinity()};
    const auto p = train_classifier(shape, all, host, {}, {});
    if (!p)
        return p.reason();
    constexpr std::array<double, 5> sizes{0.02, 0.05, 0.1, 0.2, 0.4};
    const auto tuned = retrain_classifier(*p, all, host, {&device}, deployed);
    if (!tuned)
        return tuned.reason();
    return attack_transfer(*p, *tuned, all, sample_role::test, host, device, deployed, sizes);
}

namespace {

result<void> search(const search_command& c) {
    const auto table = read_table(c);
    if (!table)
        return table.reason();
    software_engine host;
    sim_akd1000 sim;
    const auto rows = search_architecture(table->sequences, table->inputs, host, sim, c.search);
    if (!rows)
        return rows.reason();
    if (rows->empty())
        return error{errc::numerics_failed, "no candidate has a reservoir with a loop", "forge npu search",
                     "more candidates, or larger ones (--units)"};
    nlohmann::json data{{"task", c.sequences.empty() ? "synthetic" : c.sequences}, {"sequences", table->sequences.size()}, {"inputs", table->inputs}};
    if (!c.json)
        std::cout << fmt::format("{}: {} sequences of {} inputs\n",
                                 c.sequences.empty() ? "synthetic task (no answer is right more often than 92.3 %)" : c.sequences,
                                 table->sequences.size(), table->inputs);
    data["candidates"] = print_search(*rows, c.json);
    if (c.compare) {
        const auto modes = compare_modes(rows->front().shape, table->sequences, host, sim);
        if (!modes)
            return modes.reason();
        data["modes"] = print_modes(*modes, c.json);
    }
    if (c.attack) {
        const auto attacks = attack_execution(rows->front().shape, table->sequences, host, sim);
        if (!attacks)
            return attacks.reason();
        data["attacks"] = print_attack(*attacks, c.json);
    }
    if (c.json)
        print_json("forge.npu.search/1", data);
    return {};
}

} // namespace

result<labelled_table> labelled_from_csv(std::string_view text, std::uint64_t seed) {
    labelled_table table;
    std::size_t number = 0;
    const auto refuse = [&number](std::string what) {
        return error{errc::malformed, std::move(what), fmt::format("line {}", number),
                     "group,label,NAME,... and one row a step; an empty label asks nothing"};
    };
    while (!text.empty()) {
        ++number;
        const auto end = text.find('\n');
        auto line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        if (line.empty())
            continue;
        const auto cells = cells_of(line);
        if (number == 1) {
            if (cells.size() < 3 || cells[0] != "group" || cells[1] != "label")
                return refuse("the header does not begin with group,label and an input");
            table.inputs = static_cast<std::uint32_t>(cells.size() - 2);
            continue;
        }
        if (cells.size() != table.inputs + 2)
            return refuse(fmt::format("{} cells where the header has {}", cells.size(), table.inputs + 2));
        std::uint64_t group = 0;
        float label = std::numeric_limits<float>::quiet_NaN();
        if (!parsed(cells[0], group))
            return refuse(fmt::format("\"{}\" is no group number", cells[0]));
        if (!cells[1].empty() && (!parsed(cells[1], label) || (label != 0.0f && label != 1.0f)))
            return refuse(fmt::format("\"{}\" is no label: 0, 1 or nothing", cells[1]));
        if (table.sequences.empty() || table.sequences.back().group != group) {
            labelled_sequence fresh;
            fresh.group = group;
            table.sequences.push_back(std::move(fresh));
        }
        for (std::size_t k = 2; k < cells.size(); ++k) {
            float x = 0.0f;
            if (!parsed(cells[k], x) || !std::isfinite(x))
                return refuse(fmt::format("\"{}\" is no finite number", cells[k]));
            table.sequences.back().inputs.push_back(x);
        }
        table.sequences.back().labels.push_back(label);
    }
    if (table.sequences.empty())
        return refuse("there are no rows");
    split_by_group(table.sequences, seed);
    return table;
}

void add_npu_search_command(CLI::App& npu, cli_state& state) {
    auto* search_app = npu.add_subcommand("search", "Search a reservoir in software, quantise the best, deploy and tune them on sim-akd1000");
    auto c = std::make_shared<search_command>();
    search_app->add_option("--sequences", c->sequences, "CSV: group,label,inputs... (default: a synthetic task)");
    search_app->add_option("--synthetic", c->synthetic, "Sequences of the synthetic task, 50 asked rows each")->check(CLI::Range(20u, 100000u));
    search_app->add_option("--candidates", c->search.candidates, "Reservoirs to try")->check(CLI::Range(1, 10000));
    search_app->add_option("--deployed", c->search.deployed, "Best ones to deploy")->check(CLI::Range(0, 1000));
    search_app->add_option("--units", c->search.units, "Sizes to choose from")->check(CLI::Range(2u, 1000u));
    search_app->add_option("--seed", c->search.seed, "Of candidates and of the split into training, validation and test groups");
    search_app->add_flag("--compare", c->compare, "f32 tanh, int4 bounded ReLU and hybrid on the same held-out rows, for the best one");
    search_app->add_flag("--attack", c->attack, "How attacks made for f32 fare on int4, for the best one");
    search_app->add_flag("--json", c->json, "JSON on standard output");
    search_app->callback([c, &state] {
        if (auto done = search(*c); !done)
            report_error(state, done.reason());
    });
}

} // namespace forge::app
