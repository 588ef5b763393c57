// SPDX-License-Identifier: AGPL-3.0-only
// Killed at a named step of a protocol, the same command goes on to the hash of the undisturbed run.
#include "tests/scenario/scenario.hpp"
#include "tests/support/failpoints.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

using namespace forge::test;
using forge::chain_id;

namespace {

/// Two chains with two segments each and a seal every few trajectories, about 0.2 s.
campaign_file tiny() {
    campaign_file c;
    c.points = 4;
    c.steps = 4;
    c.thermalise = 3;
    c.measure = 40;
    c.checkpoint = "interval_s = 0.01";
    return c;
}

/// Names in the table of docs/guarantees.md: rows that begin with | `part.step` |.
words documented() {
    words found;
    std::istringstream lines(read_all(std::filesystem::path(std::getenv("FORGE_SOURCE")) / "docs" / "guarantees.md"));
    for (std::string line; std::getline(lines, line);)
        if (const auto end = line.find("` |"); line.starts_with("| `") && line.find('.') < end && end != std::string::npos)
            found.push_back(line.substr(3, end - 3));
    return found;
}

bool begins(const std::string& name, const words& parts) {
    return std::any_of(parts.begin(), parts.end(), [&](const auto& p) { return name.starts_with(p + "."); });
}

/// Steps that a campaign passes once.
bool once(const std::string& name) { return name == "ledger.before_create" || name == "ledger.after_create"; }

/// Trajectories of every chain that a durable, live checkpoint covers.
std::map<std::uint32_t, std::uint64_t> sealed_in(const scenario& s, int chains) {
    std::map<std::uint32_t, std::uint64_t> sealed;
    auto book = forge::ledger::open_read_only(s.folder() / "ledger.sqlite");
    for (std::uint32_t c = 0; book && c < static_cast<std::uint32_t>(chains); ++c)
        sealed[c] = book->sealed(chain_id{c}).or_throw().value_or(0);
    return sealed;
}

/// @return whether the step was reached that often.
bool killed_at(const scenario& s, const std::string& rule) {
    const auto r = process(with_failpoint(rule, s.command({"--quiet"}))).wait();
    CAPTURE(rule, r.exit_code, r.err);
    CHECK_FALSE(r.timed_out);
    CHECK((r.signal == SIGKILL || r.exit_code == 0));
    return r.signal == SIGKILL;
}

/// Killed at the n-th hit, gone on with, and compared. @return whether it was killed.
bool kill_and_go_on(const std::string& name, int n) {
    const auto rule = name + ":kill@" + std::to_string(n);
    CAPTURE(rule);
    const auto c = tiny();
    const scenario s(c);
    const bool killed = killed_at(s, rule);
    const auto sealed = sealed_in(s, c.chains);
    check_whole(s, c);
    auto book = s.open();
    for (const auto& [chain, trajectory] : sealed) { // what was sealed was never computed again
        const auto records = book.records(chain_id{chain}, true).or_throw();
        CHECK(records.size() >= trajectory);
    }
    return killed;
}

void fail_and_go_on(const std::string& rule) {
    CAPTURE(rule);
    const auto c = tiny();
    const scenario s(c);
    const auto r = process(with_failpoint(rule, s.command({"--quiet"}))).wait();
    INFO(r.err);
    CHECK(r.exit_code == 0);
    check_whole(s, c);
}

} // namespace

TEST_CASE("a mistake in FORGE_FAILPOINT is one message and exit code 2 before anything begins", "[failpoint]") {
    if (!failpoints_compiled_in())
        return;
    for (const char* wrong : {"checkpoint.before_rename:explode", "checkpoint.before_rename", "checkpoint.nowhere:kill", "ledger.after_commit:error",
                              "chain.loaded:kill@0", "chain.loaded:sleep:soon", "chain.loaded:kill,,"}) {
        const auto r = process(with_failpoint(wrong, forge_command({"--version"}))).wait();
        CAPTURE(wrong, r.err);
        CHECK(r.exit_code == 2);
        CHECK(r.out.empty());
        CHECK(r.err.starts_with("error[invalid_argument]: FORGE_FAILPOINT: "));
    }
    CHECK(process(with_failpoint("chain.loaded:sleep:1@2,ledger.before_commit:error", forge_command({"--version"}))).wait().exit_code == 0);
}

TEST_CASE("every failpoint is documented and stands in the source once; a program without them holds no name", "[failpoint]") {
    const auto known = documented();
    CHECK(known.size() >= 70);
    const auto compiled = failpoint_names();
    if (compiled.empty()) {
        const auto program = read_all(forge_command({}).front());
        for (const auto& name : known)
            CHECK(program.find(name) == std::string::npos);
        return;
    }
    CHECK(compiled == known);
    std::map<std::string, int> places;
    const std::filesystem::path root(std::getenv("FORGE_SOURCE"));
    for (const char* part : {"libactors", "actors"})
        for (const auto& entry : std::filesystem::recursive_directory_iterator(root / part))
            if (entry.is_regular_file() && entry.path().stem() != "failpoint") {
                const auto text = read_all(entry.path());
                for (const auto& name : compiled)
                    places[name] += text.find("(\"" + name + "\")") != std::string::npos ? 1 : 0;
            }
    for (const auto& name : compiled) {
        CAPTURE(name);
        CHECK(places[name] == 1);
    }
}

TEST_CASE("killed at a step of checkpoint, ledger, recorder or chain, a campaign goes on to the same hash", "[failpoint][kill]") {
    int killed = 0;
    for (const char* name : {"checkpoint.before_write", "checkpoint.before_fsync", "checkpoint.before_rename", "checkpoint.after_rename",
                             "checkpoint.after_remove", "ledger.before_create", "ledger.after_create", "ledger.after_records",
                             "ledger.after_commit", "ledger.after_take_epoch", "ledger.in_open_segment", "ledger.before_seal_row",
                             "recorder.epoch_taken", "recorder.flushed", "recorder.sealed", "recorder.pruned", "chain.loaded",
                             "supervisor.chain_stopped"})
        if (failpoints_compiled_in()) {
            CAPTURE(name);
            const bool was = kill_and_go_on(name, once(name) ? 1 : 2);
            CHECK(was);
            killed += was ? 1 : 0;
        }
    WARN("killed and recovered: " << killed);
}

TEST_CASE("a step that fails once delays a campaign and changes nothing", "[failpoint]") {
    if (failpoints_compiled_in()) // one that the recorder tries again, one after which a chain goes back to its last seal
        for (const char* rule : {"checkpoint.before_fsync:error@2", "recorder.before_flush:error@3"})
            fail_and_go_on(rule);
}

TEST_CASE("whichever step fails once, a campaign is delayed and nothing is changed", "[failpoint][slow]") {
    if (failpoints_compiled_in())
        for (const char* rule : {"checkpoint.after_rename:error@2", "ledger.before_commit:error@9", "ledger.before_open_segment:error@2"})
            fail_and_go_on(rule);
}

TEST_CASE("killed at the first and third hit of any failpoint, a campaign goes on to the same hash", "[failpoint][kill][slow]") {
    int killed = 0;
    for (const auto& name : failpoint_names())
        for (const int n : {1, 3}) {
            CAPTURE(name, n);
            const bool was = kill_and_go_on(name, n);
            killed += was ? 1 : 0;
            if (n == 1 && begins(name, {"checkpoint", "ledger", "recorder", "chain"})) // the others need an operator or a second machine
                CHECK(was);
        }
    WARN("killed and recovered: " << killed);
}
