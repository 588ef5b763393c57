// SPDX-License-Identifier: AGPL-3.0-only
// What forge refuses, and how it says so.
#include "tests/scenario/scenario.hpp"

#include <catch2/catch.hpp>

using namespace forge::test;

namespace {

bool says(const process_result& r, const std::string& text) { return r.err.find(text) != std::string::npos; }

} // namespace

TEST_CASE("other physics in an existing run directory is refused with a diff that names the key", "[refusal]") {
    campaign_file c;
    scenario s(c);
    const auto hash = s.finish();
    struct change {
        std::string removed, added;
        std::function<void(campaign_file&)> apply;
    };
    const auto changed = GENERATE(
        change{"- hmc.steps = 6", "+ hmc.steps = 7", [](campaign_file& f) { f.steps = 7; }},
        change{"- measurement.trajectories = 100", "+ measurement.trajectories = 101", [](campaign_file& f) { f.measure = 101; }},
        change{"- seed = s1", "+ seed = s2", [](campaign_file& f) { f.seed = "s2"; }},
        change{"- chains = 2", "+ chains = 1", [](campaign_file& f) { f.chains = 1; }});
    CAPTURE(changed.added);
    changed.apply(c);
    s.write(c);
    const auto before = read_all(s.folder() / "campaign.toml");
    const auto r = s.run();
    INFO(r.err);
    CHECK(r.exit_code == 4);
    CHECK(says(r, changed.removed));
    CHECK(says(r, changed.added));
    CHECK(read_all(s.folder() / "campaign.toml") == before);
    CHECK(data_of(s.check_ledger()).at("ledger_hash") == hash);
}

TEST_CASE("other devices, widths, capacities and intervals go on with an existing run directory", "[resume]") {
    campaign_file c;
    scenario s(c);
    const auto stopped = s.run({"--stop-after", "0.1s"});
    REQUIRE(stopped.exit_code == 0);
    c.devices = "split_cpu = 2\nuse = [\"opencl:0.1\"]\nwidth = 2";
    c.flow = "capacity = 2";
    c.checkpoint = "interval_s = 0.05\nkeep = 3";
    s.write(c);
    CHECK(s.finish() == undisturbed_hash(campaign_file{}));
}

TEST_CASE("a campaign without a seed draws one, prints it, and goes on with it", "[resume]") {
    campaign_file c;
    c.seed.reset();
    c.measure = 400;
    scenario s(c);
    const auto first = s.run({"--stop-after", "0.2s"});
    INFO(first.err);
    REQUIRE(first.exit_code == 0);
    const auto seed = s.open().identity().campaign_seed;
    CHECK(seed.size() >= 16);
    CHECK(says(first, seed));
    const auto hash = s.finish();
    CHECK(s.open().identity().campaign_seed == seed);
    c.seed = seed;
    CHECK(scenario(c).finish() == hash);
    c.seed.reset();
    CHECK(scenario(c).finish() != hash);
}

TEST_CASE("every problem of a campaign file is reported with its line before anything is created", "[refusal]") {
    scenario s;
    s.write_text("name = \"bad\"\n"                  // 1
                 "[lattice]\n"                       // 2
                 "extents = [4, 4, 4]\n"             // 3: three extents
                 "[scan]\n"                          // 4
                 "beta_min = 5.9\n"                  // 5
                 "beta_max = 5.5\n"                  // 6: below beta_min
                 "[hmc]\n"                           // 7
                 "stepps = 6\n"                      // 8: unknown
                 "integrator = \"omelian2\"\n"       // 9: misspelt
                 "trajectory_length = \"long\"\n"    // 10: wrong type
                 "[measurement]\n"                   // 11
                 "trajectories = 0\n"                // 12: impossible
                 "[divices]\n"                       // 13: unknown table
                 "split_cpu = 2\n");
    const auto r = s.run();
    INFO(r.err);
    CHECK(r.exit_code == 2);
    for (const auto* line : {"3: lattice.extents", "6: scan.beta_max", "8: hmc.stepps", "9: hmc.integrator", "10: hmc.trajectory_length",
                             "12: measurement.trajectories", "13: divices"}) {
        CAPTURE(line);
        CHECK(says(r, "line " + std::string(line)));
    }
    CHECK(says(r, "did you mean steps?"));
    CHECK(says(r, "omelyan2"));
    CHECK(says(r, "did you mean devices?"));
    CHECK_FALSE(std::filesystem::exists(s.folder()));
}

