// SPDX-License-Identifier: AGPL-3.0-only
// topology.toml: what can be said, what is refused and how, and the gallery.
#include "libactors/control/topology_file.hpp"
#include "libactors/flow/orderings.hpp"
#include "tests/flow/random_topology.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

using namespace forge;

namespace {

const std::string good = "[[stage]]\nid = \"hmc\"\nkind = \"hmc_producer\"\n[[stage]]\nid = \"rec\"\nkind = \"recorder\"\n"
                         "[[edge]]\nfrom = \"hmc\"\nto = \"rec\"\n"; // lines 1...9

node_view small_node() {
    node_view n;
    n.devices = {{"opencl:0", substrate_kind::gpu, usual_capabilities(substrate_kind::gpu, true, true), 250000},
                 {"npu:0", substrate_kind::npu, usual_capabilities(substrate_kind::npu, false, false), 30}};
    n.power_budget_mw = 300000;
    return n;
}

std::string refused(const std::string& text, const node_view& node = {}) {
    const auto f = parse_topology(text, "topology.toml", node);
    INFO(text);
    REQUIRE(!f.ok());
    CHECK(f.reason().code == errc::config_invalid);
    CHECK(f.reason().where == "topology.toml");
    return f.reason().what;
}

std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++n;
    return n;
}

} // namespace

TEST_CASE("everything that a topology file can say is read") {
    const auto f = parse_topology(R"(name = "all of it"
[[stage]]
id = "hmc"
kind = "hmc_producer"
device = "opencl:0"
needs = ["df64_compute"]
buffer_depth = 3
droppable = true
power_budget_mw = 250000
priority = 9
[[stage]]
id = "screen"
kind = "conductor_screen"
[[stage]]
id = "val"
kind = "precision_validator"
[[stage]]
id = "steer"
kind = "bayesian_steerer"
[[edge]]
from = "hmc"
to = "screen"
[[edge]]
from = "hmc"
to = "val"
channel = "filtered"
capacity = 5
predicate = "chi > 10.0"
[[edge]]
from = "screen"
to = "steer"
channel = "unbounded"
guard = 1000
[[edge]]
from = "val"
to = "steer"
channel = "broadcast"
capacity = 2
[[edge]]
from = "steer"
to = "hmc"
channel = "latest"
)", "f").or_throw();
    CHECK(f.name == "all of it");
    CHECK(f.graph.stages[0] == stage{"hmc", "hmc_producer", "opencl:0", {{capability_kind::df64_compute, 0}}, {3, true, 250000, 9}});
    CHECK(f.graph.edges[0].via == channel::bounded(edge_capacity_usual));
    CHECK(f.graph.edges[1].via == channel::filtered("chi > 10.0", 5));
    CHECK(f.graph.edges[2].via == channel::unbounded(1000));
    CHECK(f.graph.edges[3].via == channel::broadcast(2));
    CHECK(f.graph.edges[4].via == channel::latest());
    CHECK(parse_topology(topology_toml(f), "f").value() == f);
}

TEST_CASE("what is written is read again, for any legal topology") {
    std::mt19937 g(41);
    std::size_t n = 0;
    for (int round = 0; round < 100; ++round) {
        const topology_file f{"t \"" + std::to_string(round) + "\\\n", random_topology(g)};
        if (f.graph.stages.empty())
            continue;
        const auto again = parse_topology(topology_toml(f), "f").or_throw();
        CHECK(again == f);
        CHECK(hash_of(again.graph) == hash_of(f.graph));
        ++n;
    }
    CHECK(n > 50);
}

