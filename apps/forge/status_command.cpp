// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/status_command.hpp"

#include "apps/forge/campaign_files.hpp"
#include "apps/forge/progress.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <iostream>

namespace forge::app {

namespace {

std::optional<double> number(const nlohmann::json& j, const char* key) {
    return j.contains(key) && j[key].is_number() ? std::optional(j[key].get<double>()) : std::nullopt;
}

std::string text_or_na(const std::optional<double>& v, const char* format) { return v ? fmt::format(fmt::runtime(format), *v) : "n/a"; }

void print_status(const nlohmann::json& s) {
    std::cout << fmt::format("campaign {} · {} · snapshot of {}\n", s.value("campaign", "n/a"), s.value("state", "n/a"), s.value("at", "n/a"));
    std::cout << fmt::format("{:<6} {:<12} {:<13} {:>7} {:>8} {:>10} {:>16} {:>5} {:>8} {:>8} {:>8}\n", "CHAIN", "DEVICE", "PHASE", "POINT", "BETA",
                             "TRAJ", "P", "ACC", "TRAJ/S", "SEALED", "ETA");
    for (const auto& c : s["chains"]) {
        const auto ordinal = number(c, "segment_ordinal");
        const auto total = number(c, "segments_total");
        std::cout << fmt::format("{:<6} {:<12} {:<13} {:>7} {:>8} {:>10} {:>16} {:>5} {:>8} {:>8} {:>8}\n", c.value("chain", "n/a"), c.value("device", "n/a"),
                                 c.value("phase", "n/a"), fmt::format("{}/{}", ordinal ? fmt::format("{:.0f}", *ordinal + 1) : "n/a", text_or_na(total, "{:.0f}")),
                                 text_or_na(number(c, "beta"), "{:.4f}"), text_or_na(number(c, "trajectory"), "{:.0f}"), with_error(number(c, "plaquette"), number(c, "plaquette_error")),
                                 text_or_na(number(c, "acceptance"), "{:.2f}"), text_or_na(number(c, "trajectories_per_s"), "{:.1f}"), text_or_na(number(c, "sealed"), "{:.0f}"),
                                 duration_text(number(c, "eta_s")));
        if (const auto reason = c.value("reason", std::string()); !reason.empty())
            std::cout << "       " << reason << "\n";
    }
    std::cout << fmt::format("{:<18} {:>9} {:>9} {:>10} {:>10} {:>6} {:>6} {:>6} {:>11} {:>7}\n", "STAGE", "ITEMS", "PER S", "P50 MS", "P99 MS", "BUSY", "IDLE",
                             "BACKPR", "QUEUE", "WATTS");
    for (const auto& m : s["stages"]) {
        const auto ms = [&m](const char* key) { return number(m, key) ? fmt::format("{:.3g}", 1e3 * *number(m, key)) : "n/a"; };
        std::cout << fmt::format("{:<18} {:>9} {:>9.1f} {:>10} {:>10} {:>6.2f} {:>6.2f} {:>6.2f} {:>11} {:>7}\n", m.value("stage", "n/a"), m.value("items", 0),
                                 m.value("throughput_per_s", 0.0), ms("latency_p50_s"), ms("latency_p99_s"), m.value("busy", 0.0), m.value("idle", 0.0),
                                 m.value("back_pressured", 0.0),
                                 m.value("capacity", 0) > 0 ? fmt::format("{}/{} (max {})", m.value("queue_depth", 0), m.value("capacity", 0), m.value("queue_depth_max", 0)) : "n/a",
                                 text_or_na(number(m, "power_w"), "{:.1f}"));
    }
}

/// One line about the copy of the run on another machine; empty when the campaign wants none.
std::string mirror_line(const nlohmann::json& s) {
    if (!s.contains("mirror") || !s["mirror"].is_object())
        return "";
    const auto& m = s["mirror"];
    const auto age = number(m, "age_s");
    std::string line = fmt::format("mirror {}: {}, {}", m["node"].is_string() ? m["node"].get<std::string>() : m.value("wanted", "n/a"), m.value("state", "n/a"),
                                   age ? fmt::format("holds everything up to {:.1f} s before this snapshot", *age) : "holds nothing yet");
    std::string sealed;
    for (const auto& [chain, trajectory] : m["sealed"].items())
        sealed += fmt::format("{}{} {}", sealed.empty() ? "; sealed on both disks: " : ", ", chain, trajectory.get<std::uint64_t>());
    line += sealed;
    if (m["problem"].is_string())
        line += "\n       " + m["problem"].get<std::string>();
    return line + "\n";
}

/// What the conductor does; empty without one.
std::string conductor_lines(const nlohmann::json& s) {
    if (!s.contains("conductor") || !s["conductor"].is_object())
        return "";
    const auto& c = s["conductor"];
    std::string text = fmt::format("conductor: {}, model {}; {} trajectories in {} passes, {} predictions before the device was ready, {} after\n", c.value("mode", "n/a"),
                                   c["model"].is_string() ? c["model"].get<std::string>() : "n/a (heuristics)", c.value("trajectories", 0), c.value("batches", 0),
                                   c.value("predictions_early", 0), c.value("predictions_late", 0));
    if (c.contains("device") && c["device"].is_object()) {
        const auto& d = c["device"];
        const auto us = [&d](const char* key) { return d[key].is_number() ? fmt::format("{:.1f} us", 1e6 * d[key].get<double>()) : std::string("n/a"); };
        text += "       reservoirs on " + d.value("name", "n/a");
        if (d["passes"].is_number())
            text += fmt::format("{}: {} passes; a pass {} (device, model), {} (wall time {}, measured)", d.value("simulated", false) ? " (sim)" : "", d["passes"].get<std::uint64_t>(),
                                us("model_s_per_pass"), us("measured_s_per_pass"), d.value("simulated", false) ? "of the simulator" : "here");
        text += "\n";
    }
    for (const auto& p : c["thermalised"])
        text += fmt::format("       {} and {}: {}\n", p["chains"][0].get<std::string>(), p["chains"][1].get<std::string>(),
                            p["after"].is_number() ? fmt::format("hot and cold agree after {} trajectories", p["after"].get<int>()) : "hot and cold do not agree");
    for (const auto& chain : c.value("says", nlohmann::json::array())) {
        std::string line;
        for (const auto& a : chain["answers"])
            line += fmt::format("{}{} {:.3g}{}", line.empty() ? "" : ", ", a.value("head", "n/a"), a.value("value", 0.0), a.value("source", "") == "model" ? "" : " (rule)");
        if (!line.empty())
            text += fmt::format("       {}: {}\n", chain.value("chain", "n/a"), line);
    }
    if (c.contains("mid_trajectory") && c["mid_trajectory"].is_object()) {
        const auto& m = c["mid_trajectory"];
        text += fmt::format("       half-way: {} judged, {} rejected, {} of them foreseen ({} foreseen in all), balanced accuracy {}{}; advice, nothing acts on it\n",
                            m.value("judged", 0), m.value("rejected", 0), m.value("foreseen_and_rejected", 0), m.value("foreseen", 0),
                            text_or_na(number(m, "balanced_accuracy"), "{:.2f}"), m.value("trusted", false) ? " (trusted)" : "");
    }
    std::string heads;
    for (const auto& h : c["heads"])
        heads += fmt::format("{}{} {}{}", heads.empty() ? "       heads: " : ", ", h.value("head", "n/a"), text_or_na(number(h, "score"), "{:.2f}"),
                             h.value("trusted", false) ? " (trusted)" : "");
    return text + heads + (heads.empty() ? "" : "\n");
}

/// What the precision validator found; empty without one.
std::string validation_lines(const nlohmann::json& s) {
    if (!s.contains("validation") || !s["validation"].is_object())
        return "";
    const auto& v = s["validation"];
    std::uint64_t sent = 0, dropped = 0, filtered = 0, fill_max = 0;
    for (const auto& e : v["edges"]) {
        sent += e.value("sent", std::uint64_t{0});
        dropped += e.value("dropped", std::uint64_t{0});
        filtered += e.value("filtered", std::uint64_t{0});
        fill_max = std::max(fill_max, e.value("fill_max", std::uint64_t{0}));
    }
    const auto df64 = number(v, "df64_delta_h_max");
    return fmt::format("validator on {}: {} passed, {} FAILED of {} sent where {} ({} dropped, {} filtered, at most {} under way); dH of df64 against fp64 at most {}\n",
                       v.value("device", "n/a"), v.value("passed", std::uint64_t{0}), v.value("failed", std::uint64_t{0}), sent, v.value("when", "n/a"), dropped, filtered,
                       fill_max, text_or_na(df64, "{:.1e}"));
}

} // namespace

void add_status_command(CLI::App& root, cli_state& state) {
    auto* command = root.add_subcommand("status", "One screen about a run: chains, stages, who waits for what");
    const auto o = add_run_view(*command);
    command->callback([o, &state] {
        auto folder = find_run(o->run);
        if (!folder)
            return report_error(state, folder.reason());
        std::ifstream in(folder->status());
        auto s = nlohmann::json::parse(in, nullptr, false);
        if (s.is_discarded() || !s.contains("chains") || !s.contains("stages"))
            return report_error(state, {errc::not_found, "this run has not published a snapshot", folder->status().string(),
                                        "forge ledger check " + folder->root.string() + " tells what is committed"});
        std::vector<std::string> warnings;
        const auto state_then = s.value("state", "");
        if (const auto pid = s.value("pid", 0); (state_then == "running" || state_then == "stopping") && pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH) {
            s["state"] = "dead";
            warnings.push_back("the process that ran this campaign is gone; the same forge run command goes on with it");
        }
        if (o->json)
            return print_json("forge.status/1", s, warnings);
        print_status(s);
        std::cout << mirror_line(s) << conductor_lines(s) << validation_lines(s);
        for (const auto& w : warnings)
            std::cout << "! " << w << "\n";
    });
}

} // namespace forge::app
