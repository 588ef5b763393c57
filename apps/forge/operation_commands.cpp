// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/operation_commands.hpp"

#include "apps/forge/chain_view.hpp"
#include "apps/forge/control_point.hpp"
#include "apps/forge/operation_json.hpp"
#include "apps/forge/signals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <random>

namespace forge::app {

namespace {

constexpr int exit_refused = 4;
constexpr int exit_unknown = 5;
constexpr int exit_interrupted = 130;

std::string fresh_id() {
    std::random_device random;
    return fmt::format("op-{:08x}{:04x}", random(), random() & 0xffffu);
}

void print_report(const operation_report& r) {
    std::cout << fmt::format("{}  {} {}{}: {}\n  {}\n", r.id, name_of(r.verb), r.object, r.target.empty() ? "" : " -> " + r.target, name_of(r.state), r.text);
}

int exit_code_for(operation_state s) { return s == operation_state::refused ? exit_refused : s == operation_state::failed ? 9 : 0; }

struct operate_options {
    std::string object;
    operation_request request;
    bool no_wait = false;
    std::shared_ptr<run_view> view;
};

/// The newest report of this id that the campaign tells; unset when it tells none.
std::optional<operation_report> look_up(const run_folder& folder, const std::string& id) {
    const auto status = ask_campaign(folder, {{"ask", "status"}});
    if (!status)
        return std::nullopt;
    for (const auto& j : (*status)["operations"])
        if (const auto r = report_from(j); r && r->id == id)
            return r;
    return std::nullopt;
}

/// Waits until the operation is over. Ctrl-C ends the watching, never the operation.
std::optional<operation_report> watch(const run_folder& folder, const operation_report& begun) {
    auto last = begun;
    int misses = 0;
    while (last.state == operation_state::running) {
        if (signal_arrived())
            return std::nullopt;
        if (const auto now = look_up(folder, begun.id)) {
            last = *now;
            misses = 0;
        } else if (++misses > 20) { // the campaign ended or was killed meanwhile: ask what it wrote down
            auto book = ledger::open_read_only(folder.ledger());
            if (book)
                if (const auto all = operations_in(*book))
                    for (const auto& r : *all)
                        if (r.id == begun.id)
                            last = r;
            return last;
        }
    }
    return last;
}

void operate(const operate_options& o, cli_state& state) {
    auto folder = find_run(o.view->run);
    if (!folder)
        return report_error(state, folder.reason());
    auto request = o.request;
    request.object = o.object;
    if (request.id.empty())
        request.id = fresh_id();
    block_signals();
    const auto answer = ask_campaign(*folder, {{"ask", "operate"}, {"request", to_json(request)}});
    if (!answer) {
        report_error(state, answer.reason());
        if (answer.reason().code == errc::interrupted) {
            std::cerr << "  repeat it safely with  --op " << request.id << "\n";
            state.exit_code = exit_unknown;
        }
        return;
    }
    auto report = report_from(*answer);
    if (!report)
        return report_error(state, {errc::malformed, "the campaign's answer is not understood", "", "are both programs of the same version?"});
    if (report->state == operation_state::running && !o.no_wait && !request.dry_run) {
        if (!o.view->json)
            std::cerr << report->text << " ... (Ctrl-C stops watching, not the operation " << report->id << ")\n";
        const auto over = watch(*folder, *report);
        if (!over) {
            std::cerr << "still under way: forge op show " << report->id << "\n";
            state.exit_code = exit_interrupted;
            return;
        }
        report = over;
        if (report->state == operation_state::running) {
            state.exit_code = exit_unknown;
            report->text += " (the campaign's process is gone; forge run goes on with it)";
        }
    }
    if (o.view->json)
        print_json("forge.operation/1", to_json(*report));
    else if (request.dry_run)
        std::cout << "dry run: " << report->text << "\n";
    else
        print_report(*report);
    if (state.exit_code == 0)
        state.exit_code = exit_code_for(report->state);
}

std::shared_ptr<operate_options> add_operation(CLI::App& noun, cli_state& state, operation_verb verb, const char* object, const char* help) {
    auto* command = noun.add_subcommand(std::string(name_of(verb)), help);
    auto o = std::make_shared<operate_options>();
    o->request.verb = verb;
    o->view = add_run_view(*command);
    const std::string_view kind(object);
    command->add_option(object, o->object, kind == "device" ? "Device id, e.g. opencl:0.1" : kind == "node" ? "Node, e.g. lab2" : "Chain, e.g. c0")->required();
    if (verb == operation_verb::migrate)
        command->add_option("device", o->request.target, "Where to (default: the least loaded other device)");
    command->add_option("--op", o->request.id, "Operation id; repeating one returns its first answer (default: a fresh one)");
    command->add_flag("--dry-run", o->request.dry_run, "Say what would be done, and do nothing");
    command->add_flag("--no-wait", o->no_wait, "Return as soon as it has begun");
    command->callback([o, &state] { operate(*o, state); });
    return o;
}

} // namespace

void add_chain_commands(CLI::App& root, cli_state& state) {
    auto* chain = root.add_subcommand("chain", "Look at the chains of a campaign, and steer them while it runs");
    chain->require_subcommand(1);
    chain->footer("Operations act at the end of a trajectory; Ctrl-C stops watching, not the operation.");
    add_chain_views(*chain, state);
    add_operation(*chain, state, operation_verb::pause, "chain", "Start no further trajectory until resumed; the fields stay on the device");
    add_operation(*chain, state, operation_verb::resume, "chain", "Go on after pause or stop");
    add_operation(*chain, state, operation_verb::checkpoint, "chain", "Seal now: a verified checkpoint on disk, and its row in the ledger");
    add_operation(*chain, state, operation_verb::stop, "chain", "Finish the trajectory, seal, and free the device");
    add_operation(*chain, state, operation_verb::migrate, "chain", "Move to another device; the chain goes on bit for bit");
}

void add_operation_commands(CLI::App& root, cli_state& state) {
    auto* op = root.add_subcommand("op", "What became of operations");
    op->require_subcommand(1);
    auto* show = op->add_subcommand("show", "One operation, or the last ones");
    auto id = std::make_shared<std::string>();
    show->add_option("id", *id, "Operation id (default: all that the ledger remembers)");
    const auto view = add_run_view(*show);
    show->callback([id, view, &state] {
        auto folder = find_run(view->run);
        if (!folder)
            return report_error(state, folder.reason());
        auto book = ledger::open_read_only(folder->ledger());
        if (!book)
            return report_error(state, book.reason());
        const auto all = operations_in(*book);
        if (!all)
            return report_error(state, all.reason());
        auto rows = nlohmann::json::array();
        for (const auto& r : *all)
            if (id->empty() || r.id == *id) {
                rows.push_back(to_json(r));
                if (!view->json)
                    print_report(r);
            }
        if (!id->empty() && rows.empty())
            return report_error(state, {errc::not_found, "no operation " + *id + " is in the ledger", folder->ledger().string(),
                                        "a refused one is not kept; forge op show lists the others"});
        if (view->json)
            print_json("forge.op.show/1", rows);
        else if (rows.empty())
            std::cout << "no operations\n";
    });
}

void add_device_operations(CLI::App& device, cli_state& state) {
    add_operation(device, state, operation_verb::disable, "device", "Take no more chains (those that are there stay until they are moved)");
    add_operation(device, state, operation_verb::enable, "device", "Take chains again");
}

void add_node_operations(CLI::App& node, cli_state& state) {
    auto* list = node.add_subcommand("list", "The places of a running campaign: devices here and on other nodes, and which chains are there");
    const auto view = add_run_view(*list);
    list->callback([view, &state] {
        auto folder = find_run(view->run);
        if (!folder)
            return report_error(state, folder.reason());
        const auto status = ask_campaign(*folder, {{"ask", "status"}});
        if (!status)
            return report_error(state, status.reason());
        if (view->json)
            return print_json("forge.node.list/1", (*status)["devices"]);
        std::cout << fmt::format("{:<16} {:<14} {:<9} {:<14} {}\n", "NODE", "DEVICE", "STATE", "CHAINS", "NAME");
        for (const auto& d : (*status)["devices"]) {
            const auto id = d.value("device", std::string());
            const auto cut = id.find('/');
            std::string chains;
            for (const auto& c : d["chains"])
                chains += (chains.empty() ? "" : " ") + c.get<std::string>();
            const char* what = !d.value("online", true) ? "away" : d.value("draining", false) ? "draining" : d.value("disabled", false) ? "disabled" : "up";
            std::cout << fmt::format("{:<16} {:<14} {:<9} {:<14} {}\n", cut == std::string::npos ? "(here)" : id.substr(0, cut), cut == std::string::npos ? id : id.substr(cut + 1), what,
                                     chains.empty() ? "-" : chains, d["name"].is_string() ? d["name"].get<std::string>() : "n/a");
        }
    });
    add_operation(node, state, operation_verb::drain, "node", "Take its chains away, as far as there are other places, and give it no more");
    add_operation(node, state, operation_verb::undrain, "node", "Let it take chains again");
}

} // namespace forge::app
