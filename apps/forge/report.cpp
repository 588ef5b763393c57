// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/report.hpp"

#include "apps/forge/plots.hpp"
#include "apps/forge/progress.hpp"
#include "libactors/hmc/segment_summary.hpp"
#include "libactors/ledger/ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>

namespace forge::app {

namespace {

std::string csv(const std::optional<double>& v) { return v && std::isfinite(*v) ? fmt::format("{:.12g}", *v) : "n/a"; }

/// tau_int and effective size are worth printing only where there are 50 of them.
std::optional<double> trusted_tau(const gamma_estimate& g) { return g.reliable ? g.tau_int : std::nullopt; }
std::optional<double> trusted_tau_error(const gamma_estimate& g) { return g.reliable ? g.tau_int_error : std::nullopt; }
std::optional<double> mean_of(const gamma_estimate& g) { return g.n > 0 ? std::optional(g.mean) : std::nullopt; }

std::string csv_text(const std::vector<report_row>& rows) {
    std::string t = "beta,chain,segment,live,finished,n_measured,plaquette,plaquette_error,plaquette_tau_int,plaquette_tau_int_error,"
                    "n_effective,plaquette_spatial,plaquette_spatial_error,plaquette_temporal,plaquette_temporal_error,"
                    "action_density,action_density_error,polyakov_abs,polyakov_abs_error,polyakov_tau_int,polyakov_re,polyakov_re_error,"
                    "polyakov_im,polyakov_im_error,chi_polyakov,chi_polyakov_error,chi_plaquette,chi_plaquette_error,"
                    "exp_minus_delta_h,exp_minus_delta_h_error,delta_h,delta_h_error,acceptance,reliable\n";
    for (const auto& r : rows) {
        const auto& s = r.summary;
        t += fmt::format("{:.12g},{},{},1,{},{}", r.beta, to_text(r.chain), r.segment.value, r.finished ? 1 : 0, s.n);
        t += fmt::format(",{},{},{},{},{}", csv(mean_of(s.plaquette)), csv(s.plaquette.error), csv(trusted_tau(s.plaquette)),
                         csv(trusted_tau_error(s.plaquette)), csv(s.plaquette.effective_size()));
        for (const auto* g : {&s.plaquette_spatial, &s.plaquette_temporal, &s.action_density, &s.polyakov_abs})
            t += fmt::format(",{},{}", csv(mean_of(*g)), csv(g->error));
        t += "," + csv(trusted_tau(s.polyakov_abs));
        for (const auto* g : {&s.polyakov_re, &s.polyakov_im, &s.chi_polyakov, &s.chi_plaquette, &s.exp_minus_delta_h, &s.delta_h})
            t += fmt::format(",{},{}", csv(mean_of(*g)), csv(g->error));
        t += fmt::format(",{},{}\n", csv(mean_of(s.acceptance)), r.reliable() ? 1 : 0);
    }
    return t;
}

std::string table_text(const std::vector<report_row>& rows, bool markdown) {
    const auto line = [markdown](const std::vector<std::string>& cells) {
        constexpr int widths[] = {7, 7, 6, 14, 10, 7, 13, 13, 12, 6};
        std::string t = markdown ? "|" : "";
        for (std::size_t k = 0; k < cells.size(); ++k)
            t += markdown ? " " + cells[k] + " |" : fmt::format("{:>{}} ", cells[k], widths[k]);
        return t + "\n";
    };
    std::string t = line({"beta", "chain", "n", "P", "tau_int", "n_eff", "|L|", "chi_L", "exp(-dH)", "acc"});
    if (markdown)
        t += "|---|---|---|---|---|---|---|---|---|---|\n";
    bool flagged = false;
    for (const auto& r : rows) {
        const auto& s = r.summary;
        flagged = flagged || !r.reliable();
        t += line({fmt::format("{:.4f}", r.beta), to_text(r.chain) + "/" + to_text(r.segment), fmt::format("{}{}", s.n, r.reliable() ? "" : "*"),
                   with_error(mean_of(s.plaquette), s.plaquette.error), with_error(trusted_tau(s.plaquette), trusted_tau_error(s.plaquette)),
                   s.plaquette.effective_size() ? fmt::format("{:.0f}", *s.plaquette.effective_size()) : "n/a",
                   with_error(mean_of(s.polyakov_abs), s.polyakov_abs.error), with_error(mean_of(s.chi_polyakov), s.chi_polyakov.error),
                   with_error(mean_of(s.exp_minus_delta_h), s.exp_minus_delta_h.error),
                   s.acceptance.n > 0 ? fmt::format("{:.2f}", s.acceptance.mean) : "n/a"});
    }
    if (flagged)
        t += std::string(markdown ? "\n" : "") + "* fewer than 50 autocorrelation times (of P or |L|): the means stand, their errors are uncertain, tau_int and n_eff are n/a\n";
    return t;
}

/// Trajectories of the segment before its first measured one; all of them while nothing is measured.
std::size_t thermalisation_of(const report_row& r) {
    return static_cast<std::size_t>(std::find_if(r.records.begin(), r.records.end(), [](const auto& x) { return x.measured; }) - r.records.begin());
}

/// Do hot and cold starts come to the same? One line for each pair and point, differences in joint errors.
std::string pairs_text(const std::vector<report_row>& rows) {
    const auto apart = [](const gamma_estimate& a, const gamma_estimate& b) -> std::string {
        if (!a.error || !b.error || !(std::hypot(*a.error, *b.error) > 0.0))
            return "n/a";
        return fmt::format("{:+.1f}", (a.mean - b.mean) / std::hypot(*a.error, *b.error));
    };
    std::string t = "| beta | hot | cold | not measured | P apart | \\|L\\| apart | chi_L apart |\n|---|---|---|---|---|---|---|\n";
    for (const auto& hot : rows)
        for (const auto& cold : rows)
            if (hot.chain.value % 2 == 0 && cold.chain.value == hot.chain.value + 1 && cold.beta == hot.beta)
                t += fmt::format("| {:.4f} | {}/{} | {}/{} | {} and {} | {} | {} | {} |\n", hot.beta, to_text(hot.chain), to_text(hot.segment), to_text(cold.chain),
                                 to_text(cold.segment), thermalisation_of(hot), thermalisation_of(cold), apart(hot.summary.plaquette, cold.summary.plaquette),
                                 apart(hot.summary.polyakov_abs, cold.summary.polyakov_abs), apart(hot.summary.chi_polyakov, cold.summary.chi_polyakov));
    return t;
}

nlohmann::json json_rows(const std::vector<report_row>& rows) {
    auto all = nlohmann::json::array();
    const auto estimate = [](const gamma_estimate& g) {
        return nlohmann::json{{"mean", or_null(mean_of(g))}, {"error", or_null(g.error)}, {"tau_int", or_null(trusted_tau(g))},
                              {"tau_int_error", or_null(trusted_tau_error(g))}, {"n_effective", or_null(g.effective_size())}, {"reliable", g.reliable}};
    };
    for (const auto& r : rows) {
        const auto& s = r.summary;
        all.push_back({{"beta", r.beta}, {"chain", to_text(r.chain)}, {"segment", r.segment.value}, {"finished", r.finished}, {"n_thermalised", thermalisation_of(r)}, {"n_measured", s.n},
                       {"plaquette", estimate(s.plaquette)}, {"polyakov_abs", estimate(s.polyakov_abs)}, {"chi_polyakov", estimate(s.chi_polyakov)},
                       {"chi_plaquette", estimate(s.chi_plaquette)}, {"action_density", estimate(s.action_density)},
                       {"exp_minus_delta_h", estimate(s.exp_minus_delta_h)}, {"delta_h", estimate(s.delta_h)},
                       {"acceptance", or_null(mean_of(s.acceptance))}, {"reliable", r.reliable()}});
    }
    return all;
}

result<void> write_text(const std::filesystem::path& file, const std::string& text) {
    std::ofstream out(file, std::ios::trunc);
    out << text;
    if (!out.flush())
        return error{errc::io_failed, "cannot write the report", file.string(), "is the disk full?"};
    return {};
}

} // namespace

bool report_row::reliable() const { return summary.plaquette.reliable && summary.polyakov_abs.reliable; }

result<written_report> write_report(const run_folder& folder) {
    auto plan = campaign_of(folder);
    if (!plan)
        return plan.reason();
    auto book = ledger::open_read_only(folder.ledger());
    if (!book)
        return book.reason();
    std::vector<report_row> rows;
    for (std::uint32_t c = 0; c < book->identity().n_chains; ++c) {
        const auto segments = book->segments(chain_id{c});
        if (!segments)
            return segments.reason();
        for (std::size_t k = 0; k < segments->size(); ++k) {
            const auto& segment = (*segments)[k];
            const auto last = k + 1 < segments->size() ? (*segments)[k + 1].first_trajectory - 1 : UINT64_MAX;
            report_row row;
            const auto read = book->each_record(chain_id{c}, true, segment.first_trajectory, last, [&row](const record_row& r) {
                row.records.push_back(r.record);
                return true;
            });
            if (!read)
                return read.reason();
            row.beta = segment.params.beta;
            row.chain = segment.chain;
            row.segment = segment.number;
            row.finished = segment.finished;
            row.summary = summarise(row.records, plan->lattice);
            rows.push_back(std::move(row));
        }
    }
    std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.beta < b.beta; });
    const auto hash = book->ledger_hash();
    if (!hash)
        return hash.reason();

    std::error_code status;
    std::filesystem::create_directories(folder.report(), status);
    if (auto done = write_text(folder.report() / "results.csv", csv_text(rows)); !done)
        return done.reason();
    written_report report;
    auto plots = write_plots(folder.report(), rows, plan->lattice);
    if (!plots)
        report.warnings.push_back(to_text(plots.reason()));
    std::string text = fmt::format("# {}\n\nLattice {}, Wilson action, {} chains, {} of trajectory length {} in {} steps, start {}.\n"
                                   "Ledger hash `{}`, seed `{}`.\n\n",
                                   plan->name, to_text(plan->lattice), book->identity().n_chains, name_of(plan->hmc.integrator),
                                   plan->hmc.trajectory_length, plan->hmc.n_steps,
                                   plan->start == start_kind::cold ? "cold" : plan->start == start_kind::hot ? "hot" : plan->start == start_kind::both ? "hot and cold" : plan->start_file,
                                   to_hex(*hash), book->identity().campaign_seed);
    text += table_text(rows, true);
    text += "\nP is the plaquette (1 for unit links), L the Polyakov loop, chi_L = V_s (<|L|^2> - <|L|>^2); n measured trajectories.\n"
            "Errors by the Gamma method; 0.5493(12) means 0.5493 +- 0.0012. All columns: [results.csv](results.csv).\n\n";
    if (plan->start == start_kind::both)
        text += "## Hot against cold\n\n" + pairs_text(rows) + "\nDifferences hot - cold in joint errors; beyond 2 more often than one in twenty means that something has not thermalised.\n\n";
    if (plots)
        for (const auto& name : *plots)
            text += fmt::format("![{0}]({0}.png)\n\n", name);
    report.markdown = folder.report() / "report.md";
    if (auto done = write_text(report.markdown, text); !done)
        return done.reason();
    report.table = table_text(rows, false);
    report.data = {{"run", folder.root.string()}, {"ledger_hash", to_hex(*hash)}, {"rows", json_rows(rows)}, {"report", report.markdown.string()}};
    return report;
}

void add_report_command(CLI::App& root, cli_state& state) {
    auto* command = root.add_subcommand("report", "Write RUN/report: results.csv, report.md, plots; also while the run goes on");
    const auto o = add_run_view(*command);
    command->callback([o, &state] {
        auto folder = find_run(o->run);
        if (!folder)
            return report_error(state, folder.reason());
        auto report = write_report(*folder);
        if (!report)
            return report_error(state, report.reason());
        for (const auto& w : report->warnings)
            std::cerr << w << "\n";
        if (o->json)
            print_json("forge.report/1", report->data, report->warnings);
        else
            std::cout << report->table << "\nreport: " << report->markdown.string() << "\n";
    });
}

} // namespace forge::app
