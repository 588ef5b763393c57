// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/check_commands.hpp"

#include "apps/forge/campaign_files.hpp"
#include "libactors/checkpoint/mapped_file.hpp"
#include "libactors/lattice/state_hash.hpp"
#include "libactors/wire/checkpoint_codec.hpp"

#include <fmt/format.h>

#include <iostream>

namespace forge::app {

namespace {

result<void> check_ledger(const std::string& run, const std::string& chain, bool json, cli_state& state) {
    auto folder = find_run(run);
    if (!folder)
        return folder.reason();
    std::optional<chain_id> only;
    if (!chain.empty()) {
        only = chain_from_text(chain);
        if (!only)
            return error{errc::invalid_argument, "\"" + chain + "\" is no chain", "--chain", "c0"};
    }
    auto book = ledger::open_read_only(folder->ledger());
    if (!book)
        return book.reason();
    const auto report = book->check(only);
    if (!report)
        return report.reason();
    const auto hash = book->ledger_hash();
    if (!report->ok())
        state.exit_code = 6;
    if (json) {
        auto chains = nlohmann::json::array();
        for (const auto& c : report->chains)
            chains.push_back({{"chain", to_text(c.chain)}, {"live", c.live}, {"superseded", c.superseded}, {"segments", c.segments},
                              {"epoch", c.epoch.value}, {"head", to_hex(c.head)}});
        auto problems = nlohmann::json::array();
        for (const auto& p : report->problems)
            problems.push_back({{"chain", p.chain ? nlohmann::json(to_text(*p.chain)) : nlohmann::json(nullptr)},
                                {"trajectory", p.trajectory ? nlohmann::json(*p.trajectory) : nlohmann::json(nullptr)}, {"problem", p.text}});
        print_json("forge.ledger.check/1", {{"run", folder->root.string()}, {"ok", report->ok()}, {"chains", chains}, {"problems", problems},
                                            {"ledger_hash", hash ? nlohmann::json(to_hex(*hash)) : nlohmann::json(nullptr)}});
        return {};
    }
    for (const auto& c : report->chains)
        std::cout << fmt::format("{}: {} live records, {} superseded, {} segments, epoch {}, head {}\n", to_text(c.chain), c.live, c.superseded,
                                 c.segments, c.epoch.value, to_hex(c.head).substr(0, 16));
    for (const auto& p : report->problems)
        std::cout << fmt::format("PROBLEM {}{}: {}\n", p.chain ? to_text(*p.chain) : "ledger",
                                 p.trajectory ? fmt::format(" trajectory {}", *p.trajectory) : "", p.text);
    std::cout << fmt::format("ledger hash {}\n{}\n", hash ? to_hex(*hash) : "n/a", report->ok() ? "ok" : "NOT ok");
    return {};
}

void check_checkpoints(const std::vector<std::string>& files, bool json, cli_state& state) {
    auto rows = nlohmann::json::array();
    for (const auto& name : files) {
        const auto checked = verified_checkpoint(name);
        if (!checked) {
            if (state.exit_code == 0 || state.exit_code == 3)
                state.exit_code = exit_code_of(checked.reason().code);
            rows.push_back({{"file", name}, {"ok", false}, {"error", std::string(name_of(checked.reason().code))}, {"what", checked.reason().what}, {"where", checked.reason().where}});
            if (!json)
                std::cout << name << ": REFUSED\n" << to_text(checked.reason()) << "\n";
            continue;
        }
        const auto& s = *checked;
        const auto deviation = deviation_from_group(s.links);
        rows.push_back({{"file", name}, {"ok", true}, {"chain", to_text(s.chain)}, {"trajectory", s.trajectory}, {"segment", s.segment.value},
                        {"beta", s.params.beta}, {"extents", s.links.shape().n}, {"plaquette", s.plaquette.all()}, {"unitarity", deviation.unitarity},
                        {"head", to_hex(s.head)}, {"provenance", s.provenance}});
        if (!json)
            std::cout << fmt::format("{}: ok\n  chain {} after trajectory {} ({} since {}), beta {}, lattice {}\n  plaquette {:.15f}, unitarity {:.1e}, determinant {:.1e}\n"
                                     "  record {}\n  {}\n", name, to_text(s.chain), s.trajectory, to_text(s.segment), s.segment_first, s.params.beta,
                                     to_text(s.links.shape()), s.plaquette.all(), deviation.unitarity, deviation.determinant, to_hex(s.head), s.provenance);
    }
    if (json)
        print_json("forge.checkpoint.check/1", rows);
}

} // namespace

result<chain_state> verified_checkpoint(const std::string& name) {
    const auto file = mapped_file::open(name);
    if (!file)
        return file.reason();
    auto s = decode_checkpoint(file->bytes());
    if (s && !(fingerprint_of(s->links) == s->state))
        return error{errc::checksum_mismatch, "the links do not have the fingerprint that is stored with them", name, "use an older checkpoint"};
    return s;
}

void add_check_commands(CLI::App& root, cli_state& state) {
    struct ledger_options {
        std::string run;
        std::string chain;
        bool json = false;
    };
    auto* ledger_noun = root.add_subcommand("ledger", "The ledger of a run");
    ledger_noun->require_subcommand(1);
    auto* check = ledger_noun->add_subcommand("check", "Recompute every hash and link of the ledger; exit 6 when something is wrong");
    auto l = std::make_shared<ledger_options>();
    check->add_option("run", l->run, "Run directory (default: the only one below runs/)");
    check->add_option("--chain", l->chain, "This chain only, e.g. c0");
    check->add_flag("--json", l->json, "JSON on standard output");
    check->callback([l, &state] {
        if (auto done = check_ledger(l->run, l->chain, l->json, state); !done)
            report_error(state, done.reason());
    });

    struct checkpoint_options {
        std::vector<std::string> files;
        bool json = false;
    };
    auto* checkpoint_noun = root.add_subcommand("checkpoint", "Checkpoint files");
    checkpoint_noun->require_subcommand(1);
    auto* verify = checkpoint_noun->add_subcommand("check", "Verify checkpoint files: every hash, links in SU(3), plaquette, fingerprint; exit 6 when refused");
    auto f = std::make_shared<checkpoint_options>();
    verify->add_option("files", f->files, "Files")->required();
    verify->add_flag("--json", f->json, "JSON on standard output");
    verify->callback([f, &state] { check_checkpoints(f->files, f->json, state); });
    add_checkpoint_validate_command(*checkpoint_noun, state);
}

} // namespace forge::app