TEST_CASE("each broken topology has one problem, with line, reason and suggestion") {
    const std::string stage2 = "[[stage]]\nid = \"x\"\nkind = ", edge2 = "[[edge]]\nfrom = \"hmc\"\nto = ";
    const auto with_channel = [&](const std::string& rest) { return good + rest; };
    const struct {
        std::string text;
        int line;
        std::string what, hint;
    } cases[] = {
        {"name = \"x\"\n", 0, "stage: is missing", "[[stage]]"},
        {"[[stage]]\nkind = \"hmc_producer\"\n", 1, "[[stage]] id: is missing", "id = "},
        {"[[stage]]\nid = \"a\"\n", 1, "[[stage]] kind: is missing", "kind = "},
        {"[[stage]]\nid = \"a\"\nkind = \"hmc_producr\"\n", 3, "there is no kind \"hmc_producr\"", "did you mean hmc_producer?"},
        {"[[stage]]\nid = 3\nkind = \"hmc_producer\"\n", 2, "is a integer where a text belongs", "id = "},
        {"[[stage]]\nid = \"a b\"\nkind = \"hmc_producer\"\n", 2, "an id has 1 to 64 letters", "hmc.fast"},
        {good + "[[stage]]\nid = \"hmc\"\nkind = \"hmc_producer\"\n", 11, "stage hmc is declared twice", "another id"},
        {good + stage2 + "\"observable\"\n", 11, "nothing comes in at \"results\"", "add an edge"},
        {good + edge2 + "\"recrder\"\n", 12, "there is no stage recrder", "stages are hmc, rec"},
        {good + edge2 + "\"re\"\n", 12, "there is no stage re", "did you mean rec?"},
        {good + edge2 + "\"rec\"\n", 11, "edge hmc -> rec: is declared twice", "one edge"},
        {good + stage2 + "\"device_worker\"\n" + edge2 + "\"x\"\n", 15, "hmc_producer gives result, and device_worker takes task", "put a stage between"},
        {with_channel("capacity = 0\n"), 10, "capacity 0 is not in 1...64", "4 is usual"},
        {with_channel("capacity = 65\n"), 10, "capacity 65 is not in 1...64", "4 is usual"},
        {with_channel("capacity = -1\n"), 10, "-1 is not in 0...", "a value"},
        {with_channel("capacity = \"many\"\n"), 10, "where a whole number belongs", "capacity = 4"},
        {with_channel("channel = \"latets\"\n"), 10, "\"latets\" is none of bounded, unbounded, broadcast, filtered, latest", "channel = \"latest\""},
        {with_channel("channel = \"unbounded\"\n"), 7, "[[edge]] guard: is missing", "guard = a whole number in 1...65536"},
        {with_channel("channel = \"unbounded\"\nguard = 70000\n"), 11, "guard 70000 is not in 1...65536", ""},
        {with_channel("channel = \"latest\"\ncapacity = 2\n"), 11, "capacity 2 is not in 1...1", ""},
        {with_channel("channel = \"filtered\"\n"), 7, "[[edge]] predicate: is missing", "predicate = "},
        {with_channel("channel = \"filtered\"\npredicate = \"plaqette > 0.5\"\n"), 11, "column 1: there is no field \"plaqette\"", "did you mean plaquette?"},
        {with_channel("channel = \"filtered\"\npredicate = \"beta >\"\n"), 11, "column 7: expected a number", "operators are"},
        {with_channel("channel = \"filtered\"\npredicate = \"beta + 1\"\n"), 11, "expected a truth, found a number", "compare with something"},
        {with_channel("predicate = \"beta > 5\"\n"), 10, "a bounded channel has no condition", "filtered"},
        {with_channel("capcity = 3\n"), 10, "capcity: is an unknown key", "did you mean capacity?"},
        {"[[stage]]\nid = \"a\"\nkind = \"hmc_producer\"\nneeds = [\"f64_compte\"]\n", 4, "there is no capability \"f64_compte\"", "did you mean f64_compute?"},
        {"[[stage]]\nid = \"a\"\nkind = \"hmc_producer\"\npriority = 10\n", 4, "priority 10 is not in 0...9", ""},
        {"[[stage]]\nid = \"a\"\nkind = \"hmc_producer\"\npower_budget_mw = 0\n", 4, "never runs", "leave it out"},
        {"[[stage]]\nid = \"a\"\nkind = \"hmc_producer\"\ndevice = \"npu:0\"\n", 4, "device npu:0 lacks f64_compute, scalar_reduce", "another device"},
        {"[[stage]]\nid = \"a\"\nkind = \"hmc_producer\"\ndevice = \"opencl:1\"\n", 4, "this node has no device \"opencl:1\"", "did you mean opencl:0?"},
        {"[[stage]]\nid = \"a\"\nkind = \"hmc_producer\"\nneeds = [\"quantised_inference(4)\"]\n", 4, "no device of this node has", "forge route"},
        {"[[stage]]\nid = \"a\"\nkind = \"hmc_producer\"\npower_budget_mw = 300001\n", 4, "above the node's 300000 mW", "lower"},
        {"stage = 4\n", 1, "stage: is no list of tables", "[[stage]]"},
    };
    for (const auto& c : cases) {
        auto node = small_node();
        if (c.text.find("300001") != std::string::npos)
            node.devices.clear();
        const auto what = refused(c.text, node);
        INFO(c.text << "\n" << what);
        if (c.text.find("300001") == std::string::npos) // which is also too much for the sum
            CHECK(count_of(what, "  line ") == 1);
        CHECK(what.find("  line " + (c.line == 0 ? std::string("n/a") : std::to_string(c.line)) + ": ") != std::string::npos);
        CHECK(what.find(c.what) != std::string::npos);
        CHECK(what.find("try: ") != std::string::npos);
        CHECK(what.find(c.hint) != std::string::npos);
    }
    CHECK(sizeof cases / sizeof cases[0] >= 15);
}

