// SPDX-License-Identifier: AGPL-3.0-only
// Messages and jobs in words, for traces.
#include "tests/migration/cluster.hpp"

namespace forge::migration::testing {

namespace {
std::string brief(const digest& d) { return std::to_string(number_of(d) % 1000); }
std::string brief(const position& p) { return std::to_string(p.trajectory) + "#" + brief(p.head); }
std::string e(epoch_no n) { return " e" + std::to_string(n.value); }

std::string words(const drain_chain& m) { return "drain " + m.op.value + e(m.epoch); }
std::string words(const prepare_copy& m) { return "prepare " + m.op.value + " " + brief(m.ref.at) + e(m.epoch); }
std::string words(const chain_granted& m) { return "granted" + e(m.epoch); }
std::string words(const row_told& m) {
    return "row " + (m.row.owner ? m.row.owner->node.value : "-") + e(m.row.epoch) + " at " + brief(m.row.cursor) + " sealed " + brief(m.row.sealed);
}
std::string words(const commit_judged& m) { return "commit of " + std::to_string(m.claim.trajectory) + e(m.claim.epoch) + (m.accepted ? " taken" : " refused"); }
std::string words(const seal_judged& m) { return std::string("seal ") + (m.accepted ? "taken" : "refused"); }
std::string words(const drop_copy& m) { return "drop " + brief(m.file); }
std::string words(const lease_renewed& m) { return "lease i" + std::to_string(m.incarnation); }
std::string words(const node_hello& m) { return "hello i" + std::to_string(m.incarnation); }
std::string words(const renew_lease& m) { return "renew, runs " + std::to_string(m.seats.size()); }
std::string words(const commit_chain& m) { return "commit " + std::to_string(m.claim.trajectory) + "#" + brief(m.claim.hash) + e(m.claim.epoch); }
std::string words(const seal_claim& m) { return "seal " + brief(m.ref.at) + e(m.epoch); }
std::string words(const chain_offered& m) { return "offered " + m.op.value + " " + brief(m.ref.at) + e(m.epoch); }
std::string words(const copy_prepared& m) { return "prepared " + m.op.value + e(m.epoch); }
std::string words(const unable& m) { return "unable: " + m.why; }
std::string words(const ask_row&) { return "ask"; }
std::string words(const chain_activated& m) { return "activated" + e(m.epoch); }
std::string words(const cannot_start& m) { return "cannot start: " + m.why; }
}

std::string to_text(const envelope& v) {
    const auto name = cluster::name_of(v.node).value;
    const auto chain = [](const auto& m) -> std::string {
        if constexpr (requires { m.chain; })
            return to_text(m.chain) + " ";
        else
            return "";
    };
    if (v.up)
        return name + "->L " + std::visit([&](const auto& m) { return chain(m) + words(m); }, v.question);
    return "L->" + name + " " + std::visit([&](const auto& m) { return chain(m) + words(m); }, v.answer);
}

std::string to_text(const job& j) {
    static constexpr const char* names[] = {"computed", "wrote", "pulled", "synced"};
    return cluster::name_of(j.node).value + " " + to_text(j.chain) + " " + names[static_cast<int>(j.what)] + " " + brief(j.ref.at);
}

} // namespace forge::migration::testing
