// SPDX-License-Identifier: AGPL-3.0-only
// Checkpoints evaluated again on every device, and chains of hot and cold pairs computed again from their very starts.
#include "tests/scenario/scenario.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <fstream>

using namespace forge;
using namespace forge::test;

namespace {

campaign_file short_pair() {
    campaign_file c;
    c.chains = 2;
    c.points = 2;
    c.thermalise = 10;
    c.measure = 20;
    c.start = "kind = \"both\"";
    return c;
}

std::string newest_checkpoint(const scenario& s, const std::string& chain) {
    std::string newest;
    for (const auto& f : std::filesystem::directory_iterator(s.folder() / "checkpoints"))
        if (f.path().filename().string().starts_with(chain + "-") && f.path().string() > newest)
            newest = f.path().string();
    REQUIRE(!newest.empty());
    return newest;
}

} // namespace

TEST_CASE("both chains of a hot and cold pair are computed again from their own starts", "[validate]") {
    scenario s(short_pair());
    (void)s.finish();
    for (const char* chain : {"c0", "c1"}) {
        const auto done = run_forge({"chain", "verify", chain, "--run", s.folder().string(), "--last", "100000", "--split-cpu", "2"});
        INFO(done.out << done.err);
        CHECK(done.exit_code == 0);
        CHECK(done.out.find("bit-identical") != std::string::npos);
    }
}

TEST_CASE("a checkpoint is evaluated on every device in every arithmetic, and the first row is what the others are held against", "[validate]") {
    scenario s(short_pair());
    (void)s.finish();
    const auto file = newest_checkpoint(s, "c0");
    const auto done = run_forge({"checkpoint", "validate", file, "--split-cpu", "2", "--json"});
    REQUIRE(done.exit_code == 0);
    const auto data = data_of(done);
    CHECK(data["passed"] == true);
    const auto& rows = data["evaluations"];
    REQUIRE(rows.size() >= 3);
    CHECK(rows[0]["difference"].is_null());
    CHECK(rows.back()["device"] == "reference");
    bool two_alike = false;
    for (std::size_t k = 1; k < rows.size(); ++k) {
        CHECK(rows[k]["passed"] == true);
        CHECK(rows[k]["difference"]["same_decision"] == true);
        if (rows[k]["bits_class"] == rows[0]["bits_class"]) {
            CHECK(rows[k]["difference"]["same_bits"] == true);
            two_alike = true;
        }
        if (rows[k]["arithmetic"] == "hybrid")
            CHECK(rows[k]["difference"]["same_bits"] == false); // df64 is no fp64, and nobody pretends
    }
    CHECK(two_alike);
    const auto people = run_forge({"checkpoint", "validate", file, "--devices", "reference"});
    CHECK(people.exit_code == 0);
    CHECK(people.out.find("against the first") != std::string::npos);
    CHECK(people.out.ends_with("ok\n"));

    SECTION("a device that is not there") {
        const auto refused = run_forge({"checkpoint", "validate", file, "--devices", "opencl:77"});
        CHECK(refused.exit_code == 3);
        CHECK(refused.err.find("opencl:77") != std::string::npos);
    }
    SECTION("a file in which a byte has flipped") {
        {
            std::fstream f(file, std::ios::in | std::ios::out | std::ios::binary);
            f.seekp(4000);
            f.put(static_cast<char>(0x5a));
        }
        const auto refused = run_forge({"checkpoint", "validate", file, "--devices", "reference"});
        CHECK(refused.exit_code == 6);
        CHECK(!refused.err.empty());
    }
    SECTION("no file") {
        CHECK(run_forge({"checkpoint", "validate", file + ".not"}).exit_code == 3);
    }
}

TEST_CASE("a campaign that validates has the hash of one that does not, and the ledger's events are what the condition selects", "[validate]") {
    auto c = short_pair();
    c.measure = 60;
    scenario plain(c), validated(c);
    const auto hash = plain.finish();
    validated.write_text(c.text() + "[validation]\nwhen = \"measured and polyakov_abs > 0.1\"\ndevice = \"opencl:0.1\"\ndroppable = false\ncapacity = 2\n");
    CHECK(validated.finish() == hash);
    auto book = validated.open();
    std::size_t expected = 0, found = 0;
    for (std::uint32_t chain = 0; chain < 2; ++chain)
        for (const auto& row : book.records(chain_id{chain}).or_throw())
            expected += row.record.measured && std::hypot(row.record.observed.polyakov_re, row.record.observed.polyakov_im) > 0.1 ? 1 : 0;
    for (const auto& e : book.events().or_throw()) {
        CHECK(e.kind != "validation_failed");
        if (e.kind == "validated") {
            ++found;
            CHECK(e.text.find("same bits") != std::string::npos);
            CHECK(e.text.find("df64") != std::string::npos);
        }
    }
    CHECK(found == expected);
    CHECK(expected > 5);
    const auto v = data_of(run_forge({"status", "--run", validated.folder().string(), "--json"}))["validation"];
    CHECK(v["passed"] == expected);
    CHECK(v["failed"] == 0);
    CHECK(v["device"] == "opencl:0.1");
    CHECK(v["df64_delta_h_max"].get<double>() < 1e-9);
    CHECK(run_forge({"status", "--run", validated.folder().string()}).out.find("validator on opencl:0.1") != std::string::npos);
    CHECK(data_of(run_forge({"status", "--run", plain.folder().string(), "--json"}))["validation"].is_null());

    const auto drawn = run_forge({"topo", "show", "--run", validated.folder().string()});
    CHECK(drawn.exit_code == 0);
    CHECK(drawn.out.find("validator") != std::string::npos);
    CHECK(drawn.out.find("HELD BACK") != std::string::npos);
    const auto shape = data_of(run_forge({"topo", "show", "--run", validated.folder().string(), "--json"}));
    std::size_t filtered = 0;
    for (const auto& e : shape["edges"])
        filtered += e["to"] == "validator" && e["channel"] == "filtered" && e["predicate"] == "measured and polyakov_abs > 0.1" && e["capacity"] == 2 ? 1 : 0;
    CHECK(filtered == 2);
    CHECK(shape["measured"].size() >= 5);

    scenario wrong(c);
    wrong.write_text(c.text() + "[validation]\nwhen = \"chi_q > 10\"\n");
    const auto refused = wrong.run();
    CHECK(refused.exit_code == 2);
    CHECK(refused.err.find("chi_q") != std::string::npos);
    CHECK(refused.err.find("chi_l") != std::string::npos); // the nearest name
    wrong.write_text(c.text() + "[validation]\nwhen = \"chi_l > 10\"\ndevice = \"opencl:7\"\n");
    const auto nowhere = wrong.run();
    CHECK(nowhere.exit_code == 3);
    CHECK(nowhere.err.find("one of opencl:0.0, opencl:0.1") != std::string::npos);
}