TEST_CASE("a cycle in which every edge can block is named") {
    const auto what = refused("[[stage]]\nid = \"hmc\"\nkind = \"hmc_producer\"\n[[stage]]\nid = \"steer\"\nkind = \"bayesian_steerer\"\n"
                              "[[edge]]\nfrom = \"hmc\"\nto = \"steer\"\n[[edge]]\nfrom = \"steer\"\nto = \"hmc\"\n");
    CHECK(what.find("every edge of the cycle hmc -> steer -> hmc can block") != std::string::npos);
    CHECK(what.find("latest") != std::string::npos);
}

TEST_CASE("all problems of a file are reported at once, in the order of lines") {
    const auto what = refused("[[stage]]\nid = \"a\"\nkind = \"hmc\"\nprioritty = 1\n[[stage]]\nid = \"a\"\nkind = \"recorder\"\n"
                              "[[edge]]\nfrom = \"a\"\nto = \"b\"\ncapacity = 0\n[[edge]]\nto = \"a\"\n");
    CHECK(what.find("7 problems in topology.toml") == 0);
    std::istringstream in(what);
    std::size_t before = 0;
    for (std::string line; std::getline(in, line);)
        if (line.starts_with("  line ")) {
            const auto n = std::stoul(line.substr(7));
            CHECK(n >= before);
            before = n;
        }
    CHECK(!parse_topology("[[stage]\n", "f").ok());
    CHECK(!parse_topology("\xff", "f").ok());
}

TEST_CASE("the gallery is the seed's pipeline and its orderings, and each of them is legal") {
    const char* source = std::getenv("FORGE_SOURCE");
    REQUIRE(source != nullptr);
    const auto folder = std::filesystem::path(source) / "apps/examples/topologies";
    const pipeline_devices any_device;
    std::map<std::string, topology> expected{{"seed_pipeline", seed_pipeline(any_device)}};
    for (const auto& o : orderings(any_device))
        expected["ordering_" + std::string(1, static_cast<char>(o.name[0] - 'A' + 'a'))] = o.graph;
    std::set<std::string> seen;
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
        std::ifstream in(file.path());
        const std::string text((std::istreambuf_iterator<char>(in)), {});
        INFO(file.path());
        const auto f = parse_topology(text, file.path().string()).or_throw();
        CHECK(f.name == file.path().stem().string());
        REQUIRE(expected.contains(f.name));
        CHECK(f.graph == expected.at(f.name));
        seen.insert(f.name);
    }
    CHECK(seen.size() == expected.size());
}
