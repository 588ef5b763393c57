// SPDX-License-Identifier: AGPL-3.0-only
// What an operator is told when an operation or a verification cannot be: in words, and as JSON.
#include "tests/scenario/scenario.hpp"
#include "tests/support/failpoints.hpp"

#include <catch2/catch.hpp>

using namespace forge::test;
using forge::chain_id;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

process_result ask(const scenario& s, std::vector<std::string> arguments, bool json) {
    arguments.insert(arguments.end(), {"--run", s.folder().string()});
    if (json)
        arguments.push_back("--json");
    return run_forge(arguments);
}

/// An answer of the campaign: the same state and words on the terminal and in the envelope, the same exit code.
void check_answer(const scenario& s, const std::vector<std::string>& command, const std::string& state, const std::string& words, int exit_code) {
    CAPTURE(command, words);
    const auto person = ask(s, command, false);
    INFO(person.out << person.err);
    CHECK(person.exit_code == exit_code);
    CHECK(has(person.out, ": " + state + "\n"));
    CHECK(has(person.out, words));
    const auto program = ask(s, command, true);
    INFO(program.out << program.err);
    CHECK(program.exit_code == exit_code);
    const auto data = data_of(program);
    CHECK(data["state"] == state);
    CHECK(has(data["text"], words));
}

/// An error: one message on stderr with its code, nothing on stdout that could be taken for a result.
void check_error(const scenario& s, const std::vector<std::string>& command, const std::string& code, const std::string& words, int exit_code) {
    CAPTURE(command, words);
    for (const bool json : {false, true}) {
        const auto r = ask(s, command, json);
        INFO(r.out << r.err);
        CHECK(r.exit_code == exit_code);
        CHECK(r.out.empty());
        CHECK(r.err.starts_with("error[" + code + "]: "));
        CHECK(has(r.err, words));
    }
}

campaign_file brief() {
    campaign_file c;
    c.thermalise = 5;
    c.measure = 30;
    return c;
}

void put(const std::filesystem::path& file, std::int64_t offset, const std::string& bytes) {
    std::fstream f(file, std::ios::binary | std::ios::in | std::ios::out);
    f.seekp(offset);
    f.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    REQUIRE(f.flush());
}

} // namespace

TEST_CASE("every refusal of chain checkpoint and chain migrate is told to a person and to a program", "[refusal]") {
    campaign_file c;
    c.measure = 1000000;
    const scenario s(c);
    process running(s.command({"--quiet"}));
    REQUIRE(eventually(20.0, [&] { return std::filesystem::exists(s.folder() / "control" / "forge.sock"); }));
    const std::string device = data_of(ask(s, {"chain", "show", "c0"}, true)).at("device");
    const std::string other = device == "opencl:0.0" ? "opencl:0.1" : "opencl:0.0";
    for (const char* chain : {"c7", "nonsense"}) {
        check_answer(s, {"chain", "checkpoint", chain}, "refused", "there is no chain " + std::string(chain) + "; the campaign has c0 ... c1", 4);
        check_answer(s, {"chain", "migrate", chain}, "refused", "there is no chain " + std::string(chain), 4);
    }
    check_answer(s, {"chain", "migrate", "c0", "opencl:9"}, "refused", "c0 is not moved: this campaign has no device opencl:9; possible: " + other, 4);
    check_answer(s, {"chain", "migrate", "c0", device}, "done", "c0 is on " + device + " already", 0);
    REQUIRE(ask(s, {"device", "disable", other}, false).exit_code == 0);
    check_answer(s, {"chain", "migrate", "c0", other}, "refused", other + " is disabled (forge device enable " + other + "); no other device would do", 4);
    check_answer(s, {"chain", "migrate", "c0"}, "refused", "there is no other device", 4);
    running.stop(SIGTERM);
    check_error(s, {"chain", "checkpoint", "c0"}, "not_found", "no campaign listens", 3);
    check_error(s, {"chain", "migrate", "c0"}, "not_found", "no campaign listens", 3);
    const auto nowhere = run_forge({"chain", "checkpoint", "c0", "--run", (s.scratch() / "nowhere").string()});
    CHECK(nowhere.exit_code == 3);
    CHECK(has(nowhere.err, "nowhere"));
}

TEST_CASE("a second operation on a chain whose first is under way is refused with the first one's id", "[refusal]") {
    if (!failpoints_compiled_in())
        return;
    campaign_file c;
    c.measure = 1000000;
    c.checkpoint = "interval_s = 1000.0";
    const scenario s(c);
    process running(with_failpoint("chain.before_snapshot:sleep:4000", s.command({"--quiet"}))); // a seal that takes its time
    REQUIRE(eventually(30.0, [&] { return s.committed(0) > 0; }));
    const auto first = ask(s, {"chain", "checkpoint", "c0", "--op", "first", "--no-wait"}, true);
    REQUIRE(data_of(first).at("state") == "running");
    check_answer(s, {"chain", "migrate", "c0"}, "refused", "c0 has an operation under way: checkpoint (forge op show first)", 4);
    check_answer(s, {"chain", "checkpoint", "c0"}, "refused", "forge op show first", 4);
    running.stop(SIGKILL);
}

