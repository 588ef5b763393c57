// SPDX-License-Identifier: AGPL-3.0-only
// forge topo: check, show and diff, on the gallery and on broken files.
#include "tests/scenario/scenario.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>
#include <set>

using namespace forge::test;

namespace {

std::string gallery(const std::string& name) {
    const char* source = std::getenv("FORGE_SOURCE");
    REQUIRE(source != nullptr);
    return std::string(source) + "/apps/examples/topologies/" + name + ".toml";
}

} // namespace

TEST_CASE("topo check accepts the gallery and says the hash, which names the graph", "[json]") {
    std::set<std::string> hashes;
    for (const std::string name : {"seed_pipeline", "ordering_a", "ordering_b", "ordering_c", "ordering_d", "ordering_e"}) {
        const auto r = run_forge({"topo", "check", gallery(name)});
        CHECK(r.exit_code == 0);
        const auto data = data_of(run_forge({"topo", "check", gallery(name), "--json"}));
        CHECK(data.at("name") == name);
        const auto hash = data.at("hash").get<std::string>();
        CHECK(hash.size() == 64);
        CHECK(hashes.insert(hash).second);
        CHECK(r.out.find(hash) != std::string::npos);
    }
    const auto data = data_of(run_forge({"topo", "show", gallery("seed_pipeline"), "--json"}));
    CHECK(data.at("stages").size() == 6);
    CHECK(data.at("edges").size() == 7);
    CHECK(data.at("stages").at(0).at("power_budget_mw").is_null());
    CHECK(data.at("edges").at(0).at("capacity") == 4);
}

TEST_CASE("topo check reports every problem with its line") {
    const scratch_folder scratch;
    const auto file = (scratch.path() / "broken.toml").string();
    std::ofstream(file) << "[[stage]]\nid = \"a\"\nkind = \"hmc_producr\"\n[[edge]]\nfrom = \"a\"\nto = \"b\"\ncapacity = 0\n";
    for (const char* verb : {"check", "show"}) {
        const auto r = run_forge({"topo", verb, file});
        CHECK(r.exit_code == 2);
        CHECK(r.out.empty());
        for (const char* part : {"3 problems", "line 3:", "did you mean hmc_producer?", "line 6:", "there is no stage b", "line 7:", "capacity 0"})
            CHECK(r.err.find(part) != std::string::npos);
    }
    CHECK(run_forge({"topo", "check", file + ".none"}).exit_code == 3);
}

TEST_CASE("topo show draws, topo diff says what changes and in which steps") {
    const auto drawn = run_forge({"topo", "show", gallery("ordering_b")});
    CHECK(drawn.exit_code == 0);
    CHECK(drawn.out.find("| hmc_on_demand |") != std::string::npos);
    CHECK(drawn.out.find("steer .. latest ..> large_hmc") != std::string::npos);
    CHECK(run_forge({"topo", "show", "--dot", gallery("ordering_b")}).out.find("digraph topology {") == 0);

    CHECK(run_forge({"topo", "diff", gallery("ordering_a"), gallery("ordering_a")}).out == "the same graph\n");
    const auto data = data_of(run_forge({"topo", "diff", gallery("seed_pipeline"), gallery("ordering_c"), "--json"}));
    CHECK(data.at("before") != data.at("after"));
    CHECK(data.at("changes").size() == 4); // two edges, two validators
    std::string plan;
    for (const auto& step : data.at("plan"))
        plan += step.get<std::string>() + "\n";
    CHECK(plan == "pause large_hmc\npause small_hmc\ndrain small_hmc -> large_validate\npause large_validate\n"
                  "drain large_hmc -> small_validate\npause small_validate\n"
                  "rewire: remove edge large_hmc -> small_validate\nrewire: remove edge small_hmc -> large_validate\n"
                  "rewire: remove stage large_validate\nrewire: remove stage small_validate\n"
                  "resume small_hmc\nresume large_hmc\n");
}
