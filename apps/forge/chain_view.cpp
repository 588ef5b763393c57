// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/chain_view.hpp"

#include "apps/forge/chain_verify.hpp"
#include "apps/forge/control_point.hpp"
#include "apps/forge/progress.hpp"
#include "libactors/engine/opencl/opencl_system.hpp"
#include "libactors/hmc/start.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iostream>

namespace forge::app {

namespace {

/// What the campaign says of itself, live or as it was last written down.
result<nlohmann::json> status_of(const run_folder& folder, bool& live) {
    auto now = ask_campaign(folder, {{"ask", "status"}});
    live = static_cast<bool>(now);
    if (live)
        return now;
    std::ifstream in(folder.status());
    auto s = nlohmann::json::parse(in, nullptr, false);
    if (s.is_discarded() || !s.contains("chains"))
        return error{errc::not_found, "this run has not published a snapshot", folder.status().string(), "forge ledger check " + folder.root.string()};
    return s;
}

std::string cell(const nlohmann::json& j, const char* key, const char* format) {
    const auto at = j.find(key);
    return at != j.end() && at->is_number() ? fmt::format(fmt::runtime(format), at->get<double>()) : "n/a";
}

void show_chains(const run_view& view, const std::string& only, cli_state& state) {
    auto folder = find_run(view.run);
    if (!folder)
        return report_error(state, folder.reason());
    bool live = false;
    const auto s = status_of(*folder, live);
    if (!s)
        return report_error(state, s.reason());
    auto rows = nlohmann::json::array();
    for (const auto& c : (*s)["chains"])
        if (only.empty() || chain_from_text(c.value("chain", "")) == chain_from_text(only))
            rows.push_back(c);
    if (!only.empty() && rows.empty())
        return report_error(state, {errc::not_found, "there is no chain " + only, folder->root.string(), "forge chain list"});
    std::vector<std::string> warnings;
    if (!live)
        warnings.push_back("no process runs this campaign; this is its last snapshot, of " + s->value("at", std::string("n/a")));
    if (view.json)
        return print_json(only.empty() ? "forge.chain.list/1" : "forge.chain.show/1", only.empty() ? rows : rows[0], warnings);
    if (only.empty()) {
        std::cout << fmt::format("{:<6} {:<12} {:<13} {:>6} {:>8} {:>10} {:>10} {:>8} {:>9}\n", "CHAIN", "DEVICE", "PHASE", "EPOCH", "BETA", "TRAJ", "SEALED", "TRAJ/S", "RESTARTS");
        for (const auto& c : rows)
            std::cout << fmt::format("{:<6} {:<12} {:<13} {:>6} {:>8} {:>10} {:>10} {:>8} {:>9}\n", c.value("chain", "n/a"), c.value("device", "n/a"), c.value("phase", "n/a"),
                                     cell(c, "epoch", "{:.0f}"), cell(c, "beta", "{:.4f}"), cell(c, "trajectory", "{:.0f}"), cell(c, "sealed", "{:.0f}"),
                                     cell(c, "trajectories_per_s", "{:.1f}"), cell(c, "restarts", "{:.0f}"));
    } else {
        for (const auto& [key, value] : rows[0].items())
            std::cout << fmt::format("{:<20} {}\n", key, value.is_string() ? value.get<std::string>() : value.is_null() ? "n/a" : value.dump());
    }
    for (const auto& w : warnings)
        std::cout << "! " << w << "\n";
}

struct verify_options {
    std::string chain;
    std::string device;
    std::uint64_t last = 0;
    std::uint32_t split = 0;
    std::shared_ptr<run_view> view;
};

void verify(const verify_options& o, cli_state& state) {
    auto folder = find_run(o.view->run);
    if (!folder)
        return report_error(state, folder.reason());
    const auto chain = chain_from_text(o.chain);
    if (!chain)
        return report_error(state, {errc::invalid_argument, "\"" + o.chain + "\" is no chain", "chain", "c0, c1, ..."});
    const auto plan = campaign_of(*folder);
    if (!plan)
        return report_error(state, plan.reason());
    const auto system = opencl_system::discover(o.split);
    if (!system)
        return report_error(state, system.reason());
    opencl_options options;
    options.cache_dir = default_cache_dir();
    const auto device = o.device.empty() ? system->devices().front().id : o.device;
    const auto engine = system->make_engine(device, options);
    if (!engine)
        return report_error(state, engine.reason());
    const auto start_links = [&](const std::string& seed) -> result<gauge_field> {
        if (plan->start == start_kind::file)
            return error{errc::unsupported, "this campaign starts from a file, and no kept checkpoint is old enough", plan->start_file, "a smaller --last"};
        return plan->starts_hot(*chain) ? hot_start(plan->lattice, {rng_key(seed, *chain), 0, 0}) : cold_start(plan->lattice);
    };
    const bool talk = !o.view->json && fancy_terminal();
    const auto done = verify_chain(*folder, *chain, o.last > 0 ? std::optional(o.last) : std::nullopt, **engine, start_links, [talk](std::uint64_t n, std::uint64_t total) {
        if (talk && (n % 16 == 0 || n == total))
            std::cerr << fmt::format("\r{}/{}", n, total) << (n == total ? "\n" : "");
    });
    if (!done)
        return report_error(state, done.reason());
    const char* outcome = done->outcome == verify_outcome::identical ? "bit-identical" : done->outcome == verify_outcome::within_bound ? "within bound" : "mismatch";
    if (done->outcome == verify_outcome::mismatch)
        state.exit_code = 6;
    const bool same = done->outcome == verify_outcome::identical;
    if (o.view->json)
        return print_json("forge.chain.verify/1", {{"chain", to_text(*chain)}, {"device", device}, {"from_trajectory", done->from}, {"last_trajectory", done->last},
                                                   {"identical", done->checked}, {"outcome", outcome}, {"first_different", same ? nlohmann::json(nullptr) : nlohmann::json(done->first_different)},
                                                   {"plaquette_difference", same ? nlohmann::json(nullptr) : nlohmann::json(done->plaquette_difference)},
                                                   {"delta_h_difference", same ? nlohmann::json(nullptr) : nlohmann::json(done->delta_h_difference)}});
    std::cout << fmt::format("{} on {}: trajectories {} ... {} computed again: {}", to_text(*chain), device, done->from + 1, done->last, outcome);
    if (!same)
        std::cout << fmt::format(" from trajectory {} on ({} before it identical); plaquette differs by {:.2e}, dH by {:.2e}", done->first_different, done->checked,
                                 done->plaquette_difference, done->delta_h_difference);
    std::cout << "\n";
}

} // namespace

void add_chain_views(CLI::App& chain, cli_state& state) {
    auto* list = chain.add_subcommand("list", "Where every chain runs and how far it is");
    const auto all = add_run_view(*list);
    list->callback([all, &state] { show_chains(*all, "", state); });
    auto* show = chain.add_subcommand("show", "Everything about one chain");
    const auto one = add_run_view(*show);
    auto name = std::make_shared<std::string>();
    show->add_option("chain", *name, "Chain, e.g. c0")->required();
    show->callback([one, name, &state] { show_chains(*one, *name, state); });
    auto* again = chain.add_subcommand("verify", "Compute committed trajectories again and compare them bit by bit");
    again->footer("Exit code 6 when a record does not come out. The campaign may run meanwhile.");
    auto o = std::make_shared<verify_options>();
    o->view = add_run_view(*again);
    again->add_option("chain", o->chain, "Chain, e.g. c0")->required();
    again->add_option("--last", o->last, "At least the last N (default: from the oldest checkpoint that is kept)")->check(CLI::PositiveNumber);
    again->add_option("--device", o->device, "Device to compute on (default: the first)");
    again->add_option("--split-cpu", o->split, "As in the campaign's [devices]");
    again->callback([o, &state] { verify(*o, state); });
}

} // namespace forge::app
