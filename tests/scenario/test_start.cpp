// SPDX-License-Identifier: AGPL-3.0-only
// Where a chain begins: cold, hot, or a configuration of another code.
#include "tests/scenario/scenario.hpp"

#include <catch2/catch.hpp>

using namespace forge::test;
using forge::chain_id;

namespace {

campaign_file short_campaign(const std::string& start) {
    campaign_file c;
    c.points = 1;
    c.thermalise = 5;
    c.measure = 20;
    c.start = start;
    return c;
}

/// Folder of foreign configurations, or empty.
std::string test_data() {
    const char* folder = std::getenv("FORGE_TEST_DATA");
    if (folder == nullptr || !std::filesystem::exists(std::string(folder) + "/configs"))
        return "";
    return std::string(folder) + "/configs/";
}

std::string from_file(const std::string& name) { return "kind = \"file\"\nfile = \"" + name + "\""; }

double first_plaquette(const scenario& s) {
    auto book = s.open();
    return book.records(chain_id{0}, true, 1, 1).or_throw().at(0).record.observed.plaquette();
}

} // namespace

TEST_CASE("a hot start runs, is reproducible and differs from a cold start", "[start]") {
    auto hot = short_campaign("kind = \"hot\"");
    auto cold = short_campaign("kind = \"cold\"");
    hot.chains = cold.chains = 1;
    hot.steps = cold.steps = 20;
    const scenario a(hot);
    const auto hash = a.finish();
    CHECK(scenario(hot).finish() == hash);
    const scenario b(cold);
    CHECK(b.finish() != hash);
    CHECK(first_plaquette(a) < 0.5); // disorder below, order above
    CHECK(first_plaquette(b) > 0.6);
}

TEST_CASE("two chains of a hot start begin at different configurations", "[start]") {
    auto c = short_campaign("kind = \"hot\"");
    c.points = 2;
    const scenario s(c);
    s.finish();
    auto book = s.open();
    CHECK_FALSE(book.records(chain_id{0}, true, 1, 1).or_throw().at(0).record.state ==
                book.records(chain_id{1}, true, 1, 1).or_throw().at(0).record.state);
}

TEST_CASE("a campaign starts from a configuration of another code", "[start]") {
    if (test_data().empty()) {
        WARN("SKIPPED: FORGE_TEST_DATA is not set, no foreign configurations here");
        return;
    }
    auto c = short_campaign(from_file(test_data() + "cl2qcd_conf.00200"));
    c.chains = 1;
    c.steps = 20;
    const scenario s(c);
    const auto hash = s.finish();
    CHECK(first_plaquette(s) == Approx(0.571).margin(0.06)); // the file's plaquette, one trajectory later
    CHECK(scenario(c).finish() == hash);
    c.start = "kind = \"cold\"";
    CHECK(scenario(c).finish() != hash);
}

TEST_CASE("a start file is found beside the campaign file", "[start]") {
    if (test_data().empty()) {
        WARN("SKIPPED: FORGE_TEST_DATA is not set, no foreign configurations here");
        return;
    }
    auto c = short_campaign(from_file("start.nersc"));
    c.chains = 1;
    const scenario s(c);
    std::filesystem::copy_file(test_data() + "qdpxx_t_nersc.cfg", s.scratch() / "start.nersc");
    CHECK(s.finish().size() == 64);
}

TEST_CASE("a start file that does not fit is refused before anything is created", "[start]") {
    if (test_data().empty()) {
        WARN("SKIPPED: FORGE_TEST_DATA is not set, no foreign configurations here");
        return;
    }
    struct bad {
        std::string file, extents;
        int exit_code;
    };
    const auto b = GENERATE(bad{"cl2qcd_conf.00200", "[4, 4, 4, 8]", 4}, bad{"glu_lat..400", "[4, 4, 4, 4]", 4},
                            bad{"NEGATIVE_milc_lat.sample.5p7_badchecksum", "[4, 4, 4, 8]", 6},
                            bad{"no-such-file.ildg", "[4, 4, 4, 4]", 3});
    CAPTURE(b.file);
    auto c = short_campaign(from_file(test_data() + b.file));
    c.extents = b.extents;
    const scenario s(c);
    const auto r = s.run();
    INFO(r.err);
    CHECK(r.exit_code == b.exit_code);
    CHECK(r.err.find(b.file) != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(s.folder()));
}

TEST_CASE("a start file for another gauge group is refused", "[start]") {
    if (test_data().empty()) {
        WARN("SKIPPED: FORGE_TEST_DATA is not set, no foreign configurations here");
        return;
    }
    const scenario s(short_campaign(from_file(test_data() + "NEGATIVE_glu_HILAT_su2.nersc")));
    const auto r = s.run();
    INFO(r.err);
    CHECK((r.exit_code == 4 || r.exit_code == 6));
    CHECK_FALSE(std::filesystem::exists(s.folder()));
}
