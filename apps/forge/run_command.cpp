// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/run_command.hpp"

#include "actors/runtime/run_recovery.hpp"
#include "apps/forge/campaign_files.hpp"
#include "apps/forge/cluster_folder.hpp"
#include "apps/forge/compose.hpp"
#include "apps/forge/conductor_choice.hpp"
#include "apps/forge/control_point.hpp"
#include "apps/forge/progress.hpp"
#include "apps/forge/report.hpp"
#include "apps/forge/signals.hpp"
#include "apps/forge/status_file.hpp"
#include "libactors/base/log.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <iostream>

namespace forge::app {

namespace {

struct run_options {
    std::string file;
    std::string out;
    std::string stop_after;
    bool json = false;
    bool quiet = false;
    bool clustered = false; ///< other machines may take part
    std::string cluster;    ///< folder; empty: the default one
    std::string listen;     ///< HOST:PORT
    std::string mirror;     ///< folder or node that a lost run is brought back from
};

/// @return the folder of this machine's identity, and what the runtime needs of it.
result<std::pair<cluster_folder, cluster_parts>> open_cluster(const run_options& options) {
    auto folder = cluster_folder::open(options.cluster.empty() ? default_cluster_folder() : std::filesystem::path(options.cluster));
    if (!folder)
        return folder.reason();
    const auto at = address_from_text(options.listen.empty() ? fmt::format("0.0.0.0:{}", default_port) : options.listen);
    if (!at)
        return at.reason();
    const auto nodes = folder->nodes();
    if (!nodes)
        return nodes.reason();
    cluster_parts setup;
    setup.identity.identity = folder->identity();
    setup.identity.cluster = folder->cluster();
    setup.nodes = *nodes;
    setup.address = at->host;
    setup.port = at->port;
    setup.desk = folder->desk();
    return std::pair{std::move(folder).value(), std::move(setup)};
}

/// Brings a lost run directory back. One that is there is never touched: the run goes on from it.
result<void> recover(const run_options& options, const loaded_campaign& c, const std::optional<cluster_parts>& setup) {
    const auto say = [&](const std::string& text) {
        if (!options.quiet)
            std::cerr << text << "\n";
    };
    if (std::filesystem::exists(c.folder.ledger())) {
        say("the run directory is there: the run goes on from it, not from the mirror");
        return {};
    }
    recovery_wish wish{std::nullopt, c.plan.seed};
    loaded_campaign known = c;
    if (std::string unused; c.plan.conductor.bootstrap.empty()) { // a model that is still to be learnt again has no hash yet: the seed decides alone
        if (const auto model = conductor_model_for(known, unused); !model)
            return model.reason();
        wish.config_hash = sha256_of(physics_text(known.plan));
    }
    const bool folder = std::filesystem::is_directory(options.mirror);
    if (!folder && !setup)
        return error{errc::invalid_argument, "\"" + options.mirror + "\" is no folder, and a node can only come when the campaign listens", "--from-mirror",
                     "a folder below a node's mirrors; or a node's name together with --cluster"};
    const auto done = folder ? recover_from_folder(options.mirror, wish, c.folder.root)
                             : recover_from_node(*setup, options.mirror, wish, c.folder.root, [] { return signal_arrived(); }, say);
    if (!done)
        return done.reason();
    say(fmt::format("{} trajectories recovered from {} and verified", done->trajectories, done->from));
    return {};
}

constexpr int exit_partial = 9;

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

result<void> run(const run_options& options, cli_state& state) {
    double stop_after = 0.0;
    if (!options.stop_after.empty()) {
        auto seconds = parse_duration_s(options.stop_after);
        if (!seconds)
            return seconds.reason();
        stop_after = *seconds;
    }
    const bool kept_file = options.file.empty() && !options.mirror.empty();
    if (options.file.empty() && !kept_file)
        return error{errc::invalid_argument, "a campaign file is missing", "forge run", "forge run CAMPAIGN.toml; docs/campaign.md has its keys"};
    auto loaded = load_campaign(kept_file ? (std::filesystem::path(options.mirror) / "campaign.toml").string() : options.file, options.out);
    if (!loaded)
        return loaded.reason();
    block_signals(); // before any thread exists
    std::optional<cluster_folder> members;
    std::optional<cluster_parts> setup;
    if (options.clustered) {
        auto opened = open_cluster(options);
        if (!opened)
            return opened.reason();
        members = std::move(opened->first);
        setup = std::move(opened->second);
    }
    if (!options.mirror.empty())
        if (auto recovered = recover(options, *loaded, setup); !recovered)
            return recovered.reason();
    auto composed = compose(*loaded);
    if (!composed)
        return composed.reason();
    auto log = run_log::open(loaded->folder.log());
    if (!log)
        return log.reason();
    composed->parts.cluster_setup = std::move(setup);
    const bool talk = !options.quiet;
    if (talk)
        std::cerr << composed->introduction;
    log->info(program_version() + " starts\n" + composed->introduction);

    const auto start = std::chrono::steady_clock::now();
    bool stopping = false;
    run_status last;
    {
        campaign_runtime runtime(std::move(composed->parts));
        // Without its ear the campaign still runs; only forge chain and forge device cannot reach it.
        const auto control = open_control_point(loaded->folder, loaded->plan, runtime);
        if (!control)
            runtime.board()->notice("no control socket: " + to_text(control.reason()));
        if (const auto port = runtime.port())
            runtime.board()->notice(fmt::format("cluster {}: nodes reach this campaign at port {} (forge cluster invite brings a machine in)", members->cluster(), *port));
        allow_list allowed;
        progress_printer progress(talk, fancy_terminal());
        double status_written = -1.0;
        while (true) {
            const bool asked = signal_arrived();
            if (asked && stopping) { // nothing sealed is lost by this, as nothing is by kill -9
                std::cerr << "interrupted again: leaving now; the ledger is safe, the same command goes on from the last seal\n";
                std::_Exit(130);
            }
            last = runtime.status();
            if ((asked || (stop_after > 0.0 && seconds_since(start) > stop_after)) && !stopping) {
                stopping = true;
                runtime.request_stop();
                log->info(asked ? "asked to stop by a signal" : "time is up (--stop-after)");
                progress.say("stopping: every chain finishes its trajectory and is sealed");
            }
            for (const auto& text : runtime.board()->notices_since(progress.notices_seen())) {
                progress.say(text);
                log->warn(text);
            }
            progress.show(last);
            if (seconds_since(start) - status_written > 1.0 || last.over) {
                write_status_file(loaded->folder, loaded->plan, last);
                status_written = seconds_since(start);
                if (members) // forge cluster revoke, or a node that has joined
                    if (const auto nodes = members->nodes(); nodes && !(*nodes == allowed)) {
                        allowed = *nodes;
                        runtime.set_allow_list(allowed);
                    }
            }
            if (last.over)
                break;
        }
        runtime.wait();
        progress.finish(last);
    }
    const double seconds = seconds_since(start);
    const auto hash = composed->book->ledger_hash();
    if (!hash)
        return hash.reason();
    log->info(fmt::format("{} after {:.1f} s, ledger hash {}", last.all_finished ? "finished" : "stopped", seconds, to_hex(*hash)));
    std::vector<std::string> given_up;
    std::uint64_t trajectories = 0; // live records
    for (std::uint32_t c = 0; c < loaded->plan.n_chains; ++c) {
        const auto n = composed->book->count(chain_id{c});
        if (!n)
            return n.reason();
        trajectories += *n;
    }
    for (const auto& c : last.chains) {
        if (c.phase == "failed")
            given_up.push_back(to_text(c.chain) + ": " + c.reason);
    }
    composed->book.reset(); // the report opens the ledger for reading
    std::string report_file;
    if (last.all_finished) {
        auto report = write_report(loaded->folder);
        if (!report)
            return report.reason();
        report_file = report->markdown.string();
        if (talk)
            std::cerr << report->table << "\nreport: " << report_file << "\n";
    } else if (stopping && given_up.empty()) {
        if (talk)
            std::cerr << fmt::format("stopped and sealed. To go on:  forge run {}{}\n", options.file,
                                     options.out.empty() ? "" : " --out " + options.out);
    } else { // nobody asked for this end: say so to scripts, too, and whatever --quiet says
        state.exit_code = exit_partial;
        std::cerr << fmt::format("ended without being finished, for the reasons above and in {}. What is sealed stays. First:  forge ledger check {}\n"
                                 "Then, to go on:  forge run {}{}\n", loaded->folder.log().string(), loaded->folder.root.string(), options.file,
                                 options.out.empty() ? "" : " --out " + options.out);
    }
    if (talk)
        std::cerr << fmt::format("{} trajectories in the ledger, {:.1f} s, ledger hash {}\n", trajectories, seconds, to_hex(*hash));
    if (options.json)
        print_json("forge.run/1", {{"run", loaded->folder.root.string()},
                                   {"finished", last.all_finished},
                                   {"trajectories", trajectories},
                                   {"seconds_s", seconds},
                                   {"ledger_hash", to_hex(*hash)},
                                   {"report", report_file.empty() ? nlohmann::json(nullptr) : nlohmann::json(report_file)},
                                   {"given_up", given_up}});
    return {};
}

} // namespace

result<double> parse_duration_s(const std::string& text) {
    double value = 0.0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    const std::string unit(end, text.data() + text.size());
    const double factor = unit.empty() || unit == "s" ? 1.0 : unit == "m" ? 60.0 : unit == "h" ? 3600.0 : unit == "d" ? 86400.0 : 0.0;
    if (status != std::errc{} || factor == 0.0 || !(value > 0.0))
        return error{errc::invalid_argument, "\"" + text + "\" is no duration", "--stop-after", "90s, 30m, 2h or 1d"};
    return value * factor;
}

void add_run_command(CLI::App& root, cli_state& state) {
    auto* command = root.add_subcommand("run", "Run a campaign, or go on with it where it stopped");
    command->footer("A run directory that exists is continued: same file, same command, same bits.\n"
                    "Ctrl-C finishes the trajectories, seals every chain and says how to go on.\n"
                    "Example: forge run apps/examples/deconfinement.toml --out runs/first --stop-after 30m");
    auto options = std::make_shared<run_options>();
    command->add_option("campaign", options->file, "Campaign file (TOML, docs/campaign.md); may be left out when --from-mirror names a folder");
    command->add_option("--out", options->out, "Run directory (default: the file's output, else runs/NAME)");
    command->add_option("--stop-after", options->stop_after, "Stop and seal after this time: 90s, 30m, 2h");
    command->add_flag("--json", options->json, "Print the outcome as JSON on standard output");
    command->add_flag("--quiet", options->quiet, "No progress");
    command->add_option("--from-mirror", options->mirror, "The run directory is lost: bring it back from this folder, or from this node ('node': any) over the cluster");
    auto* cluster = command->add_option("--cluster", options->cluster, "Let machines of the cluster take part (folder of this machine's identity; default as forge cluster)");
    cluster->expected(0, 1);
    auto* listen = command->add_option("--listen", options->listen, "Address and port for them, numeric (default: 0.0.0.0:7717)");
    command->callback([options, cluster, listen, &state] {
        options->clustered = cluster->count() > 0 || listen->count() > 0;
        if (auto done = run(*options, state); !done)
            report_error(state, done.reason());
    });
}

} // namespace forge::app
