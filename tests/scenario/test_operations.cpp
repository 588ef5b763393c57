// SPDX-License-Identifier: AGPL-3.0-only
// An operator at work while a campaign runs: every operation through the real program, and the same ledger afterwards.
#include "tests/scenario/scenario.hpp"

#include <catch2/catch.hpp>

using namespace forge::test;

namespace {

nlohmann::json operate(const scenario& s, std::vector<std::string> arguments, int expected_exit = 0) {
    arguments.insert(arguments.end(), {"--run", s.folder().string(), "--json"});
    const auto r = run_forge(arguments);
    INFO(r.out << r.err);
    CHECK(r.exit_code == expected_exit);
    const auto j = nlohmann::json::parse(r.out, nullptr, false);
    return j.is_object() ? j["data"] : nlohmann::json();
}

bool listens(const scenario& s) { return std::filesystem::exists(s.folder() / "control" / "forge.sock"); }

} // namespace

TEST_CASE("chains that are paused, sealed, stopped and moved between devices leave the ledger of an undisturbed run") {
    campaign_file c;
    c.measure = 400;
    const auto expected = undisturbed_hash(c);
    const scenario s(c);
    process running(s.command({"--quiet"}));
    REQUIRE(eventually(20.0, [&] { return listens(s); }));
    for (int round = 0; round < 2; ++round)
        for (const char* chain : {"c0", "c1"}) {
            const auto moved = operate(s, {"chain", "migrate", chain});
            CHECK(moved["state"] == "done");
            CHECK(moved["seconds_s"].get<double>() > 0.0);
        }
    const auto twice = operate(s, {"chain", "migrate", "c0", "--op", "mine"});
    CHECK(operate(s, {"chain", "migrate", "c0", "--op", "mine"}) == twice); // not moved back
    CHECK(operate(s, {"chain", "pause", "c1"})["state"] == "done");
    CHECK(operate(s, {"chain", "checkpoint", "c1"})["state"] == "done");
    const auto standing = operate(s, {"chain", "show", "c1"});
    CHECK(standing["phase"] == "paused");
    CHECK(standing["sealed"] == standing["trajectory"]);
    CHECK(operate(s, {"chain", "stop", "c0"})["state"] == "done");
    CHECK(operate(s, {"chain", "resume", "c0"})["state"] == "done");
    CHECK(operate(s, {"chain", "resume", "c1"})["state"] == "done");
    const auto device = standing["device"].get<std::string>();
    const auto other = device == "opencl:0.0" ? "opencl:0.1" : "opencl:0.0";
    CHECK(operate(s, {"device", "disable", other})["state"] == "done");
    const auto refused = operate(s, {"chain", "migrate", "c1", other}, 4);
    CHECK(refused["state"] == "refused");
    CHECK(refused["text"].get<std::string>().find("disabled") != std::string::npos);
    CHECK(operate(s, {"chain", "pause", "c7"}, 4)["text"].get<std::string>().find("c0 ... c1") != std::string::npos);
    const auto end = running.wait(120.0);
    INFO(end.err);
    REQUIRE(end.exit_code == 0);
    CHECK(forge::to_hex(s.open().ledger_hash().or_throw()) == expected);
    CHECK(operate(s, {"op", "show"}).size() >= 10);
    const auto again = operate(s, {"chain", "verify", "c0", "--last", "30"});
    CHECK(again["outcome"] == "bit-identical");
    CHECK(again["identical"].get<int>() >= 30);
    CHECK(!listens(s)); // a campaign that is over has no ear
}

TEST_CASE("an operation on a campaign that does not run is refused, and one that cannot be found is said so") {
    campaign_file c;
    c.measure = 10;
    c.thermalise = 5;
    const scenario s(c);
    REQUIRE(s.run({"--quiet"}).exit_code == 0);
    const auto nobody = run_forge({"chain", "pause", "c0", "--run", s.folder().string()});
    CHECK(nobody.exit_code == 3);
    CHECK(nobody.err.find("no campaign listens") != std::string::npos);
    const auto unknown = run_forge({"op", "show", "op-none", "--run", s.folder().string()});
    CHECK(unknown.exit_code == 3);
    const auto list = operate(s, {"chain", "list"});
    CHECK(list.size() == 2);
}

TEST_CASE("where a chain was moved and what was paused survives kill -9") {
    campaign_file c;
    c.measure = 2000;
    const scenario s(c);
    {
        process running(s.command({"--quiet"}));
        REQUIRE(eventually(20.0, [&] { return listens(s); }));
        CHECK(operate(s, {"chain", "migrate", "c0"})["state"] == "done");
        CHECK(operate(s, {"chain", "pause", "c1"})["state"] == "done");
        (void)operate(s, {"chain", "checkpoint", "c0"}); // its answer comes after the rows of the others are on the disk
        running.stop(SIGKILL);
    }
    process running(s.command({"--quiet"}));
    REQUIRE(eventually(20.0, [&] {
        const auto r = run_forge({"chain", "show", "c1", "--run", s.folder().string(), "--json"});
        const auto j = nlohmann::json::parse(r.out, nullptr, false);
        return j.is_object() && j["warnings"].empty() && j["data"]["phase"] == "paused";
    }));
    CHECK(operate(s, {"chain", "show", "c0"})["device"] == "opencl:0.1");
    running.stop(SIGTERM);
}
