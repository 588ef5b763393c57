// SPDX-License-Identifier: AGPL-3.0-only
// The seed's pipeline and its orderings on many sets of devices, and their pictures.
#include "libactors/flow/orderings.hpp"
#include "libactors/flow/render.hpp"
#include "tests/flow/random_topology.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <sstream>

using namespace forge;

namespace {

substrate gpu(const std::string& id, bool fp64 = true) { return {id, substrate_kind::gpu, usual_capabilities(substrate_kind::gpu, fp64, true), {}}; }
substrate cpu(const std::string& id) { return {id, substrate_kind::cpu, usual_capabilities(substrate_kind::cpu, true, true), {}}; }
substrate npu() { return {"npu:0", substrate_kind::npu, usual_capabilities(substrate_kind::npu, false, false), {}}; }

std::size_t widest(const std::string& text) {
    std::size_t most = 0;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        most = std::max(most, line.size());
    return most;
}

} // namespace

TEST_CASE("the seed's pipeline has its seven edges") {
    const auto t = seed_pipeline({"gpu:1", "gpu:0", "npu:0", "host"});
    CHECK(validate(t).ok());
    CHECK(t.stages.size() == 6);
    REQUIRE(t.edges.size() == 7);
    CHECK(t.find_edge("large_hmc", "screen").via == channel::bounded(4));
    CHECK(t.find_edge("small_hmc", "screen").via == channel::bounded(4));
    CHECK(t.find_edge("screen", "steer").via == channel::bounded(8));
    CHECK(t.find_edge("steer", "large_hmc").via == channel::latest());
    CHECK(t.find_edge("steer", "small_hmc").via == channel::latest());
    CHECK(t.find_edge("large_hmc", "small_validate").via == channel::filtered("chi > 10.0", 4));
    CHECK(t.find_edge("small_hmc", "large_validate").via == channel::filtered("chi > 10.0", 4));
    auto as_in_the_seed = t; // bounded 1: all may wait for each other
    for (auto& e : as_in_the_seed.edges)
        if (e.from == "steer")
            e.via = channel::bounded(1);
    CHECK(validate(as_in_the_seed).reason().what.find("every edge of the cycle") != std::string::npos);
}

TEST_CASE("every ordering is legal on every set of devices that can run it") {
    const std::vector<std::vector<substrate>> nodes{{gpu("gpu:0"), gpu("gpu:1"), npu(), cpu("host")}, {cpu("opencl:0.0"), cpu("opencl:0.1")},
                                                    {cpu("opencl:0")}, {gpu("gpu:0"), npu()}, {gpu("gpu:0", false), cpu("host")}};
    std::set<std::string> hashes;
    for (const auto& devices : nodes) {
        const auto d = choose_devices(devices).or_throw();
        node_view node;
        node.devices = devices;
        CHECK(validate(seed_pipeline(d), node).ok());
        CHECK(validate(recorded(seed_pipeline(d), d.host, 4), node).ok());
        const auto five = orderings(d);
        CHECK(five.size() == 5);
        for (const auto& o : five) {
            INFO(o.name << " on " << devices.size() << " devices");
            CHECK(validate(o.graph, node).ok());
            const auto r = recorded(o.graph, d.host, 4);
            CHECK(validate(r, node).ok());
            CHECK(recorded(r, d.host, 4) == r);
            CHECK(r.stages.size() == o.graph.stages.size() + 1);
            CHECK(hashes.insert(to_hex(hash_of(o.graph))).second);
        }
    }
    const auto d = choose_devices(nodes[0]).value();
    CHECK(d == pipeline_devices{"gpu:1", "gpu:0", "npu:0", "host"});
    CHECK(choose_devices(nodes[2]).value() == pipeline_devices{"opencl:0", "opencl:0", "opencl:0", "opencl:0"});
    CHECK(choose_devices({npu()}).reason().code == errc::device_unavailable);
    CHECK(!choose_devices({}).ok());
}

