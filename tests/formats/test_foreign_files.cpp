// SPDX-License-Identifier: AGPL-3.0-only
// Configurations that other codes wrote. Golden numbers: recomputed outside this project by an independent reader.
#include "tests/formats/format_test_tools.hpp"

#include <cmath>
#include <cstdlib>
#include <vector>

using namespace forge;
using namespace forge::testing;

namespace {

/// Folder of the configurations, or nothing; says once how many tests that leaves out.
std::optional<std::filesystem::path> foreign_configurations() {
    constexpr int tests_here = 7;
    static bool told = false;
    const char* folder = std::getenv("FORGE_TEST_DATA");
    if (folder != nullptr && *folder != '\0')
        return std::filesystem::path(folder) / "configs";
    if (!told)
        WARN("SKIPPED: " << tests_here << " tests need FORGE_TEST_DATA");
    told = true;
    return std::nullopt;
}

struct expected_file {
    const char* name;
    const char* format;
    extents shape;
    unsigned bits;
    byte_order order;
    unsigned rows;
    double plaquette;
    double link_trace;
    checksum_verdict checksum;
};

constexpr auto match = checksum_verdict::match;
constexpr auto none = checksum_verdict::none_stored;
constexpr auto big = byte_order::big;
constexpr auto little = byte_order::little;

const std::vector<expected_file>& expected_files() {
    static const std::vector<expected_file> files{
        {"cl2qcd_conf.00200", "ILDG", {{4, 4, 4, 4}}, 64, big, 3, 0.571077111695, -0.004703155105, match},
        {"gaugefieldsjl_conf_08080808.ildg",
         "ILDG without ildg-format",
         {{8, 8, 8, 8}},
         64,
         big,
         3,
         0.555243594507,
         0.000674913644,
         none},
        {"glu_lat..400", "NERSC", {{4, 4, 4, 8}}, 64, little, 2, 0.598545559083, -0.000774184638, match},
        {"latticeqcdjl_hmc_quenched_su3.ildg",
         "ILDG without ildg-format",
         {{4, 4, 4, 4}},
         64,
         big,
         3,
         0.568215750149,
         0.001833158049,
         none},
        {"latticeqcdjl_staggered_m0.5.ildg",
         "ILDG without ildg-format",
         {{4, 4, 4, 4}},
         64,
         big,
         3,
         0.575584039475,
         -0.002867808376,
         none},
        {"lyncs_unity.lime", "ILDG", {{4, 4, 4, 4}}, 64, big, 3, 1.0, 1.0, match},
        {"milc_lat.sample.inst", "MILC v1-4", {{4, 4, 4, 4}}, 32, little, 3, 0.991009270758, 0.991627751151, none},
        {"milc_lat.sample.l4444", "MILC v5", {{4, 4, 4, 4}}, 32, little, 3, 0.594850158947, 0.646758737419, match},
        {"milc_lat.sample.l4444.ildg", "ILDG", {{4, 4, 4, 4}}, 32, big, 3, 0.594850158947, 0.646758737419, match},
        {"milc_lat.sample.l4448", "MILC v5", {{4, 4, 4, 8}}, 32, big, 3, 0.569055724369, 0.069216590061, match},
        {"milc_lat.sample.l4448.gf", "MILC v5", {{4, 4, 4, 8}}, 32, big, 3, 0.569055725854, 0.751466183829, match},
        {"milc_lat.sample.l4448.scidac", "SciDAC", {{4, 4, 4, 8}}, 32, big, 3, 0.569055724369, 0.069216590061, match},
        {"milc_lat.sample.l8888", "MILC v5", {{8, 8, 8, 8}}, 32, little, 3, 0.593560240433, -0.000645638620, match},
        {"pyquda_weak_field.lime", "ILDG", {{4, 4, 4, 8}}, 64, big, 3, 0.994804132267, 0.379449348715, match},
        {"qdpxx_t_nersc.cfg", "NERSC", {{4, 4, 4, 4}}, 32, big, 2, 0.038242289324, 0.463032209838, match},
        {"simulateqcd_lat.sample.l6666_nersc",
         "NERSC",
         {{6, 6, 6, 6}},
         32,
         big,
         2,
         0.660648230686,
         0.901592004467,
         match},
    };
    return files;
}

} // namespace

TEST_CASE("configurations of other codes are read with their plaquette, link trace and checksum") {
    const auto folder = foreign_configurations();
    if (!folder)
        return;
    for (const auto& wanted : expected_files()) {
        CAPTURE(wanted.name);
        const auto file = read_gauge_file(*folder / wanted.name);
        INFO(outcome(file));
        REQUIRE(file.ok());
        const auto& r = file->report;
        CHECK(r.format == wanted.format);
        CHECK(r.shape == wanted.shape);
        CHECK(file->links.shape() == wanted.shape);
        CHECK(r.precision_bits == wanted.bits);
        CHECK(r.order == wanted.order);
        CHECK(r.rows_stored == wanted.rows);
        CHECK(r.checksum == wanted.checksum);
        CHECK(std::abs(r.plaquette.value() - wanted.plaquette) < 1e-9);
        CHECK(std::abs(r.link_trace.value() - wanted.link_trace) < 1e-9);
        CHECK(r.unitarity_deviation.value() <= group_tolerance(wanted.bits));
        CHECK(r.determinant_deviation.value() <= group_tolerance(wanted.bits));
    }
}

