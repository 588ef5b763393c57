// SPDX-License-Identifier: AGPL-3.0-only
// forge gauge compare: configurations of other codes, and our own checkpoints.
#include "tests/scenario/scenario.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <fstream>

using namespace forge::test;

namespace {

using json = nlohmann::json;

/// A configuration of another code; empty, with a visible warning, where the data are not.
std::string foreign(const std::string& name) {
    const char* folder = std::getenv("FORGE_TEST_DATA");
    if (folder == nullptr || *folder == '\0') {
        WARN("SKIPPED: comparing " << name << " needs FORGE_TEST_DATA");
        return "";
    }
    return std::string(folder) + "/configs/" + name;
}

process_result compare(const std::string& a, const std::string& b, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"gauge", "compare", a, b};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_forge(arguments);
}

json compared(const std::string& a, const std::string& b, const std::vector<std::string>& more = {}) {
    auto arguments = more;
    arguments.push_back("--json");
    const auto r = compare(a, b, arguments);
    INFO(r.err);
    REQUIRE(r.exit_code == 0);
    CHECK(json::parse(r.out).at("schema") == "forge.gauge.compare/1");
    return data_of(r);
}

void check_all_equal(const json& d) {
    CHECK(d.at("equal") == d.at("reals"));
    CHECK(d.at("max_difference") == 0.0);
    CHECK(d.at("rms_difference") == 0.0);
    CHECK(d.at("worst").is_null());
    CHECK(d.at("decades").empty());
    CHECK(d.at("plaquette_difference") == 0.0);
    CHECK(d.at("link_trace_difference") == 0.0);
}

} // namespace

TEST_CASE("a file compared with itself is equal in every number", "[compare]") {
    const auto file = foreign("milc_lat.sample.l4448");
    if (file.empty())
        return;
    const auto d = compared(file, file);
    check_all_equal(d);
    CHECK(d.at("reals") == 4 * 4 * 4 * 8 * 4 * 18);
    CHECK(d.at("first").at("trajectory").is_null());
    CHECK(compare(file, file).out.find("bit for bit") != std::string::npos);
}

TEST_CASE("MILC and ILDG files of the same links are equal", "[compare]") {
    const auto milc = foreign("milc_lat.sample.l4444");
    if (milc.empty())
        return;
    const auto d = compared(milc, foreign("milc_lat.sample.l4444.ildg"));
    check_all_equal(d);
    CHECK(d.at("first").at("format") != d.at("second").at("format"));
    CHECK(d.at("first").at("plaquette").get<double>() == Approx(0.594850158947).epsilon(0).margin(1e-11));
}

TEST_CASE("fixing the gauge changes links and link trace, not the plaquette", "[compare]") {
    const auto file = foreign("milc_lat.sample.l4448");
    if (file.empty())
        return;
    const auto d = compared(file, foreign("milc_lat.sample.l4448.gf"));
    CHECK(d.at("equal").get<double>() < 0.01 * d.at("reals").get<double>());
    CHECK(d.at("max_difference").get<double>() > 0.1);
    CHECK(std::abs(d.at("plaquette_difference").get<double>()) < 1e-8);
    CHECK(d.at("link_trace_difference").get<double>() == Approx(0.751466183829 - 0.069216590061).epsilon(0).margin(1e-9));
    // The worst link is one of the lattice, and its entry differs by the maximum.
    const auto& worst = d.at("worst");
    const unsigned extents[] = {4, 4, 4, 8};
    for (std::size_t mu = 0; mu < 4; ++mu)
        CHECK(worst.at("site").at(mu).get<unsigned>() < extents[mu]);
    CHECK(worst.at("direction").get<unsigned>() < 4);
    CHECK(std::abs(worst.at("first").get<double>() - worst.at("second").get<double>()) == d.at("max_difference"));
    std::uint64_t counted = d.at("equal");
    for (const auto& decade : d.at("decades"))
        counted += decade.at("count").get<std::uint64_t>();
    CHECK(counted == d.at("reals"));
    const auto text = compare(file, foreign("milc_lat.sample.l4448.gf"));
    CHECK(text.exit_code == 0);
    CHECK(text.out.find("worst link") != std::string::npos);
}

TEST_CASE("links on different lattices are not compared", "[compare]") {
    const auto file = foreign("milc_lat.sample.l4444");
    if (file.empty())
        return;
    const auto r = compare(file, foreign("milc_lat.sample.l4448"), {"--json"});
    CHECK(r.exit_code == 4);
    CHECK(r.out.empty());
    CHECK(r.err.find("error[conflict]") != std::string::npos);
    CHECK(r.err.find("4x4x4x4") != std::string::npos);
    CHECK(r.err.find("4x4x4x8") != std::string::npos);
}

TEST_CASE("files that cannot be compared are refused as gauge check refuses them", "[compare]") {
    const scratch_folder folder;
    const auto absent = (folder.path() / "absent").string();
    CHECK(compare(absent, absent).exit_code == 3);
    const auto nonsense = (folder.path() / "nonsense").string();
    std::ofstream(nonsense) << "this is no configuration";
    CHECK(compare(nonsense, nonsense).exit_code == 6);
    // Our magic number and nothing behind it.
    const auto stump = (folder.path() / "stump.ckpt").string();
    std::ofstream(stump, std::ios::binary) << std::string(16, '\0') << "MFCHKPT" << '\0';
    const auto r = compare(stump, stump);
    CHECK(r.exit_code == 6);
    CHECK(r.err.find("stump.ckpt") != std::string::npos);
    CHECK(compare(absent, absent, {"--extents", "4,4"}).exit_code == 2);
    CHECK(compare(folder.path().string(), absent).exit_code != 0);
}

TEST_CASE("checkpoints are compared with each other, and a damaged one is refused", "[compare]") {
    campaign_file c;
    c.points = 2;
    c.thermalise = 5;
    c.measure = 20;
    const scenario s(c);
    s.finish();
    const auto first = s.checkpoints(0).at(0);
    const auto d = compared(first.string(), first.string());
    check_all_equal(d);
    CHECK(d.at("first").at("trajectory") == 25);
    CHECK(d.at("extents") == json({4, 4, 4, 4}));
    const auto other = compared(first.string(), s.checkpoints(1).at(0).string());
    CHECK(other.at("equal").get<double>() < other.at("reals").get<double>());
    CHECK(other.at("max_difference").get<double>() > 0.1);
    flip(first, 1000);
    CHECK(compare(first.string(), first.string()).exit_code == 6);
}
