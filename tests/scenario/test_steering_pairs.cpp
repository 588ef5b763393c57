// SPDX-License-Identifier: AGPL-3.0-only
// scripts/steering-pairs and its analysis, from real campaigns. Whether steering pays is not tested: that is a measurement.
#include "tests/scenario/scenario.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>

using namespace forge;
using namespace forge::test;

namespace {

namespace fs = std::filesystem;

process_result make_pairs(const fs::path& folder) {
    const auto script = fs::path(std::getenv("FORGE_SOURCE")) / "scripts" / "steering-pairs";
    return process({"bash", script.string(), folder.string(), "2", "3600"}).wait(1500.0);
}

/// Live records of all chains of a run.
std::uint64_t trajectories(const fs::path& run) {
    auto book = ledger::open_read_only(run / "ledger.sqlite").or_throw();
    std::uint64_t n = 0;
    for (std::uint32_t c = 0; c < book.identity().n_chains; ++c)
        n += book.count(chain_id{c}).or_throw();
    return n;
}

} // namespace

TEST_CASE("campaigns in pairs: the analysis is complete and counts what the ledgers count", "[slow][pairs]") {
    const scratch_folder scratch;
    const auto folder = scratch.path() / "pairs";
    const auto made = make_pairs(folder);
    INFO(made.err);
    REQUIRE(made.exit_code == 0);
    const auto result = run_forge({"npu", "steering", "--campaigns", folder.string(), "--json"});
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    const auto r = data_of(result);
    CHECK(r["pairs"] == nlohmann::json{"pair-001", "pair-002"});
    CHECK(r["skipped"].empty());
    CHECK(r["peak_error"].get<double>() > 0.0);
    REQUIRE(r["strategies"].size() == 7);
    for (const auto& s : r["strategies"]) {
        const auto name = s["strategy"].get<std::string>();
        CAPTURE(name);
        REQUIRE(s["trajectories_by_pair"].size() == 3); // a quarter, half, all
        REQUIRE(s["found"].size() == 3);
        for (std::size_t budget = 0; budget < 3; ++budget) {
            const auto part = std::to_string(4 >> budget);
            CHECK(s["found"][budget].get<int>() <= 2);
            CHECK(s["rmse"][budget].get<double>() > 0.0);
            for (std::size_t pair = 0; pair < 2; ++pair) {
                const auto run = folder / (r["pairs"][pair].get<std::string>() + "-" + name);
                const auto counted = s["trajectories_by_pair"][budget][pair].get<double>();
                CHECK(counted <= 3600.0 / (4 >> budget) + (s["grid"].get<bool>() ? 13 * 50 : 0)); // cut grids keep their thermalisation
                if (s["grid"].get<bool>()) {
                    if (budget == 2)
                        CHECK(counted == static_cast<double>(trajectories(run)));
                } else if (name == "two-stage") {
                    CHECK(counted == static_cast<double>(trajectories(run.string() + "-" + part + "-a") + trajectories(run.string() + "-" + part + "-b")));
                } else {
                    CHECK(counted == static_cast<double>(trajectories(run.string() + "-" + part)));
                    CHECK(counted > 3600.0 / (4 >> budget) - 150.0); // every point that it may add was added
                }
            }
        }
    }
    REQUIRE(r["saved"].size() == 2);
    CHECK(r["saved"][0]["strategy"] == "conductor");
    CHECK(r["saved"][1]["strategy"] == "steered");
    for (const auto& s : r["saved"])
        CHECK(s["against_grid"]["interval_95"][0].get<double>() <= s["against_grid"]["interval_95"][1].get<double>());

    // Called again, it makes nothing again; a campaign that is not done leaves its pair out.
    const auto before = fs::last_write_time(folder / "pair-002-steered-1.done");
    CHECK(make_pairs(folder).exit_code == 0);
    CHECK(fs::last_write_time(folder / "pair-002-steered-1.done") == before);
    fs::remove(folder / "pair-002-steered-1.done");
    const auto incomplete = run_forge({"npu", "steering", "--campaigns", folder.string()});
    CHECK(incomplete.exit_code == 2);
    CHECK(incomplete.err.find("fewer than two pairs") != std::string::npos);
}
