// SPDX-License-Identifier: AGPL-3.0-only
// The graph as a value: builders, ports, checks against a node, canonical text.
#include "libactors/flow/pipeline_builder.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

using namespace forge;

namespace {

stage make(const std::string& id, const std::string& kind) { return {id, kind, {}, {}, {}}; }

/// The only problem of a topology.
topology_problem only_problem(const topology& t, const node_view& node = {}) {
    const auto all = problems_of(t, node);
    for (const auto& p : all)
        UNSCOPED_INFO(p.what);
    REQUIRE(all.size() == 1);
    CHECK(!all[0].hint.empty());
    return all[0];
}

node_view small_node() {
    node_view n;
    n.devices = {{"opencl:0", substrate_kind::gpu, usual_capabilities(substrate_kind::gpu, true, true), 250000},
                 {"npu:0", substrate_kind::npu, usual_capabilities(substrate_kind::npu, false, false), 30},
                 {"host", substrate_kind::cpu, usual_capabilities(substrate_kind::cpu, true, true), std::nullopt}};
    n.power_budget_mw = 300000;
    return n;
}

pipeline_builder pair(const channel& via) {
    return pipeline_builder().stage("hmc", "hmc_producer", "opencl:0").stage("rec", "recorder", "host").edge("hmc", "rec", via);
}

} // namespace

TEST_CASE("builders make the graphs that their names say") {
    const auto a = make("a", "hmc_producer"), b = make("b", "conductor_screen"), c = make("c", "precision_validator"), r = make("r", "recorder");
    const auto line = chain({a, b, c, r}, channel::bounded(2));
    CHECK(validate(line).ok());
    CHECK(line.edges.size() == 3);
    CHECK(line == graph({a, b, c, r}, {{"a", "b", channel::bounded(2)}, {"b", "c", channel::bounded(2)}, {"c", "r", channel::bounded(2)}}));
    const auto in = fan_in({a, make("a2", "hmc_producer")}, r, channel::bounded(4));
    CHECK(validate(in).ok());
    CHECK(in.find_edge("a2", "r").via == channel::bounded(4));
    const auto out = fan_out(a, {b, c, r}, channel::broadcast(3));
    CHECK(validate(out).ok());
    CHECK(out.edges.size() == 3);
    const auto both = pipeline_builder().add(in).add(fan_out(a, {b, c}, channel::broadcast(3))).build();
    REQUIRE(both.ok());
    CHECK(both->stages.size() == 5);
    CHECK(both->edges.size() == 4);
    CHECK(!pipeline_builder().add(in).add(in).build().ok()); // every edge twice
}

TEST_CASE("every input that a kind requires is one that some kind can feed, and names are unique") {
    std::set<std::string> names;
    for (const auto& to : stage_library()) {
        CHECK(names.insert(to.name).second);
        CHECK(find_kind(to.name) == &to);
        CHECK(!to.says.empty());
        for (std::size_t p = 0; p < to.inputs.size(); ++p) {
            const auto feeds = [&](const stage_kind& from) {
                const auto m = match_ports(from, to);
                return m && m->input == p;
            };
            CHECK(std::any_of(stage_library().begin(), stage_library().end(), feeds));
        }
    }
    CHECK(match_ports(*find_kind("conductor_screen"), *find_kind("precision_validator"))->item == item_type::scored_result);
    CHECK(!match_ports(*find_kind("hmc_producer"), *find_kind("hmc_on_demand")));
}

TEST_CASE("the fluent builder gives a topology or every problem") {
    CHECK(pair(channel::bounded(4)).build(small_node()).ok());
    const auto bad = pair(channel::bounded(0)).stage("x", "recordr").build(small_node());
    REQUIRE(!bad.ok());
    CHECK(bad.reason().what.find("capacity 0") != std::string::npos);
    CHECK(bad.reason().what.find("there is no kind \"recordr\"") != std::string::npos);
}

