// SPDX-License-Identifier: AGPL-3.0-only
// A second machine keeps a copy of the run; the coordinator's disk may go.
#include "tests/cluster/cluster.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>

using namespace forge::test;

namespace {

campaign_file mirrored_campaign(const std::string& by = "node") {
    auto c = travelling_campaign();
    c.ledger = "mirror = \"" + by + "\"\nmirror_interval_s = 0.1";
    return c;
}

nlohmann::json mirror_of(const cluster& lab) {
    const auto r = run_forge({"status", "--run", lab.run().folder().string(), "--json"});
    const auto j = nlohmann::json::parse(r.out, nullptr, false);
    return j.is_object() ? j["data"].value("mirror", nlohmann::json()) : nlohmann::json();
}

/// The node's copy holds a seal of every chain at `trajectory` or later.
bool holds(const cluster& lab, std::uint64_t trajectory, double seconds = 30.0) {
    return eventually(seconds, [&] {
        const auto m = mirror_of(lab);
        return m.is_object() && m["sealed"].size() == 2 && m["sealed"].value("c0", 0u) >= trajectory && m["sealed"].value("c1", 0u) >= trajectory;
    });
}

/// The same command, to be killed at a step.
std::vector<std::string> failing(const std::string& where, std::vector<std::string> command) {
    command.insert(command.begin(), {"env", "FORGE_FAILPOINT=" + where});
    return command;
}

std::filesystem::path copy_on(const machine& m) {
    for (const auto& entry : std::filesystem::directory_iterator(m.folder / "mirrors"))
        if (std::filesystem::exists(entry.path() / "ledger.sqlite"))
            return entry.path();
    return {};
}

} // namespace

TEST_CASE("the coordinator's disk is lost in mid-run: rebuilt from the mirror, the run comes to the same hash", "[mirror]") {
    const auto file = mirrored_campaign();
    cluster lab(file);
    lab.start();
    auto two = lab.join("lab2");
    lab.migrate("c0", "lab2/opencl:0.0");
    INFO(lab.coordinator().program->err());
    REQUIRE(holds(lab, 100));
    const auto sealed = mirror_of(lab)["sealed"];
    lab.coordinator().program->stop(SIGKILL);
    std::filesystem::remove_all(lab.run().folder());
    lab.start({"--from-mirror", "lab2"});
    CHECK(lab.coordinator().said("recovered from lab2 and verified") == 1);
    REQUIRE(eventually(30.0, [&] { return !lab.chain("c0").is_null() && lab.chain("c0")["trajectory"].is_number(); }));
    for (const char* c : {"c0", "c1"})
        CHECK(lab.chain(c)["trajectory"].get<std::uint64_t>() >= sealed[c].get<std::uint64_t>());
    lab.must_end_undisturbed();
    CHECK(two.program->running());
    // The end of the campaign is in the copy, too.
    auto copy = forge::ledger::open_read_only(copy_on(two) / "ledger.sqlite").or_throw();
    CHECK(forge::to_hex(copy.ledger_hash().or_throw()) == undisturbed_hash(file));
    CHECK(copy.lineage().or_throw().size() == 2);
}

