// SPDX-License-Identifier: AGPL-3.0-only
// Chains that travel between machines on purpose: the same ledger as on one process.
#include "tests/cluster/cluster.hpp"

#include <catch2/catch.hpp>

using namespace forge::test;

TEST_CASE("chains that are moved between nodes, one of them drained, leave the ledger of one process", "[travel]") {
    cluster lab;
    lab.start();
    auto two = lab.join("lab2");
    auto three = lab.join("lab3");
    lab.migrate("c0", "lab2/opencl:0.0");
    lab.migrate("c1", "lab3/opencl:0.0");
    lab.migrate("c0", "lab3/opencl:0.1");
    lab.migrate("c1", "lab2/opencl:0.1");
    lab.migrate("c0", "lab2/opencl:0.0");
    // Both devices of lab2 hold a chain now; neither may end on the other one.
    two.program->send(SIGTERM);
    const auto left = two.program->wait(30.0);
    INFO(left.err);
    CHECK(left.exit_code == 0);
    CHECK(left.err.find("draining: 2 chains to be moved away") != std::string::npos);
    CHECK(left.err.find("left with 0 chains on board") != std::string::npos);
    for (const char* c : {"c0", "c1"})
        CHECK_FALSE(lab.computes_on(c, "lab2/", 0.0));
    CHECK(lab.coordinator().said("failed and restarts") == 0); // moved, not lost
    lab.must_end_undisturbed();
    CHECK(three.program->running()); // it waits for the next campaign
    for (const char* c : {"c0", "c1"}) {
        const auto again = lab.operate({"chain", "verify", c, "--last", "20"});
        CHECK(again["outcome"] == "bit-identical");
        CHECK(again["identical"].get<int>() >= 20);
    }
    const auto end = three.program->stop(SIGTERM);
    CHECK(end.exit_code == 0);
}

TEST_CASE("a chain is not sent to a node or a device that is not there or is being emptied", "[travel]") {
    cluster lab;
    lab.start();
    auto two = lab.join("lab2");
    const auto unknown = lab.operate({"chain", "migrate", "c0", "lab9/opencl:0.0"}, 4);
    CHECK(unknown["text"].get<std::string>().find("lab2/opencl:0.1") != std::string::npos); // what would do
    CHECK(lab.operate({"node", "drain", "lab2"})["state"] == "done");
    const auto drains = lab.operate({"chain", "migrate", "c0", "lab2/opencl:0.0"}, 4);
    CHECK(drains["text"].get<std::string>().find("drains (forge node undrain lab2)") != std::string::npos);
    CHECK(lab.operate({"node", "undrain", "lab2"})["state"] == "done");
    lab.migrate("c0", "lab2/opencl:0.0");
    two.program->stop(SIGKILL);
    REQUIRE(eventually(15.0, [&] { return lab.coordinator().said("node lab2 is gone") > 0; }));
    const auto away = lab.operate({"chain", "migrate", "c0", "lab2/opencl:0.0"}, 4);
    CHECK(away["text"].get<std::string>().find("away") != std::string::npos);
    CHECK(lab.coordinator().program->stop(SIGTERM).exit_code == 0);
}