TEST_CASE("a chain that has finished cannot be sealed or moved while the others go on", "[refusal]") {
    auto c = brief();
    c.chains = 3; // of 4 points: c0 has two, the others one
    const scenario s(c);
    // c1 rests, so the campaign is still there when c2 is over.
    process running(s.command({"--quiet"}));
    REQUIRE(eventually(20.0, [&] { return std::filesystem::exists(s.folder() / "control" / "forge.sock"); }));
    REQUIRE(data_of(ask(s, {"chain", "pause", "c1"}, true)).at("state") == "done");
    REQUIRE(eventually(30.0, [&] {
        const auto j = nlohmann::json::parse(ask(s, {"chain", "show", "c2"}, true).out, nullptr, false);
        return j.is_object() && j["data"]["phase"] == "done";
    }));
    check_answer(s, {"chain", "checkpoint", "c2"}, "refused", "c2 has finished: there is nothing left to checkpoint", 4);
    check_answer(s, {"chain", "migrate", "c2"}, "refused", "c2 has finished: there is nothing left to migrate", 4);
    REQUIRE(data_of(ask(s, {"chain", "resume", "c1"}, true)).at("state") == "done");
    CHECK(running.wait(60.0).exit_code == 0);
}

TEST_CASE("chain verify says what it cannot compute again, and does not trust a damaged checkpoint", "[refusal]") {
    const auto c = brief();
    const scenario s(c);
    REQUIRE(s.run({"--quiet"}).exit_code == 0);
    check_error(s, {"chain", "verify", "nonsense"}, "invalid_argument", "\"nonsense\" is no chain", 2);
    check_error(s, {"chain", "verify", "c7"}, "not_found", "the campaign has no chain c7", 3);
    check_error(s, {"chain", "verify", "c0", "--device", "opencl:77"}, "device_unavailable", "opencl:77", 3);
    const auto none = ask(s, {"chain", "verify", "c0", "--last", "0"}, false);
    CHECK(none.exit_code == 2);
    CHECK(has(none.err, "--last"));
    // More than there are: all of them.
    const auto all = s.committed(0);
    const auto beyond = data_of(ask(s, {"chain", "verify", "c0", "--last", "1000000"}, true));
    CHECK(beyond["outcome"] == "bit-identical");
    CHECK(beyond["identical"] == all);
    CHECK(beyond["from_trajectory"] == 0);
    for (const auto& file : s.checkpoints(0))
        flip(file, 3000);
    const auto person = ask(s, {"chain", "verify", "c0"}, false);
    INFO(person.err);
    CHECK(person.exit_code == 0);
    CHECK(has(person.out, "trajectories 1 ... " + std::to_string(all) + " computed again: bit-identical"));
    const auto damaged = data_of(ask(s, {"chain", "verify", "c0"}, true));
    CHECK(damaged["from_trajectory"] == 0); // from the start instead
    CHECK(damaged["identical"] == all);
}

TEST_CASE("checkpoints and ledgers of a newer version are refused by their names and versions", "[refusal][version]") {
    const auto c = brief();
    const scenario s(c);
    const auto hash = s.finish();
    SECTION("a checkpoint") {
        const auto file = s.checkpoints(0).front();
        put(file, 24, std::string("\x63\0\0\0", 4)); // docs/formats/checkpoint.md: the format's version
        const auto person = run_forge({"checkpoint", "check", file.string()});
        CHECK(person.exit_code != 0);
        CHECK(has(person.out, file.string() + ": REFUSED"));
        CHECK(has(person.out, "checkpoint format 99 is newer than 1"));
        CHECK(has(person.out, "upgrade forge"));
        const auto program = run_forge({"checkpoint", "check", file.string(), "--json"});
        CHECK(program.exit_code == person.exit_code);
        CHECK(data_of(program)[0]["error"] == "version_too_new");
        CHECK(data_of(program)[0]["ok"] == false);
        CHECK(s.finish() == hash); // the ledger knows that nothing is missing
    }
    SECTION("a ledger") {
        const auto file = s.folder() / "ledger.sqlite";
        put(file, 60, std::string("\0\0\0\x63", 4)); // SQLite's user_version, big-endian
        const auto before = read_all(file);
        for (const auto& command : std::vector<std::vector<std::string>>{{"ledger", "check", s.folder().string()}, {"chain", "verify", "c0", "--run", s.folder().string()},
                                                                         {"op", "show", "--run", s.folder().string()}}) {
            CAPTURE(command);
            const auto r = run_forge(command);
            INFO(r.err);
            CHECK(r.exit_code != 0);
            CHECK(r.err.starts_with("error[version_too_new]: the ledger has format 99"));
            CHECK(has(r.err, file.string()));
            CHECK(has(r.err, "upgrade forge"));
        }
        const auto again = s.run({"--quiet"});
        CHECK(again.exit_code != 0);
        CHECK(has(again.err, "the ledger has format 99"));
        CHECK(read_all(file) == before);
    }
}
