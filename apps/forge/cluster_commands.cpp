// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/cluster_commands.hpp"

#include "apps/forge/cluster_folder.hpp"
#include "apps/forge/run_command.hpp"

#include <fmt/format.h>

#include <iostream>

#include <unistd.h>

namespace forge::app {

namespace {

struct options {
    std::string folder;
    std::string name;
    std::string cluster;
    std::string ttl = "1h";
    std::string address;
    bool json = false;
};

std::filesystem::path folder_of(const options& o) { return o.folder.empty() ? default_cluster_folder() : std::filesystem::path(o.folder); }

std::string host_name() {
    char text[256] = {};
    ::gethostname(text, sizeof text - 1);
    return text;
}

result<void> init(const options& o) {
    const auto name = o.name.empty() ? default_node_name() : o.name;
    const auto made = cluster_folder::create(folder_of(o), o.cluster.empty() ? name + "-cluster" : o.cluster, name);
    if (!made)
        return made.reason();
    if (o.json)
        print_json("forge.cluster.init/1", {{"cluster", made->cluster()}, {"node", name}, {"folder", made->root().string()}, {"fingerprint", to_hex(made->identity().fingerprint)}});
    else
        std::cout << fmt::format("cluster {} made; this machine is {}\nkeys in {} (keep the folder private)\nnext:  forge run CAMPAIGN --cluster --listen {}:{}\n"
                                 "       forge cluster invite        prints the line for another machine\n", made->cluster(), name, made->root().string(), "0.0.0.0", default_port);
    return {};
}

result<void> invite(const options& o) {
    const auto seconds = parse_duration_s(o.ttl);
    if (!seconds)
        return seconds.reason();
    const auto f = cluster_folder::open(folder_of(o));
    if (!f)
        return f.reason();
    const auto at = address_from_text(o.address.empty() ? host_name() : o.address);
    if (!at)
        return at.reason();
    const auto code = f->invite(std::chrono::seconds(static_cast<std::int64_t>(*seconds)));
    if (!code)
        return code.reason();
    const auto line = fmt::format("forge node start --join {}:{} --code {}", at->host, at->port, to_text(*code));
    if (o.json)
        print_json("forge.cluster.invite/1", {{"line", line}, {"code", to_text(*code)}, {"address", fmt::format("{}:{}", at->host, at->port)}, {"valid_s", *seconds}});
    else {
        std::cout << line << "\n";
        std::cerr << fmt::format("paste it on the other machine; for one machine, once, within {}. A campaign with --cluster must be running there to answer.\n", o.ttl);
    }
    return {};
}

result<void> list(const options& o) {
    const auto f = cluster_folder::open(folder_of(o));
    if (!f)
        return f.reason();
    const auto nodes = f->nodes();
    if (!nodes)
        return nodes.reason();
    auto rows = nlohmann::json::array();
    std::string text = fmt::format("cluster {} (this machine: {})\n{:<20} {:<9} {}\n", f->cluster(), f->identity().name, "NODE", "ACCESS", "FINGERPRINT");
    for (const auto& [fingerprint, node] : nodes->nodes()) {
        rows.push_back({{"node", node.name}, {"access", node.revoked ? "revoked" : "allowed"}, {"fingerprint", to_hex(fingerprint)}});
        text += fmt::format("{:<20} {:<9} {}\n", node.name, node.revoked ? "revoked" : "allowed", to_hex(fingerprint).substr(0, 32));
    }
    if (o.json)
        print_json("forge.cluster.list/1", rows);
    else
        std::cout << text;
    return {};
}

result<void> revoke(const options& o) {
    const auto f = cluster_folder::open(folder_of(o));
    if (!f)
        return f.reason();
    if (!f->is_authority())
        return error{errc::permission_denied, "only the machine that made the cluster can revoke", f->root().string(), "run it there"};
    if (o.name == f->identity().name)
        return error{errc::invalid_argument, "a coordinator does not revoke itself", o.name, ""};
    if (auto done = f->revoke(o.name); !done)
        return done.reason();
    std::cout << o.name << " is revoked; a campaign that runs cuts its link within a second\n";
    return {};
}

} // namespace

void add_cluster_commands(CLI::App& root, cli_state& state) {
    auto* noun = root.add_subcommand("cluster", "Which machines belong together");
    noun->require_subcommand(1);
    const auto add = [&](const char* name, const char* help, result<void> (*work)(const options&)) {
        auto* command = noun->add_subcommand(name, help);
        auto o = std::make_shared<options>();
        command->add_option("--cluster", o->folder, "Folder of this machine's identity (default: FORGE_CLUSTER_DIR or ~/.config/metalforge/cluster)");
        command->callback([o, work, &state] {
            if (auto done = work(*o); !done)
                report_error(state, done.reason());
        });
        return std::pair{command, o};
    };
    {
        auto [c, o] = add("init", "Make a cluster with this machine as its coordinator", init);
        c->add_option("dir", o->folder, "As --cluster");
        c->add_option("--name", o->name, "Name of this node (default: the host name)");
        c->add_option("--id", o->cluster, "Name of the cluster (default: NODE-cluster)");
        c->add_flag("--json", o->json, "JSON on standard output");
    }
    {
        auto [c, o] = add("invite", "Print the line that brings one other machine in", invite);
        c->add_option("--ttl", o->ttl, "How long it counts: 90s, 30m, 1h, 2d");
        c->add_option("--address", o->address, "HOST:PORT under which that machine reaches this one (default: host name and 7717)");
        c->add_flag("--json", o->json, "JSON on standard output");
    }
    {
        auto [c, o] = add("list", "Machines that are allowed, and those that were revoked", list);
        c->add_flag("--json", o->json, "JSON on standard output");
    }
    {
        auto [c, o] = add("revoke", "Shut a machine out", revoke);
        c->add_option("name", o->name, "Node")->required();
    }
}

} // namespace forge::app