TEST_CASE("each problem names its place, what is wrong and a way out") {
    auto t = pair(channel::bounded(4)).build().value();
    t.stages[1].kind = "recordr";
    auto p = only_problem(t);
    CHECK(p.at == topology_problem::place::stage);
    CHECK(p.index == 1);
    CHECK(p.field == "kind");
    CHECK(p.hint == "did you mean recorder?");

    t = pair(channel::bounded(4)).build().value();
    t.edges.push_back({"hmk", "rec", channel::latest()});
    p = only_problem(t);
    CHECK((p.at == topology_problem::place::edge && p.index == 1 && p.field == "from"));
    CHECK(p.hint == "did you mean hmc?");

    t = pair(channel::bounded(4)).build().value();
    t.stages.push_back(make("worker", "device_worker"));
    t.edges.push_back({"hmc", "worker", channel::latest()});
    CHECK(only_problem(t).what == "edge hmc -> worker: hmc_producer gives result, and device_worker takes task");

    t = pair(channel::bounded(4)).build().value();
    t.stages.push_back(make("screen", "conductor_screen"));
    CHECK(only_problem(t).what.find("nothing comes in at \"results\"") != std::string::npos);

    t = pair(channel::bounded(4)).build().value();
    t.edges[0].via = channel::filtered("chi_l > 10 and betta > 5", 4);
    p = only_problem(t);
    CHECK(p.field == "predicate");
    CHECK(p.what == "edge hmc -> rec: in \"chi_l > 10 and betta > 5\", column 16: there is no field \"betta\"");
    CHECK(p.hint == "did you mean beta?");

    t.edges[0].via = channel::filtered("score.anomaly > 0.5", 4); // nobody scored it yet
    CHECK(only_problem(t).what.find("there is no field \"score.anomaly\"") != std::string::npos);

    t.edges[0].via = {channel_kind::bounded, 4, "beta > 5"};
    CHECK(only_problem(t).what.find("has no condition") != std::string::npos);
    t.edges[0].via = channel::unbounded(edge_guard_max + 1);
    CHECK(only_problem(t).what.find("guard 65537 is not in 1...65536") != std::string::npos);
    t.edges[0].via = channel::unbounded(edge_guard_max);
    CHECK(validate(t).ok());

    t.stages[1].config.buffer_depth = 2;
    t.edges[0].via = channel::bounded(4);
    CHECK(only_problem(t).what == "stage rec: buffer_depth 2 is less than the capacity 4 of the edge from hmc");
    t.stages[1].config = {};
    t.stages[0].config.priority = 10;
    CHECK(only_problem(t).what.find("priority 10 is not in 0...9") != std::string::npos);
    t.stages[0].config = {};
    t.stages[0].config.power_budget_mw = 0;
    CHECK(only_problem(t).what.find("never runs") != std::string::npos);
    t.stages[0].config = {};
    t.stages[0].id = "h c";
    t.edges[0].from = "h c";
    CHECK(only_problem(t).what.find("an id has") != std::string::npos);
    t.stages[0].id = t.edges[0].from = "hmc";
    t.stages[0].device = "opencl:0 priority=1"; // would read as something else in the text that is hashed
    CHECK(only_problem(t).what.find("a device's id has") != std::string::npos);
}

TEST_CASE("against a node: devices, what they can do, what they draw") {
    const auto node = small_node();
    auto t = pair(channel::bounded(4)).build(node).value();
    t.stages[0].device = "npu:0";
    CHECK(only_problem(t, node).what == "stage hmc: device npu:0 lacks f64_compute, scalar_reduce");
    CHECK(validate(t).ok()); // nothing is known of any device
    t.stages[0].device = "opencl:O";
    CHECK(only_problem(t, node).hint == "did you mean opencl:0?");
    t.stages[0].device = "";
    CHECK(validate(t, node).ok());
    t.stages[0].needs = {{capability_kind::quantised_inference, 2}};
    CHECK(only_problem(t, node).what.find("no device of this node has f64_compute, scalar_reduce, quantised_inference(2)") != std::string::npos);
    t.stages[0].needs = {};
    t.stages[0].device = "opencl:0";
    t.stages[0].config.power_budget_mw = 250001;
    CHECK(only_problem(t, node).what.find("above the 250000 mW of device opencl:0") != std::string::npos);
    t.stages[0].device = "host";
    t.stages[1].config.power_budget_mw = 50000;
    CHECK(only_problem(t, node).what.find("300001 mW together, above the node's 300000 mW") != std::string::npos);
    t.stages[1].config.power_budget_mw = 300001;
    CHECK(problems_of(t, node).size() == 2);
}

