// SPDX-License-Identifier: AGPL-3.0-only
// Campaign files: defaults, every kind of problem with its line, and the text that fixes the physics.
#include "libactors/control/campaign.hpp"
#include "libactors/control/toml_section.hpp"

#include <catch2/catch.hpp>

using namespace forge;

namespace {

const std::string minimal = "[lattice]\nextents = [8, 8, 8, 4]\n[scan]\nbeta_min = 5.7\n[measurement]\ntrajectories = 10\n";

/// Message of the error that this text gives; empty when it parses.
std::string problems_of(const std::string& text) {
    const auto c = parse_campaign(text, "file.toml");
    if (c)
        return {};
    CHECK(c.reason().code == errc::config_invalid);
    CHECK(c.reason().where == "file.toml");
    return c.reason().what;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("what is left out has the documented default") {
    const auto c = parse_campaign(minimal, "f").or_throw();
    campaign expected;
    expected.lattice = {{8, 8, 8, 4}};
    expected.beta_min = expected.beta_max = 5.7;
    expected.hmc.n_measure = 10;
    expected.hmc.n_thermalise = 100;
    expected.hmc.n_warmup = 10;
    CHECK(c == expected);
    CHECK(!c.seed);
    CHECK(c.edge_capacity == 64);
    CHECK(c.hmc.integrator == integrator_kind::omelyan2);
}

TEST_CASE("everything that can be said is read") {
    const auto c = parse_campaign(R"(name = "deconfinement"
seed = "12"
chains = 3
output = "somewhere"
[lattice]
extents = [4, 6, 2, 8]
[scan]
beta_min = 5
beta_max = 6.5
points = 4
steering = "adaptive"
[hmc]
trajectory_length = 0.5
steps = 12
integrator = "leapfrog"
[thermalisation]
trajectories = 20
warmup = 5
[measurement]
trajectories = 1000
target_error = 1e-4
[start]
kind = "file"
file = "c.nersc"
[devices]
use = ["opencl:0", "opencl:1"]
split_cpu = 2
width = 8
[flow]
capacity = 3
[checkpoint]
interval_s = 1.5
keep = 4
)", "f").or_throw();
    CHECK(c.name == "deconfinement");
    CHECK(c.seed == "12");
    CHECK(c.n_chains == 3);
    CHECK(c.output == "somewhere");
    CHECK(c.lattice == extents{{4, 6, 2, 8}});
    CHECK(c.beta_min == 5.0);
    CHECK(c.beta_max == 6.5);
    CHECK(c.beta_points == 4);
    CHECK(c.steering == steering_mode::adaptive);
    CHECK(c.hmc.trajectory_length == 0.5);
    CHECK(c.hmc.n_steps == 12);
    CHECK(c.hmc.integrator == integrator_kind::leapfrog);
    CHECK(c.hmc.n_thermalise == 20);
    CHECK(c.hmc.n_warmup == 5);
    CHECK(c.hmc.n_measure == 1000);
    CHECK(c.hmc.target_error == 1e-4);
    CHECK(c.start == start_kind::file);
    CHECK(c.start_file == "c.nersc");
    CHECK(c.devices == std::vector<std::string>{"opencl:0", "opencl:1"});
    CHECK(c.split_cpu == 2);
    CHECK(c.width == 8);
    CHECK(c.edge_capacity == 3);
    CHECK(c.seal_interval_s == 1.5);
    CHECK(c.keep_checkpoints == 4);
}

TEST_CASE("an unknown key is reported with its line and what may have been meant") {
    const auto p = problems_of(minimal + "[hmc]\nstep = 5\n");
    CHECK(contains(p, "line 8"));
    CHECK(contains(p, "hmc.step"));
    CHECK(contains(p, "unknown key"));
    CHECK(contains(p, "did you mean steps?"));
    CHECK(contains(problems_of("chans = 2\n" + minimal), "did you mean chains?"));
    CHECK(contains(problems_of(minimal + "[measurment]\nx = 1\n"), "did you mean measurement?"));
    const auto far = problems_of(minimal + "[hmc]\ncompletely_different = 5\n");
    CHECK(!contains(far, "did you mean"));
    CHECK(contains(far, "known here"));
}

TEST_CASE("each wrong type is reported at its line") {
    const std::pair<const char*, const char*> cases[] = {
        {"[hmc]\nsteps = 1.5\n", "hmc.steps"},         {"[hmc]\nsteps = \"10\"\n", "hmc.steps"},
        {"[hmc]\ntrajectory_length = true\n", "hmc.trajectory_length"}, {"[hmc]\nintegrator = 2\n", "hmc.integrator"},
        {"[devices]\nuse = \"opencl:0\"\n", "devices.use"}, {"[devices]\nuse = [1]\n", "devices.use"},
        {"[checkpoint]\ninterval_s = \"soon\"\n", "checkpoint.interval_s"}};
    for (const auto& [text, key] : cases) {
        const auto p = problems_of(minimal + text);
        INFO(text << p);
        CHECK(contains(p, "1 problem in file.toml"));
        CHECK(contains(p, "line 8"));
        CHECK(contains(p, key));
    }
    CHECK(contains(problems_of("hmc = 3\n" + minimal), "where a table belongs"));
    CHECK(contains(problems_of("seed = 3\n" + minimal), "where a text belongs"));
}

TEST_CASE("each impossible value is reported at its line") {
    const std::pair<const char*, const char*> cases[] = {
        {"[hmc]\nsteps = 0\n", "hmc.steps"},     {"[hmc]\nsteps = -3\n", "hmc.steps"},
        {"[hmc]\ntrajectory_length = 0.0\n", "hmc.trajectory_length"}, {"[hmc]\ntrajectory_length = nan\n", "hmc.trajectory_length"},
        {"[hmc]\ntrajectory_length = inf\n", "hmc.trajectory_length"}, {"[hmc]\nintegrator = \"leapfrogg\"\n", "leapfrog"},
        {"[flow]\ncapacity = 0\n", "flow.capacity"}, {"[flow]\ncapacity = 65\n", "flow.capacity"},
        {"[checkpoint]\nkeep = 1\n", "checkpoint.keep"}, {"[ledger]\nmirror = \"Lab 2\"\n", "ledger.mirror"}, {"[ledger]\nmirror_interval_s = 0\n", "ledger.mirror_interval_s"}, {"[devices]\nwidth = 3\n", "devices.width"},
        {"[devices]\nwidth = 6\n", "devices.width"}, {"[thermalisation]\nwarmup = 101\n", "thermalisation.warmup"},
        {"[start]\nkind = \"file\"\n", "start.kind"}, {"[start]\nfile = \"x\"\n", "start.file"}};
    for (const auto& [text, key] : cases) {
        const auto p = problems_of(minimal + text);
        INFO(text << p);
        CHECK(contains(p, "1 problem in file.toml"));
        CHECK(contains(p, "line 8"));
        CHECK(contains(p, key));
        CHECK(contains(p, "try: "));
    }
    for (const char* name : {"", "a b", "../x", ".hidden", "a/b"})
        CHECK(contains(problems_of("name = \"" + std::string(name) + "\"\n" + minimal), "the name becomes a folder"));
    CHECK(contains(problems_of("chains = 0\n" + minimal), "chains"));
    CHECK(contains(problems_of("chains = 99999999999\n" + minimal), "chains"));
}

TEST_CASE("impossible lattices and scans are reported") {
    const auto with = [](const std::string& lattice, const std::string& scan) {
        return problems_of("[lattice]\nextents = " + lattice + "\n[scan]\n" + scan + "\n[measurement]\ntrajectories = 10\n");
    };
    for (const char* l : {"[8, 8, 8]", "[8, 8, 8, 4, 2]", "[8, 8, 8, 4.0]", "8", "[0, 8, 8, 8]", "[-1, 8, 8, 8]",
                          "[2000, 8, 8, 8]", "[1, 1, 1, 1]", "[1024, 1024, 1024, 1024]"}) {
        INFO(l);
        CHECK(contains(with(l, "beta_min = 5.7"), "line 2: lattice.extents"));
    }
    for (const char* s : {"beta_min = 0.0", "beta_min = -1.0", "beta_min = 5.7\nbeta_max = 5.5", "beta_min = 5.7\npoints = 2",
                          "beta_min = 5.7\nbeta_max = 5.9\npoints = 1", "beta_min = 5.7\nsteering = \"plam\""}) {
        const auto p = with("[8, 8, 8, 4]", s);
        INFO(s << "\n" << p);
        CHECK(contains(p, "1 problem in file.toml"));
        CHECK(contains(p, "scan."));
    }
}

TEST_CASE("each missing key is reported once") {
    const auto p = problems_of("");
    CHECK(contains(p, "lattice.extents: is missing"));
    CHECK(contains(p, "scan.beta_min: is missing"));
    CHECK(contains(p, "measurement.trajectories: is missing"));
    CHECK(contains(p, "3 problems in file.toml"));
}

TEST_CASE("several problems are reported together, in the order of their lines") {
    const auto p = problems_of("chans = 2\n[lattice]\nextents = [8, 8, 8]\n[scan]\nbeta_min = \"x\"\n[hmc]\nsteps = 0\n"
                               "[measurement]\ntrajectories = 5\n");
    const auto first = p.find("line 1: chans");
    const auto second = p.find("line 3: lattice.extents");
    const auto third = p.find("line 5: scan.beta_min");
    const auto fourth = p.find("line 7: hmc.steps");
    INFO(p);
    CHECK(first != std::string::npos);
    CHECK(first < second);
    CHECK(second < third);
    CHECK(third < fourth);
    CHECK(fourth != std::string::npos);
}

TEST_CASE("broken syntax is an error with its line, never an exception") {
    for (const char* text : {"[lattice\n", "x = \n", "a = 1\na = 2\n", "\x01\x02", "= 3"}) {
        const auto c = parse_campaign(text, "file.toml");
        REQUIRE(!c);
        CHECK(c.reason().code == errc::config_invalid);
        CHECK(!c.reason().what.empty());
    }
}

TEST_CASE("the physics text has everything that fixes the numbers and nothing else") {
    const auto base = parse_campaign(minimal, "f").or_throw();
    const auto same = [&](auto change) {
        auto c = base;
        change(c);
        return physics_text(c) == physics_text(base);
    };
    CHECK(same([](auto& c) { c.devices = {"opencl:3"}; }));
    CHECK(same([](auto& c) { c.split_cpu = 2; }));
    CHECK(same([](auto& c) { c.width = 8; }));
    CHECK(same([](auto& c) { c.edge_capacity = 1; }));
    CHECK(same([](auto& c) { c.seal_interval_s = 1.0; }));
    CHECK(same([](auto& c) { c.keep_checkpoints = 9; }));
    CHECK(same([](auto& c) { c.mirror = "lab2"; }));
    CHECK(same([](auto& c) { c.output = "elsewhere"; }));
    CHECK(!same([](auto& c) { c.n_chains = 2; }));
    CHECK(!same([](auto& c) { c.lattice.n[2] = 6; }));
    CHECK(!same([](auto& c) { c.beta_min = std::nextafter(5.7, 6.0); }));
    CHECK(!same([](auto& c) { c.beta_max = 6.0; }));
    CHECK(!same([](auto& c) { c.beta_points = 2; }));
    CHECK(!same([](auto& c) { c.steering = steering_mode::adaptive; }));
    CHECK(!same([](auto& c) { c.hmc.trajectory_length = 0.5; }));
    CHECK(!same([](auto& c) { c.hmc.n_steps = 11; }));
    CHECK(!same([](auto& c) { c.hmc.integrator = integrator_kind::leapfrog; }));
    CHECK(!same([](auto& c) { c.hmc.n_thermalise = 99; }));
    CHECK(!same([](auto& c) { c.hmc.n_warmup = 9; }));
    CHECK(!same([](auto& c) { c.hmc.n_measure = 11; }));
    CHECK(!same([](auto& c) { c.hmc.target_error = 0.1; }));
    CHECK(!same([](auto& c) { c.start = start_kind::hot; }));
}

TEST_CASE("the difference of two physics texts shows the lines that differ, old and new") {
    auto c = parse_campaign(minimal, "f").or_throw();
    const auto old_text = physics_text(c);
    CHECK(difference(old_text, old_text).empty());
    c.hmc.n_steps = 12;
    CHECK(difference(old_text, physics_text(c)) == "- hmc.steps = 10\n+ hmc.steps = 12\n");
    CHECK(difference("a\nb\n", "a\n") == "- b\n");
    CHECK(difference("a\n", "a\nb\n") == "+ b\n");
}

TEST_CASE("the nearest word is found within three edits") {
    CHECK(nearest_word("stpes", {"steps", "length"}) == "steps");
    CHECK(nearest_word("steps", {"steps"}) == "steps");
    CHECK(nearest_word("abcdefgh", {"steps", "length"}).empty());
    CHECK(nearest_word("x", {}).empty());
}
