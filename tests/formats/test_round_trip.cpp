// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/formats/format_test_tools.hpp"

#include <cmath>

using namespace forge;
using namespace forge::testing;

namespace {

constexpr written_format both[] = {written_format::nersc, written_format::ildg};

} // namespace

TEST_CASE("read(write(links)) == links, bit by bit, at every shape") {
    const scratch_folder folder;
    const extents shapes[] = {{{1, 1, 1, 1}}, {{2, 2, 2, 2}}, {{2, 3, 4, 5}},
                              {{5, 4, 3, 2}}, {{1, 2, 1, 7}}, {{8, 8, 8, 8}}};
    for (const auto& shape : shapes)
        for (const auto format : both) {
            const std::uint64_t seed = 11 + shape.volume();
            CAPTURE(to_text(shape), name_of(format), seed);
            const auto links = random_field(shape, seed);
            const auto path = folder / (to_text(shape) + std::string(name_of(format)));
            const auto written = write_gauge_file(path, links, format);
            INFO(outcome(written));
            REQUIRE(written.ok());
            const auto again = read_gauge_file(path);
            INFO(outcome(again));
            REQUIRE(again.ok());
            CHECK(again->links == links);
            CHECK(again->report.checksum == checksum_verdict::match);
            CHECK(again->report.precision_bits == 64u);
            CHECK(std::abs(*again->report.stored_plaquette - host_plaquette(links).all()) < 1e-14);
            CHECK(again->report.notes.empty());
        }
}

TEST_CASE("both written formats carry the same links") {
    const scratch_folder folder;
    const auto links = random_field({{2, 3, 4, 5}}, 5);
    REQUIRE(write_gauge_file(folder / "a", links, written_format::nersc).ok());
    REQUIRE(write_gauge_file(folder / "b", links, written_format::ildg).ok());
    const auto a = read_gauge_file(folder / "a"), b = read_gauge_file(folder / "b");
    REQUIRE(a.ok());
    REQUIRE(b.ok());
    CHECK(a->report.order == byte_order::little);
    CHECK(b->report.order == byte_order::big);
    CHECK(a->links == b->links);
}

TEST_CASE("the SciDAC checksum of the 4^4 unit field is the known constant") {
    const scratch_folder folder;
    const auto report = write_gauge_file(folder / "unit", cold_start({{4, 4, 4, 4}}), written_format::ildg);
    REQUIRE(report.ok());
    CHECK(report->stored_checksum == "35b49a1b b49a1b35"); // written by another code for the same field
    CHECK(*report->plaquette == Approx(1.0).epsilon(1e-15));
}

TEST_CASE("the same links and texts give the same bytes") {
    const scratch_folder folder;
    const auto links = random_field({{2, 2, 2, 4}}, 6);
    const write_options texts{.ensemble_id = "ens = 1",
                              .ensemble_label = "label",
                              .creation_date = "2026-11-21",
                              .provenance = "chain c3",
                              .lfn = "lfn://x",
                              .trajectory = 12};
    for (const auto format : both) {
        REQUIRE(
            write_gauge_file(folder / (std::string("1") + std::string(name_of(format))), links, format, texts).ok());
        REQUIRE(
            write_gauge_file(folder / (std::string("2") + std::string(name_of(format))), links, format, texts).ok());
        const auto first = bytes_of(folder / (std::string("1") + std::string(name_of(format))));
        CHECK(first == bytes_of(folder / (std::string("2") + std::string(name_of(format)))));
        CHECK(first.find("chain c3") != std::string::npos);
    }
}

TEST_CASE("an existing file is replaced only on purpose, and nothing is left behind") {
    const scratch_folder folder;
    const auto path = folder / "kept";
    put_bytes(path, "precious");
    const auto links = random_field({{2, 2, 2, 2}}, 7);
    for (const auto format : both) {
        const auto refused = write_gauge_file(path, links, format);
        REQUIRE_FALSE(refused.ok());
        CHECK(refused.reason().code == errc::already_exists);
        CHECK(bytes_of(path) == "precious");
    }
    REQUIRE(write_gauge_file(path, links, written_format::nersc, {.overwrite = true}).ok());
    CHECK(read_gauge_file(path).ok());
    CHECK(folder.files() == 1);
}

TEST_CASE("links outside the group and texts that would forge a header are not written") {
    const scratch_folder folder;
    auto links = random_field({{2, 2, 2, 2}}, 8);
    for (const char* text : {"a\nPLAQUETTE = 1", "tab\t", "\x1b[31m"}) {
        const auto forged = write_gauge_file(folder / "f", links, written_format::nersc, {.ensemble_id = text});
        REQUIRE_FALSE(forged.ok());
        CHECK(forged.reason().code == errc::invalid_argument);
    }
    auto u = links.link(3, 2);
    for (auto& z : u.e)
        z *= 1.0 + 1e-6;
    links.set_link(3, 2, u);
    for (const auto format : both) {
        const auto refused = write_gauge_file(folder / "f", links, format);
        REQUIRE_FALSE(refused.ok());
        CHECK(refused.reason().code == errc::physics_mismatch);
    }
    CHECK(folder.files() == 0);
}

TEST_CASE("a missing folder, a folder in the way and an empty field are named") {
    const scratch_folder folder;
    const auto links = cold_start({{2, 2, 2, 2}});
    const auto nowhere = write_gauge_file(folder / "no/such/folder", links, written_format::ildg);
    REQUIRE_FALSE(nowhere.ok());
    CHECK(nowhere.reason().code == errc::not_found);
    std::filesystem::create_directory(folder / "d");
    const auto in_the_way = write_gauge_file(folder / "d", links, written_format::ildg, {.overwrite = true});
    REQUIRE_FALSE(in_the_way.ok());
    CHECK(in_the_way.reason().code == errc::already_exists);
    const auto empty = write_gauge_file(folder / "e", gauge_field{}, written_format::ildg);
    REQUIRE_FALSE(empty.ok());
    CHECK(empty.reason().code == errc::invalid_argument);
    CHECK(folder.files() == 1);
}