TEST_CASE("a campaign file that is no TOML is refused with the place", "[refusal]") {
    scenario s;
    s.write_text("name = \"bad\"\n[lattice\nextents = [4, 4, 4, 4]\n");
    const auto r = s.run();
    INFO(r.err);
    CHECK(r.exit_code == 2);
    CHECK(says(r, s.file().string()));
    CHECK(says(r, "2 | [lattice"));
    CHECK_FALSE(std::filesystem::exists(s.folder()));
}

TEST_CASE("a campaign file that would break the parser is refused before it gets there", "[refusal]") {
    scenario s;
    const auto refuse = [&s](const std::string& text, const std::string& words) {
        s.write_text(text);
        const auto r = s.run();
        INFO(r.err);
        CHECK(r.exit_code == 2); // and not by a signal
        CHECK(says(r, words));
        CHECK_FALSE(std::filesystem::exists(s.folder()));
    };
    refuse("name = 'x'\n'\xe6" "1' = 1\n", "line 2: byte 12 is not UTF-8 text");
    refuse(std::string("name = 'x\0'\n", 12), "line 1: byte 9 is not UTF-8 text");
    refuse("a = " + std::string(20000, '['), "line 1: more brackets than any campaign has");
    std::string dotted = "b = 1\n";
    for (int k = 0; k < 100000; ++k)
        dotted += "a.";
    refuse(dotted + "a = 1\n", "line 2: more dots than any campaign has");
    refuse(std::string(300000, '#'), "300000 bytes are more than the");
}

TEST_CASE("what does not exist is exit code 3 and says what does", "[refusal]") {
    SECTION("campaign file") {
        const auto r = run_forge({"run", "no-such-campaign.toml"});
        CHECK(r.exit_code == 3);
        CHECK(says(r, "no-such-campaign.toml"));
    }
    SECTION("device") {
        campaign_file c;
        c.devices = "split_cpu = 2\nuse = [\"opencl:7.3\"]";
        scenario s(c);
        const auto r = s.run();
        INFO(r.err);
        CHECK(r.exit_code == 3);
        CHECK(says(r, "opencl:7.3"));
        CHECK(says(r, "opencl:0.0, opencl:0.1"));
        CHECK_FALSE(std::filesystem::exists(s.folder()));
    }
    SECTION("run directory") {
        const auto verb = GENERATE(as<std::string>{}, "status", "report");
        const auto r = run_forge({verb, "--run", "no-such-run"});
        CHECK(r.exit_code == 3);
        CHECK(says(r, "no-such-run"));
    }
    SECTION("the only run below runs/") {
        const scratch_folder empty;
        const auto r = run_forge({"status"}, {.folder = empty.path()});
        CHECK(r.exit_code == 3);
    }
}

TEST_CASE("wrong usage is exit code 2", "[refusal]") {
    using words = std::vector<std::string>;
    const auto arguments = GENERATE(words{}, words{"dance"}, words{"run"}, words{"run", "a.toml", "--fast"}, words{"ledger"},
                                    words{"checkpoint", "check"}, words{"device", "list", "--split-cpu", "many"},
                                    words{"run", "a.toml", "--stop-after", "soon"}, words{"run", "a.toml", "--stop-after", "-1s"});
    const auto r = run_forge(arguments);
    INFO(r.err + r.out);
    CHECK(r.exit_code == 2);
    CHECK_FALSE((r.err + r.out).empty());
}

TEST_CASE("help and version are exit code 0", "[refusal]") {
    CHECK(run_forge({"--help"}).exit_code == 0);
    CHECK(run_forge({"run", "--help"}).exit_code == 0);
    const auto version = run_forge({"--version"});
    CHECK(version.exit_code == 0);
    CHECK(version.out.find("forge ") == 0);
}
