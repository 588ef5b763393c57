// SPDX-License-Identifier: AGPL-3.0-only
// forge route: every workload against every device of this machine, and an unknown one.
#include "tests/scenario/scenario.hpp"

#include <catch2/catch.hpp>

using namespace forge;
using namespace forge::test;

TEST_CASE("what counts joules says its source; what nothing counts is unknown, and a model says that it is one", "[route]") {
    const auto done = run_forge({"device", "energy", "--seconds", "0.5", "--watts", "20", "--json"});
    REQUIRE(done.exit_code == 0);
    const auto data = data_of(done);
    const double lasted = data["seconds"].get<double>();
    CHECK(lasted >= 0.5);
    bool model = false;
    for (const auto& m : data["meters"]) {
        CAPTURE(m["place"]);
        CHECK((m["source"] == "none") == m["joules"].is_null());
        CHECK(m["measured"].get<bool>() == (m["source"] != "none" && m["source"] != "model"));
        CHECK(!m["note"].get<std::string>().empty());
        if (m["source"] == "model") {
            model = true;
            CHECK(m["watts"].get<double>() == Approx(20.0).epsilon(0.05));
        }
    }
    CHECK(model);
    CHECK(run_forge({"device", "energy", "--seconds", "-1"}).exit_code == 2);
}

TEST_CASE("every workload is held against every device: the chosen one lacks nothing, and what the others lack is said", "[route]") {
    const auto done = run_forge({"route", "--split-cpu", "2", "--json"});
    REQUIRE(done.exit_code == 0);
    const auto data = data_of(done);
    const auto devices = data["devices"].size();
    CHECK(devices >= 2); // the simulator and the host are always there
    CHECK(data["routes"].size() == 11);
    for (const auto& r : data["routes"]) {
        CAPTURE(r["workload"]);
        REQUIRE(r["candidates"].size() == devices);
        bool anybody = false;
        for (const auto& c : r["candidates"]) {
            CHECK(c["can"].get<bool>() == c["lacks"].empty());
            anybody = anybody || c["can"].get<bool>();
            if (r["chosen"] == c["device"])
                CHECK(c["can"] == true);
        }
        CHECK(r["chosen"].is_null() == !anybody);
    }
    const auto one = run_forge({"route", "conductor_heads"});
    CHECK(one.exit_code == 0);
    CHECK(one.out.find("-> sim-akd1000") != std::string::npos);
    CHECK(one.out.find("hmc_native") == std::string::npos);
    const auto none = run_forge({"route", "hmc"});
    CHECK(none.exit_code == 3);
    CHECK(none.err.find("no workload is called \"hmc\"") != std::string::npos);
    CHECK(none.err.find("hmc_native") != std::string::npos);
}
