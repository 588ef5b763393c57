// SPDX-License-Identifier: AGPL-3.0-only
// forge npu steering --campaigns: whole campaigns, from their ledgers.
#include "apps/forge/npu_steering.hpp"

#include "apps/forge/campaign_files.hpp"
#include "libactors/control/conductor/campaign_study.hpp"
#include "libactors/ledger/ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iostream>
#include <map>

namespace forge::app {

namespace {

namespace fs = std::filesystem;

/// pair-007-two-stage-4-b: pair, strategy, part of the budget; the letter of a second campaign is dropped.
struct run_name {
    std::string pair;
    std::string strategy;
    std::uint32_t part = 1;
    bool grid = false;
};

std::optional<run_name> parse(const std::string& name) {
    constexpr std::string_view first = "pair-";
    const auto dash = name.find('-', first.size());
    if (!name.starts_with(first) || dash == std::string::npos)
        return std::nullopt;
    run_name n{name.substr(0, dash), name.substr(dash + 1), 1, false};
    if (n.strategy.ends_with("-a") || n.strategy.ends_with("-b"))
        n.strategy.resize(n.strategy.size() - 2);
    n.grid = n.strategy.starts_with("uniform-");
    if (n.grid)
        return n;
    const auto at = n.strategy.rfind('-');
    if (at == std::string::npos)
        return std::nullopt;
    const auto* end = n.strategy.data() + n.strategy.size();
    if (const auto [stop, failed] = std::from_chars(n.strategy.data() + at + 1, end, n.part); failed != std::errc{} || stop != end || n.part == 0)
        return std::nullopt;
    n.strategy.resize(at);
    return n;
}

struct read_campaign {
    campaign plan;
    std::vector<scanned_segment> segments;
};

result<read_campaign> read(const fs::path& where) {
    auto folder = find_run(where.string());
    if (!folder)
        return folder.reason();
    auto plan = campaign_of(*folder);
    if (!plan)
        return plan.reason();
    auto book = ledger::open_read_only(folder->ledger());
    if (!book)
        return book.reason();
    read_campaign out{std::move(*plan), {}};
    for (std::uint32_t c = 0; c < book->identity().n_chains; ++c) {
        const auto segments = book->segments(chain_id{c});
        if (!segments)
            return segments.reason();
        std::map<segment_no, std::size_t> place;
        for (const auto& s : *segments) {
            place[s.number] = out.segments.size();
            out.segments.push_back({s.params.beta, 0, {}});
        }
        const auto done = book->each_record(chain_id{c}, true, 1, UINT64_MAX, [&](const record_row& r) {
            auto& s = out.segments[place.at(r.record.segment)];
            if (r.record.measured)
                s.polyakov.push_back(std::hypot(r.record.observed.polyakov_re, r.record.observed.polyakov_im));
            else
                ++s.thermalised;
            return true;
        });
        if (!done)
            return done.reason();
    }
    return out;
}

struct folder_contents {
    std::vector<campaign_pair> pairs;
    std::optional<extents> lattice;
    std::vector<std::string> skipped; ///< pairs that are not complete yet
};

/// A pair is complete when it has as many runs as the fullest one.
result<folder_contents> read_folder(const fs::path& folder) {
    std::map<std::string, std::map<std::string, run_name>> by_pair;
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(folder, failed))
        if (entry.path().extension() == ".done")
            if (const auto name = parse(entry.path().stem().string()))
                by_pair[name->pair].emplace(entry.path().stem().string(), *name);
    if (failed || by_pair.empty())
        return error{errc::not_found, "there are no finished campaigns in pairs", folder.string(), "scripts/steering-pairs FOLDER makes them"};
    std::size_t complete = 0;
    for (const auto& [pair, runs] : by_pair)
        complete = std::max(complete, runs.size());
    folder_contents out;
    for (const auto& [pair, runs] : by_pair) {
        if (runs.size() != complete) {
            out.skipped.push_back(fmt::format("{}: {} of {} campaigns", pair, runs.size(), complete));
            continue;
        }
        campaign_pair p{pair, 0.0, 0.0, {}};
        for (const auto& [run, name] : runs) {
            auto c = read(folder / run);
            if (!c)
                return c.reason();
            if (out.lattice && *out.lattice != c->plan.lattice)
                return error{errc::invalid_argument, "the campaigns have several lattices", (folder / run).string(), "one folder for each lattice"};
            out.lattice = c->plan.lattice;
            if (name.grid)
                p.beta_min = c->plan.beta_min, p.beta_max = c->plan.beta_max;
            auto at = std::find_if(p.campaigns.begin(), p.campaigns.end(), [&n = name](const auto& s) { return s.strategy == n.strategy && s.part == n.part; });
            if (at == p.campaigns.end())
                at = p.campaigns.insert(p.campaigns.end(), {name.strategy, name.grid, name.part, {}});
            at->segments.insert(at->segments.end(), c->segments.begin(), c->segments.end());
        }
        out.pairs.push_back(std::move(p));
    }
    return out;
}

nlohmann::json json_of(const saving& s) { return {{"value", or_null(s.value)}, {"interval_95", {or_null(s.low), or_null(s.high)}}}; }

void print_json_of(const campaign_study& r, const folder_contents& c, const campaign_study_settings& s) {
    auto strategies = nlohmann::json::array();
    for (const auto& t : r.strategies) {
        auto bias = nlohmann::json::array();
        for (const double b : t.bias)
            bias.push_back(std::isfinite(b) ? nlohmann::json(b) : nlohmann::json(nullptr));
        strategies.push_back({{"strategy", t.errors.name}, {"grid", t.grid}, {"trajectories", t.spent}, {"trajectories_by_pair", t.errors.spent}, {"rmse", t.rmse},
                              {"squared_error_by_pair", t.errors.squared}, {"bias", bias}, {"found", t.found}, {"needed", or_null(t.needed)}});
    }
    auto saved = nlohmann::json::array();
    for (const auto& v : r.saved)
        saved.push_back({{"strategy", v.ours}, {"against_grid", json_of(v.against_grid)}, {"against_two_stage", json_of(v.against_two_stage)},
                         {"against_grid_by_law", json_of(v.against_grid_by_law)}});
    auto names = nlohmann::json::array();
    for (const auto& p : c.pairs)
        names.push_back(p.name);
    print_json("forge.npu.steering_campaigns/1",
               {{"lattice", to_text(*c.lattice)}, {"pairs", names}, {"skipped", c.skipped}, {"parts", s.parts}, {"peak", r.peak}, {"peak_error", r.peak_error},
                {"measured", r.trajectories}, {"target", r.target}, {"strategies", strategies}, {"best_grid", r.best_grid}, {"saved", saved}});
}

void print_table(const campaign_study& r, const folder_contents& c, const campaign_study_settings& s) {
    std::cout << fmt::format("{}, {} pairs of campaigns; peak of chi_L by the joint fit of {} measured trajectories: {:.4f} +- {:.4f}\n\n",
                             forge::to_text(*c.lattice), r.pairs, r.trajectories, r.peak, r.peak_error);
    for (const auto& skipped : c.skipped)
        std::cout << "not complete, left out: " << skipped << "\n";
    std::cout << "| strategy |";
    for (const auto part : s.parts)
        std::cout << (part == 1 ? " whole budget: N, rmse (bias), found |" : fmt::format(" 1/{}: N, rmse (bias), found |", part));
    std::cout << fmt::format(" N for {:.4f} |\n|---|", r.target);
    for (std::size_t k = 0; k <= s.parts.size(); ++k)
        std::cout << "---|";
    std::cout << "\n";
    for (const auto& t : r.strategies) {
        std::cout << fmt::format("| {} |", t.errors.name);
        for (std::size_t k = 0; k < s.parts.size(); ++k)
            std::cout << fmt::format(" {:.0f}, {:.4f} ({}), {} |", t.spent[k], t.rmse[k], std::isfinite(t.bias[k]) ? fmt::format("{:+.4f}", t.bias[k]) : "n/a", t.found[k]);
        std::cout << fmt::format(" {} |\n", t.needed ? fmt::format("{:.0f}", *t.needed) : "n/a");
    }
    std::cout << "\n";
    for (const auto& v : r.saved)
        std::cout << fmt::format("{} saves against the best grid ({}): {}, from all budgets if errors fall as N^-1/2: {}; against two stages: {}\n", v.ours, r.best_grid,
                                 to_text(v.against_grid), to_text(v.against_grid_by_law), to_text(v.against_two_stage));
    std::cout << "(95 % by paired bootstrap; a saving is one only when its lower end is above 0)\n";
}

} // namespace

std::string to_text(const saving& s) {
    return fmt::format("{} [{}, {}]", s.value ? fmt::format("{:+.0f} %", 100 * *s.value) : "n/a", s.low ? fmt::format("{:+.0f}", 100 * *s.low) : "n/a",
                       s.high ? fmt::format("{:+.0f}", 100 * *s.high) : "n/a");
}

result<void> study_steering_campaigns(const campaign_study_options& o) {
    const auto contents = read_folder(o.folder);
    if (!contents)
        return contents.reason();
    campaign_study_settings s;
    if (contents->lattice)
        s.spatial_volume = static_cast<double>(contents->lattice->spatial_volume());
    s.target = o.target;
    const auto r = study_campaigns(contents->pairs, s);
    if (!r)
        return r.reason();
    if (o.json)
        print_json_of(*r, *contents, s);
    else
        print_table(*r, *contents, s);
    return {};
}

} // namespace forge::app
