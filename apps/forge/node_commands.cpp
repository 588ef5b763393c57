// SPDX-License-Identifier: AGPL-3.0-only
#include "actors/runtime/node_runtime.hpp"
#include "apps/forge/cluster_commands.hpp"
#include "apps/forge/cluster_folder.hpp"
#include "apps/forge/compose.hpp"
#include "apps/forge/operation_commands.hpp"
#include "apps/forge/signals.hpp"
#include "libactors/engine/opencl/opencl_system.hpp"

#include <fmt/format.h>

#include <chrono>
#include <iostream>

namespace forge::app {

namespace {

struct start_options {
    std::string folder;
    std::string name;
    std::string join;
    std::string code;
    std::string coordinator;
    std::vector<std::string> devices;
    std::string mirrors; ///< empty: below the cluster folder
    bool no_mirror = false;
    std::uint32_t split = 0;
    double drain_s = 60.0;
};

/// Joins with a code, when one was given; else the machine must belong to a cluster.
result<cluster_folder> membership_of(const start_options& o, const std::filesystem::path& root) {
    if (o.join.empty() && o.code.empty())
        return cluster_folder::open(root);
    if (o.join.empty() || o.code.empty())
        return error{errc::invalid_argument, "--join and --code belong together", "forge node start", "paste the whole line of forge cluster invite"};
    const auto at = address_from_text(o.join);
    if (!at)
        return at.reason();
    const auto code = invite_from_text(o.code);
    if (!code)
        return code.reason();
    std::error_code ignored;
    if (std::filesystem::exists(root / "cluster", ignored)) // before the invite is used up
        return error{errc::already_exists, "this machine belongs to a cluster already", root.string(), "forge node start without --join, or another --cluster folder"};
    const auto home = join_cluster(at->host, at->port, *code, o.name.empty() ? default_node_name() : o.name, std::chrono::system_clock::now());
    if (!home) { // what the network's words mean to whoever joins
        auto e = home.reason();
        e.code = e.code == errc::permission_denied ? errc::not_authenticated : e.code == errc::io_failed ? errc::unreachable : e.code;
        return e;
    }
    std::cerr << fmt::format("joined cluster {} as {}\n", home->cluster, home->identity.name);
    return cluster_folder::keep(root, *home, *at);
}

result<void> start(const start_options& o) {
    const auto root = o.folder.empty() ? default_cluster_folder() : std::filesystem::path(o.folder);
    block_signals(); // before any thread exists
    const auto member = membership_of(o, root);
    if (!member)
        return member.reason();
    const auto coordinator = o.coordinator.empty() ? member->coordinator() : address_from_text(o.coordinator);
    if (!coordinator)
        return coordinator.reason();
    const auto nodes = member->nodes();
    if (!nodes)
        return nodes.reason();
    pin_sub_devices(o.split);
    auto found = opencl_system::discover(o.split);
    if (!found)
        return found.reason();
    const auto system = std::make_shared<opencl_system>(std::move(found).value());
    node_parts parts;
    parts.hub.identity = member->identity();
    parts.hub.cluster = member->cluster();
    parts.nodes = *nodes;
    parts.coordinator = *coordinator;
    if (!o.no_mirror)
        parts.mirrors = o.mirrors.empty() ? root / "mirrors" : std::filesystem::path(o.mirrors);
    opencl_options options;
    options.cache_dir = default_cache_dir();
    for (const auto& d : system->devices()) {
        if (!o.devices.empty() && std::find(o.devices.begin(), o.devices.end(), d.id) == o.devices.end())
            continue;
        if (!d.fp64) {
            std::cerr << fmt::format("{} ({}) is not offered: no fp64\n", d.id, d.name);
            continue;
        }
        std::cerr << fmt::format("offers {}: {} ({} compute unit{})\n", d.id, d.name, d.compute_units, d.compute_units == 1 ? "" : "s");
        parts.devices.push_back({{d.id, [system, id = d.id, options] { return system->make_engine(id, options); }, d.memory_bytes}, d.name, d.compute_units, d.fp64});
    }
    if (parts.devices.empty())
        return error{errc::device_unavailable, "this machine has no device to offer", "forge node start", "forge device list"};
    std::cerr << fmt::format("node {} of cluster {}; coordinator {}:{}. Ctrl-C drains and leaves.\n", member->identity().name, member->cluster(), coordinator->host, coordinator->port);

    node_runtime runtime(std::move(parts));
    std::uint64_t seen = 0;
    bool leaving = false;
    auto leave_by = std::chrono::steady_clock::now();
    while (true) {
        const bool asked = signal_arrived(); // waits 0.1 s
        for (const auto& text : runtime.board()->notices_since(seen))
            std::cerr << text << "\n";
        const auto status = runtime.status();
        if (asked && leaving)
            break;
        if (asked) {
            leaving = true;
            leave_by = std::chrono::steady_clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(1e3 * o.drain_s));
            runtime.drain();
            std::cerr << fmt::format("draining: {} chain{} to be moved away (at most {:.0f} s; again to leave at once)\n", status.chains, status.chains == 1 ? "" : "s", o.drain_s);
        }
        if (leaving && (status.chains == 0 || !status.connected || std::chrono::steady_clock::now() > leave_by))
            break;
    }
    const auto last = runtime.status();
    std::cerr << fmt::format("left with {} chain{} on board; {} trajectories computed\n", last.chains, last.chains == 1 ? "" : "s", last.trajectories);
    return {};
}

} // namespace

void add_node_commands(CLI::App& root, cli_state& state) {
    auto* noun = root.add_subcommand("node", "The machines of a campaign, and this machine as one of them");
    noun->require_subcommand(1);
    add_node_operations(*noun, state);
    auto* command = noun->add_subcommand("start", "Offer this machine's devices to the cluster's campaigns, until it is stopped");
    command->footer("First time: paste the line of forge cluster invite. Later: forge node start.\nIt waits for the coordinator and reconnects by itself.");
    auto o = std::make_shared<start_options>();
    command->add_option("--join", o->join, "HOST:PORT of a running campaign that has an open invite");
    command->add_option("--code", o->code, "The invite's code");
    command->add_option("--name", o->name, "Name of this node when joining (default: the host name)");
    command->add_option("--coordinator", o->coordinator, "HOST:PORT, when it is not where this machine joined");
    command->add_option("--cluster", o->folder, "Folder of this machine's identity (default: FORGE_CLUSTER_DIR or ~/.config/metalforge/cluster)");
    command->add_option("--device", o->devices, "Offer only these");
    command->add_option("--split-cpu", o->split, "Offer a CPU as this many devices");
    command->add_option("--mirrors", o->mirrors, "Folder for copies of runs whose campaign asks for a mirror (default: mirrors below the identity's folder)");
    command->add_flag("--no-mirror", o->no_mirror, "Keep no copies here");
    command->add_option("--drain-timeout", o->drain_s, "Seconds to wait on SIGTERM until the chains have been moved away")->check(CLI::Range(0.0, 86400.0));
    command->callback([o, &state] {
        if (auto done = start(*o); !done)
            report_error(state, done.reason());
    });
}

} // namespace forge::app