TEST_CASE("a copy that was carried away goes on as a run of its own; the old coordinator is refused by it", "[mirror]") {
    const auto file = mirrored_campaign("lab2");
    cluster lab(file);
    lab.start();
    auto two = lab.join("lab2");
    REQUIRE(holds(lab, 50));
    lab.coordinator().program->send(SIGSTOP); // frozen, not dead: nobody knows
    REQUIRE(eventually(20.0, [&] { return two.said("lost the coordinator lab1") == 1; }));
    const auto copy = copy_on(two);
    const auto elsewhere = lab.run().scratch() / "elsewhere";
    {
        const auto r = process(forge_command({"run", "--from-mirror", copy.string(), "--out", elsewhere.string(), "--json"})).wait(120.0);
        INFO(r.err);
        REQUIRE(r.exit_code == 0);
        CHECK(data_of(r)["ledger_hash"] == undisturbed_hash(file));
    }
    // The rebuilt run becomes the one that the copy follows: here by hand, as a node of its cluster would.
    for (const char* name : {"ledger.sqlite", "campaign.toml", "checkpoints"})
        std::filesystem::copy(elsewhere / name, copy / name, std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
    lab.coordinator().program->send(SIGCONT);
    INFO(lab.coordinator().program->err() << two.program->err());
    REQUIRE(eventually(30.0, [&] { return lab.coordinator().said("was rebuilt from its mirror elsewhere") == 1 || !lab.coordinator().program->running(); }));
    CHECK(eventually(5.0, [&] { return two.said("does not follow this run") == 1; }));
    lab.must_end_undisturbed(); // its own run directory is sound all the same
    CHECK(forge::ledger::open_read_only(copy / "ledger.sqlite").or_throw().lineage().or_throw().size() == 2);
}

TEST_CASE("the mirror's node is killed again and again: the copy is always one that a run goes on from", "[mirror][kill]") {
    auto file = mirrored_campaign();
    file.measure = 2000;
    cluster lab(file);
    lab.start();
    auto two = lab.join("lab2");
    int tried = 0;
    for (const char* where : {"keeper.file_arrived:kill", "keeper.file_kept:kill@2", "keeper.ledger_arrived:kill@3", "keeper.ledger_kept:kill@2", "ledger.before_apply:kill"}) {
        CAPTURE(where);
        if (!lab.coordinator().program->running())
            break;
        two.program->stop(SIGKILL);
        auto command = forge_command({"node", "start", "--cluster", two.folder.string(), "--split-cpu", "2"});
        two.program = std::make_unique<process>(failing(where, command));
        REQUIRE(eventually(30.0, [&] { return !two.program->running() || !lab.coordinator().program->running(); }));
        if (two.program->running())
            break;
        ++tried;
        if (const auto copy = copy_on(two); !copy.empty()) {
            const auto out = lab.run().scratch() / ("rebuilt" + std::to_string(tried));
            const auto r = process(forge_command({"run", "--from-mirror", copy.string(), "--out", out.string(), "--stop-after", "0.2s", "--quiet"})).wait(60.0);
            INFO(r.err);
            CHECK(r.exit_code == 0); // verified as a whole, and it goes on
            CHECK(run_forge({"ledger", "check", out.string()}).exit_code == 0);
        }
    }
    CHECK(tried >= 2);
    lab.start_node(two);
    lab.must_end_undisturbed();
}

TEST_CASE("the coordinator is killed at every step of copying: its run goes on, and so does the copy", "[mirror][kill]") {
    auto file = mirrored_campaign();
    file.measure = 2000;
    cluster lab(file);
    lab.start();
    auto two = lab.join("lab2");
    int tried = 0;
    for (const char* where : {"mirror.asked:kill", "ledger.before_copy:kill", "mirror.before_file:kill@2", "mirror.before_ledger:kill@2", "ledger.before_take_changes:kill@2",
                              "mirror.acknowledged:kill@3"}) {
        CAPTURE(where);
        lab.coordinator().program->stop(SIGKILL);
        lab.coordinator().failpoint = where;
        lab.launch();
        const auto end = lab.coordinator().program->wait(60.0);
        lab.coordinator().failpoint.clear();
        INFO(end.err);
        if (end.exit_code == 0) // the campaign ended first
            break;
        CHECK(end.signal == SIGKILL);
        ++tried;
        lab.start();
    }
    CHECK(tried >= 3);
    lab.must_end_undisturbed();
    REQUIRE(eventually(10.0, [&] { return !copy_on(two).empty(); }));
    CHECK(forge::to_hex(forge::ledger::open_read_only(copy_on(two) / "ledger.sqlite").or_throw().ledger_hash().or_throw()) == undisturbed_hash(file));
}

TEST_CASE("what cannot be recovered is said in words, and nothing is touched", "[mirror]") {
    const auto file = mirrored_campaign();
    scenario run(file);
    const auto hash = run.finish();
    const auto copy = run.scratch() / "copy";
    std::filesystem::copy(run.folder(), copy, std::filesystem::copy_options::recursive);
    const auto recover = [&](const std::filesystem::path& from, const std::string& out, const std::vector<std::string>& more = {}) {
        std::vector<std::string> command{"run", run.file().string(), "--from-mirror", from.string(), "--out", (run.scratch() / out).string(), "--json"};
        command.insert(command.end(), more.begin(), more.end());
        return process(forge_command(command)).wait(60.0);
    };
    SECTION("no such folder, and no cluster") {
        const auto r = recover("nowhere", "a");
        CHECK(r.exit_code == 2);
        CHECK_THAT(r.err, Catch::Contains("no folder") && Catch::Contains("--cluster"));
    }
    SECTION("another campaign") {
        auto other = file;
        other.seed = "other";
        run.write(other);
        const auto r = recover(copy, "b");
        CHECK(r.exit_code == 4);
        CHECK_THAT(r.err, Catch::Contains("another campaign"));
    }
    SECTION("a damaged ledger") {
        const auto size = std::filesystem::file_size(copy / "ledger.sqlite");
        flip(copy / "ledger.sqlite", static_cast<std::int64_t>(size / 2));
        const auto r = recover(copy, "c");
        CHECK(r.exit_code != 0);
        CHECK_FALSE(std::filesystem::exists(run.scratch() / "c"));
    }
    SECTION("a damaged checkpoint") {
        const auto files = run.checkpoints(0);
        flip(copy / "checkpoints" / files.front().filename(), 5000);
        const auto r = recover(copy, "d");
        CHECK(r.exit_code == 6);
        CHECK_FALSE(std::filesystem::exists(run.scratch() / "d"));
    }
    SECTION("a run that is there goes on as it is") {
        const auto r = process(run.command({"--from-mirror", copy.string()})).wait(60.0);
        CHECK(r.exit_code == 0);
        CHECK_THAT(r.err, Catch::Contains("goes on from it, not from the mirror"));
        CHECK(data_of(r)["ledger_hash"] == hash);
    }
    SECTION("killed while it is put together: the same command does it again") {
        for (const char* where : {"recovery.before_install:kill", "recovery.after_install:kill"}) {
            CAPTURE(where);
            std::vector<std::string> command{"run", run.file().string(), "--from-mirror", copy.string(), "--out", (run.scratch() / "e").string(), "--json"};
            std::filesystem::remove_all(run.scratch() / "e");
            const auto killed = process(failing(where, forge_command(command))).wait(60.0);
            CHECK(killed.signal == SIGKILL);
            const auto r = recover(copy, "e");
            INFO(r.err);
            CHECK(r.exit_code == 0);
            CHECK(data_of(r)["ledger_hash"] == hash);
        }
    }
}