TEST_CASE("the text and the hash say the graph, not the order in which it was written") {
    auto t = pipeline_builder().add(pair(channel::filtered("(chi)>10.0", 4)).build().value())
                 .stage("val", "precision_validator")
                 .needs(capability_kind::df64_compute)
                 .edge("hmc", "val", channel::bounded(2)).build().value();
    auto other = t;
    std::reverse(other.stages.begin(), other.stages.end());
    std::reverse(other.edges.begin(), other.edges.end());
    CHECK(other == t);
    CHECK(to_text(other) == to_text(t));
    CHECK(hash_of(other) == hash_of(t));
    CHECK(to_text(t) == "topology 1\n"
                        "stage hmc kind=hmc_producer device=opencl:0\n"
                        "stage rec kind=recorder device=host\n"
                        "stage val kind=precision_validator needs=df64_compute\n"
                        "edge hmc -> rec filtered 4 \"chi_p > 10\"\n"
                        "edge hmc -> val bounded 2\n");
    // Every field counts.
    std::set<std::string> hashes{to_hex(hash_of(t))};
    const auto differs = [&](auto change) {
        auto x = t;
        change(x);
        CHECK(!(x == t));
        CHECK(hashes.insert(to_hex(hash_of(x))).second);
    };
    differs([](topology& x) { x.stages[0].id = "hmc2"; });
    differs([](topology& x) { x.stages[0].kind = "chain"; });
    differs([](topology& x) { x.stages[0].device = ""; });
    differs([](topology& x) { x.stages[0].needs.push_back({capability_kind::batch_inference, 8}); });
    differs([](topology& x) { x.stages[0].config.buffer_depth = 0; });
    differs([](topology& x) { x.stages[0].config.droppable = true; });
    differs([](topology& x) { x.stages[0].config.power_budget_mw = 1; });
    differs([](topology& x) { x.stages[0].config.priority = 1; });
    differs([](topology& x) { x.edges[0].via.capacity = 5; });
    differs([](topology& x) { x.edges[0].via.predicate = "chi_l > 10"; });
    differs([](topology& x) { x.edges[1].via.kind = channel_kind::broadcast; });
    differs([](topology& x) { x.edges[1].to = "rec2"; });
    differs([](topology& x) { x.stages.pop_back(); });
}

TEST_CASE("a topology of hostile size is refused in one sentence") {
    topology t;
    for (std::size_t i = 0; i <= stages_max; ++i)
        t.stages.push_back(make("s" + std::to_string(i), "hmc_producer"));
    CHECK(only_problem(t).what.find("more than 256") != std::string::npos);
}

TEST_CASE("capabilities are written and read; sizes are compared as they mean") {
    for (std::uint8_t k = 0; k <= static_cast<std::uint8_t>(capability_kind::df64_compute); ++k) {
        const auto kind = static_cast<capability_kind>(k);
        const bool sized = kind == capability_kind::quantised_inference || kind == capability_kind::batch_inference;
        const capability c{kind, sized ? 8u : 0u};
        CHECK(capability_from(to_text(c)).value() == c);
    }
    for (const char* text : {"", "f64", "f64_compute(8)", "batch_inference", "batch_inference()", "batch_inference(0)", "batch_inference(8",
                             "batch_inference(8))", "batch_inference(-1)", "batch_inference(99999999999)"})
        CHECK(!capability_from(text).ok());
    CHECK(capability_from("f64_compte").reason().hint == "did you mean f64_compute?");
    const substrate s{"x", substrate_kind::npu, {{capability_kind::batch_inference, 8}, {capability_kind::quantised_inference, 8}}, {}};
    CHECK(lacking(s, {{capability_kind::batch_inference, 4}}).empty());
    CHECK(lacking(s, {{capability_kind::batch_inference, 9}}).size() == 1);
    CHECK(lacking(s, {{capability_kind::quantised_inference, 4}}).size() == 1);
}

TEST_CASE("a workload goes to the preferred kind, else to gpu, npu, cpu, else nowhere") {
    const auto node = small_node();
    const auto chosen = [&](const std::string& name, const std::vector<substrate>& devices) -> std::string {
        for (const auto& w : workload_profiles())
            if (w.name == name) {
                const auto a = route(w, devices);
                CHECK(a.candidates.size() == devices.size());
                return a.chosen ? devices[*a.chosen].id + (a.preferred ? "!" : "") : "none";
            }
        return "no such workload";
    };
    CHECK(chosen("md_force", node.devices) == "opencl:0");
    CHECK(chosen("esn_npu_inference", node.devices) == "npu:0!");
    CHECK(chosen("cpu_validation", node.devices) == "host!");
    CHECK(chosen("cpu_validation", {node.devices[0]}) == "opencl:0");
    CHECK(chosen("conductor_heads", {node.devices[2], node.devices[0]}) == "opencl:0");
    CHECK(chosen("hetero_npu_phase_classifier", {node.devices[2], node.devices[0]}) == "none");
    CHECK(chosen("lattice_cg", {}) == "none");
}