TEST_CASE("an SU(2) field is refused as unsupported and named") {
    const auto folder = foreign_configurations();
    if (!folder)
        return;
    const auto seen = inspect_gauge_file(*folder / "NEGATIVE_glu_HILAT_su2.nersc");
    REQUIRE(seen.refusal.has_value());
    CHECK(seen.refusal->code == errc::unsupported);
    CHECK(seen.refusal->what.find("4D_SU2_GAUGE_2x2") != std::string::npos);
    CHECK(seen.report.format == "NERSC");
    CHECK(seen.report.shape == extents{{4, 4, 4, 8}});
    CHECK(seen.report.stored_plaquette == 0.431189010504421);
    CHECK_FALSE(seen.report.plaquette.has_value());
    CHECK_FALSE(seen.report.checksum.has_value());
}

TEST_CASE("a damaged MILC file is refused by its checksum and still reported") {
    const auto folder = foreign_configurations();
    if (!folder)
        return;
    const auto path = *folder / "NEGATIVE_milc_lat.sample.5p7_badchecksum";
    const auto file = read_gauge_file(path);
    REQUIRE_FALSE(file.ok());
    CHECK(file.reason().code == errc::checksum_mismatch);
    CHECK(file.reason().where.find("byte 88") != std::string::npos);
    const auto seen = inspect_gauge_file(path);
    REQUIRE(seen.refusal == file.reason());
    CHECK(seen.report.checksum == checksum_verdict::mismatch);
    CHECK(seen.report.stored_checksum == "2e218ab1 2d188e6b");
    CHECK(std::abs(seen.report.plaquette.value() - 0.572689272204) < 1e-9);
    CHECK(std::abs(seen.report.link_trace.value() - 0.094040228062) < 1e-9);
    CHECK(seen.report.unitarity_deviation.value() == Approx(0.179).epsilon(0.01));
}

TEST_CASE("the same configuration has the same links in every format") {
    const auto folder = foreign_configurations();
    if (!folder)
        return;
    const std::pair<const char*, const char*> twins[] = {
        {"milc_lat.sample.l4444", "milc_lat.sample.l4444.ildg"},
        {"milc_lat.sample.l4448", "milc_lat.sample.l4448.scidac"},
    };
    for (const auto& [a, b] : twins) {
        CAPTURE(a, b);
        const auto first = read_gauge_file(*folder / a), second = read_gauge_file(*folder / b);
        REQUIRE(first.ok());
        REQUIRE(second.ok());
        CHECK(first->links == second->links);
    }
}

TEST_CASE("a gauge transformation moves the link trace and not the plaquette") {
    const auto folder = foreign_configurations();
    if (!folder)
        return;
    const auto plain = read_gauge_file(*folder / "milc_lat.sample.l4448");
    const auto fixed = read_gauge_file(*folder / "milc_lat.sample.l4448.gf");
    REQUIRE(plain.ok());
    REQUIRE(fixed.ok());
    CHECK(std::abs(*plain->report.plaquette - *fixed->report.plaquette) < 1e-8);
    CHECK(std::abs(*plain->report.spatial_plaquette - *fixed->report.spatial_plaquette) < 1e-7);
    CHECK(std::abs(*plain->report.link_trace - *fixed->report.link_trace) > 0.6);
}

TEST_CASE("what a foreign file says is kept when it is written again") {
    const auto folder = foreign_configurations();
    if (!folder)
        return;
    const scratch_folder scratch;
    const auto original = read_gauge_file(*folder / "pyquda_weak_field.lime");
    REQUIRE(original.ok());
    REQUIRE(write_gauge_file(scratch / "again.ildg", original->links, written_format::ildg).ok());
    const auto again = read_gauge_file(scratch / "again.ildg");
    REQUIRE(again.ok());
    CHECK(again->links == original->links);
    // QIO computed this pair over the same bytes.
    CHECK(again->report.stored_checksum == "a2c41090 11193c39");
}

TEST_CASE("extents from the caller are for files that carry none") {
    const auto folder = foreign_configurations();
    if (!folder)
        return;
    const auto bare = *folder / "latticeqcdjl_hmc_quenched_su3.ildg";
    const auto assumed = read_gauge_file(bare);
    REQUIRE(assumed.ok());
    REQUIRE(assumed->report.notes.size() == 1);
    CHECK(assumed->report.notes.front().find("assumption") != std::string::npos);

    const auto told = read_gauge_file(bare, {.shape = extents{{4, 4, 4, 4}}});
    REQUIRE(told.ok());
    CHECK(told->links == assumed->links);

    const auto wrong = read_gauge_file(bare, {.shape = extents{{4, 4, 4, 5}}});
    REQUIRE_FALSE(wrong.ok());
    CHECK(wrong.reason().code == errc::malformed);
    // Twice the volume fits the length too, at half the precision: then the links tell.
    const auto doubled = read_gauge_file(bare, {.shape = extents{{4, 4, 4, 8}}});
    REQUIRE_FALSE(doubled.ok());
    CHECK(doubled.reason().code == errc::physics_mismatch);

    const auto self_describing = read_gauge_file(*folder / "pyquda_weak_field.lime", {.shape = extents{{9, 9, 9, 9}}});
    REQUIRE(self_describing.ok());
    CHECK(self_describing->report.shape == extents{{4, 4, 4, 8}});
}
