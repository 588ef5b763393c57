// SPDX-License-Identifier: AGPL-3.0-only
// Same campaign, seed and bits class: same ledger hash, whatever the machine looks like.
#include "tests/scenario/scenario.hpp"

#include <catch2/catch.hpp>

using namespace forge::test;

TEST_CASE("a campaign that runs twice has the same ledger hash, another seed another one", "[bits]") {
    campaign_file c;
    const auto hash = undisturbed_hash(c);
    CHECK(hash.size() == 64);
    CHECK(scenario(c).finish() == hash);
    c.seed = "s2";
    CHECK(undisturbed_hash(c) != hash);
}

TEST_CASE("the ledger hash does not depend on how many devices the chains run on", "[bits]") {
    campaign_file c;
    const auto hash = undisturbed_hash(c);
    const auto devices = GENERATE(as<std::string>{}, "split_cpu = 0", "split_cpu = 2\nuse = [\"opencl:0.0\"]",
                                  "split_cpu = 2\nuse = [\"opencl:0.1\", \"opencl:0.0\"]");
    CAPTURE(devices);
    c.devices = devices;
    CHECK(scenario(c).finish() == hash);
}

TEST_CASE("the ledger hash does not depend on the width of the kernels", "[bits]") {
    campaign_file c;
    const auto hash = undisturbed_hash(c);
    const int width = GENERATE(1, 2, 4, 8);
    CAPTURE(width);
    c.devices += "\nwidth = " + std::to_string(width);
    CHECK(scenario(c).finish() == hash);
}

TEST_CASE("the ledger hash does not depend on the capacity of the edges", "[bits]") {
    campaign_file c;
    const auto hash = undisturbed_hash(c);
    const int capacity = GENERATE(1, 3, 16);
    CAPTURE(capacity);
    c.flow = "capacity = " + std::to_string(capacity);
    CHECK(scenario(c).finish() == hash);
}

TEST_CASE("the ledger hash does not depend on how often chains are sealed", "[bits]") {
    campaign_file c;
    const auto hash = undisturbed_hash(c);
    c.checkpoint = "interval_s = 0.01\nkeep = 5";
    CHECK(scenario(c).finish() == hash);
}
