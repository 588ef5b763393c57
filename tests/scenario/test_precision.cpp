// SPDX-License-Identifier: AGPL-3.0-only
// The arithmetic of a campaign: recorded, reproducible, and the same bits at any width.
#include "tests/scenario/scenario.hpp"

#include <catch2/catch.hpp>

using namespace forge::test;

namespace {

/// Runs the small campaign in an arithmetic and returns its ledger hash; the scenario stays for more questions.
std::string hash_in(const scenario& s, const std::string& precision, const std::string& devices) {
    campaign_file c;
    c.devices = devices;
    s.write_text(c.text() + "\n[precision]\n" + precision + "\n");
    return s.finish();
}

} // namespace

TEST_CASE("a hybrid campaign has other bits than a native one, and the same bits at any width and number of devices", "[bits]") {
    const auto native = undisturbed_hash({});
    const scenario first;
    const auto hybrid = hash_in(first, "strategy = \"hybrid\"", "split_cpu = 2");
    CHECK(hybrid != native);
    const auto other = GENERATE(as<std::string>{}, "split_cpu = 0\nwidth = 1", "split_cpu = 2\nwidth = 4\nuse = [\"opencl:0.1\"]");
    CAPTURE(other);
    const scenario again;
    CHECK(hash_in(again, "strategy = \"hybrid\"", other) == hybrid);
    const auto receipts = first.open().receipts(forge::chain_id{0}, 1).or_throw();
    REQUIRE(receipts.size() == 1);
    CHECK(receipts[0].receipt.bits_class.starts_with("df64-"));
}

TEST_CASE("a concurrent campaign with a given share has the same bits at any width", "[bits]") {
    const scenario first;
    const auto hash = hash_in(first, "strategy = \"concurrent\"\ndf64_share = 0.25", "split_cpu = 2");
    const scenario again;
    CHECK(hash_in(again, "strategy = \"concurrent\"\ndf64_share = 0.25", "split_cpu = 0\nwidth = 2") == hash);
}

TEST_CASE("a share that was measured is recorded, and a campaign that was killed goes on with it", "[bits]") {
    campaign_file c;
    c.measure = 400;
    const scenario s;
    s.write_text(c.text() + "\n[precision]\nstrategy = \"concurrent\"\n");
    {
        process p(s.command());
        REQUIRE(eventually(60, [&] { return s.committed() > 100; }));
        p.send(SIGKILL);
        (void)p.wait();
    }
    double share = -1.0;
    for (const auto& e : s.open().events().or_throw())
        if (e.kind == "precision" && e.chain == forge::chain_id{0})
            share = nlohmann::json::parse(e.json)["df64_share"].get<double>();
    REQUIRE(share >= 0.0);
    (void)s.finish();
    std::size_t decisions = 0;
    for (const auto& e : s.open().events().or_throw())
        decisions += e.kind == "precision" ? 1 : 0;
    CHECK(decisions == 2); // one a chain, none at the second start
    for (const auto& row : s.open().segments(forge::chain_id{0}).or_throw())
        CHECK(row.params.precision == forge::arithmetic{forge::precision_strategy::concurrent, share});
    CHECK(data_of(s.check_ledger())["ok"] == true);
}

TEST_CASE("auto says what it measured and what it took") {
    const scenario s;
    s.write_text(campaign_file{}.text() + "\n[precision]\nstrategy = \"auto\"\n");
    const auto r = s.run();
    CHECK(r.exit_code == 0);
    CHECK(r.err.find("force ns/site: native") != std::string::npos);
    CHECK(r.err.find("largest force difference") != std::string::npos);
}

TEST_CASE("a share without concurrent is a problem with its line") {
    const scenario s;
    s.write_text(campaign_file{}.text() + "\n[precision]\nstrategy = \"hybrid\"\ndf64_share = 0.5\n");
    const auto r = s.run();
    CHECK(r.exit_code == 2);
    CHECK(r.err.find("df64_share") != std::string::npos);
}