TEST_CASE("each ordering does what its name says") {
    const pipeline_devices d{"f", "l", "c", "h"};
    const auto kind = [](const topology& t, const std::string& id) { return t.find_stage(id) != nullptr ? t.find_stage(id)->kind : ""; };
    CHECK(ordering_a(d).find_edge("screen", "validate").via.kind == channel_kind::filtered);
    CHECK(ordering_a(d).find_stage("validate")->device == "f");
    CHECK(ordering_a({"l", "l", "c", "h"}).find_stage("validate")->device == "h");
    CHECK(kind(ordering_b(d), "small_hmc") == "hmc_producer");
    CHECK(kind(ordering_b(d), "large_hmc") == "hmc_on_demand");
    CHECK(ordering_c(d).find_edge("steer", "small_hmc").via == channel::latest());
    CHECK(kind(ordering_d(d), "screen").empty());
    CHECK(ordering_d(d).find_edge("large_hmc", "validate").via == channel::bounded(4)); // every one
    CHECK(kind(ordering_e(d), "large_hmc") == "hmc_on_demand");
    CHECK(ordering_e(d).find_edge("screen", "steer").via.predicate == "score.uncertainty > 0.2");
}

TEST_CASE("a picture shows every stage and every edge in 80 columns") {
    std::mt19937 g(31);
    for (int round = 0; round < 200; ++round) {
        auto t = random_topology(g);
        if (round % 10 == 0 && !t.stages.empty()) { // long and broken names
            t.edges.push_back({std::string(200, 'x'), std::string(64, 'y'), channel::filtered(std::string(500, 'z'), 4)});
            t.stages.push_back({std::string(64, 's'), std::string(300, 'k'), std::string(300, 'd'), {}, {4, true, 4000000000u, 9}});
        }
        const auto p = picture(t);
        CHECK(widest(p) <= 80);
        for (const auto& s : t.stages)
            CHECK(p.find("| " + s.id + " ") != std::string::npos);
        if (round % 10 != 0)
            for (const auto& e : t.edges) {
                const bool latest = e.via.kind == channel_kind::latest;
                CHECK(p.find("  " + e.from + (latest ? " .. latest ..> " : " -- " + std::string(name_of(e.via.kind)) + " " + std::to_string(e.via.capacity) + " --> ") +
                             e.to + "\n") != std::string::npos);
            }
    }
    CHECK(picture({}) == "(no stages)\n");
    CHECK(picture(ordering_d({"f", "l", "c", "h"})) == "+--------------+\n"
                                                       "| large_hmc    |\n"
                                                       "| hmc_producer |\n"
                                                       "| on l         |\n"
                                                       "+--------------+\n"
                                                       "  large_hmc -- bounded 4 --> validate\n"
                                                       "+---------------------+\n"
                                                       "| validate            |\n"
                                                       "| precision_validator |\n"
                                                       "| on f                |\n"
                                                       "+---------------------+\n");
}

TEST_CASE("dot has a line for every stage and edge, and nothing escapes its quotes") {
    auto t = seed_pipeline({"f", "l", "c", "h"});
    const auto dot = to_dot(t);
    CHECK(std::count(dot.begin(), dot.end(), '\n') == 3 + 6 + 7);
    CHECK(dot.find("\"large_hmc\" -> \"small_validate\" [label=\"filtered 4: chi > 10.0\", style=dotted];") != std::string::npos);
    CHECK(dot.find("\"steer\" -> \"large_hmc\" [label=\"latest\", style=dashed];") != std::string::npos);
    t.stages[0].id = "a\"];\nevil\\";
    const auto hostile = to_dot(t);
    CHECK(hostile.find("\"a\\\"];?evil\\\\\"") != std::string::npos);
    CHECK(std::count(hostile.begin(), hostile.end(), '\n') == 3 + 6 + 7);
}
