// SPDX-License-Identifier: AGPL-3.0-only
// Files that were made up: refused by name and place, before memory is asked for.
#include "tests/formats/format_test_tools.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include <sys/resource.h>

using namespace forge;
using namespace forge::testing;

namespace {

std::string ildg_format(const std::string& precision, const std::string& x, const std::string& y, const std::string& z,
                        const std::string& t) {
    return "<ildgFormat><field>su3gauge</field><precision>" + precision + "</precision><lx>" + x + "</lx><ly>" + y +
           "</ly><lz>" + z + "</lz><lt>" + t + "</lt></ildgFormat>";
}

std::string nersc_header(const std::string& dims_x, const std::string& rest) {
    return "BEGIN_HEADER\nDATATYPE = 4D_SU3_GAUGE_3x3\nDIMENSION_1 = " + dims_x +
           "\nDIMENSION_2 = 1\nDIMENSION_3 = 1\nDIMENSION_4 = 1\nFLOATING_POINT = IEEE64BIG\n" + rest;
}

/// Unit matrices as 64-bit big-endian numbers.
std::string unit_links(std::size_t links) {
    std::string one;
    for (int k = 0; k < 9; ++k)
        one += be(k % 4 == 0 ? 0x3ff0000000000000u : 0u, 8) + be(0, 8);
    std::string out;
    for (std::size_t i = 0; i < links; ++i)
        out += one;
    return out;
}

/// Peak resident memory of this process in KiB.
long peak_memory() {
    rusage usage{};
    REQUIRE(::getrusage(RUSAGE_SELF, &usage) == 0);
    return usage.ru_maxrss;
}

} // namespace

TEST_CASE("hostile headers are refused before memory is asked for") {
    const scratch_folder folder;
    const auto path = folder / "hostile";
    const std::string payload = unit_links(4);
    const std::string milc_dims =
        be(20103, 4) + be(0x7fffffff, 4) + be(0x7fffffff, 4) + be(0x7fffffff, 4) + be(0x7fffffff, 4);
    const std::pair<const char*, std::string> files[] = {
        {"empty", ""},
        {"three bytes", "BEG"},
        {"noise", "this is no gauge file at all"},
        {"LIME length 2^63", record("ildg-binary-data", payload, std::uint64_t{1} << 63)},
        {"LIME length 2^64-1", record("ildg-binary-data", payload, ~std::uint64_t{0})},
        {"LIME length 2^64-144, back to the start", record("xlf-info", "", ~std::uint64_t{0} - 143) + payload},
        {"LIME without type", record("", payload)},
        {"LIME, type of 128 characters", record(std::string(128, 'a'), payload)},
        {"LIME, no data", record("xlf-info", "plaquette = 1.0\n")},
        {"LIME, endless empty records",
         [] {
             std::string many;
             for (int i = 0; i < 5000; ++i)
                 many += record("x", "");
             return many;
         }()},
        {"ILDG, 4 billion",
         record("ildg-format", ildg_format("64", "4000000000", "4000000000", "4000000000", "4000000000")) +
             record("ildg-binary-data", payload)},
        {"ILDG, more than 64 bits", record("ildg-format", ildg_format("64", "99999999999999999999999", "1", "1", "1")) +
                                        record("ildg-binary-data", payload)},
        {"ILDG, volume 2^32 wraps to 0 in 32 bits",
         record("ildg-format", ildg_format("64", "65536", "65536", "1", "1")) + record("ildg-binary-data", "")},
        {"ILDG, negative",
         record("ildg-format", ildg_format("64", "-1", "1", "1", "1")) + record("ildg-binary-data", payload)},
        {"ILDG, zero", record("ildg-format", ildg_format("64", "0", "1", "1", "1")) + record("ildg-binary-data", "")},
        {"ILDG, 16 bits",
         record("ildg-format", ildg_format("16", "1", "1", "1", "1")) + record("ildg-binary-data", payload)},
        {"ILDG, 32 bits announced",
         record("ildg-format", ildg_format("32", "1", "1", "1", "1")) + record("ildg-binary-data", payload)},
        {"ILDG, plaquette nan", record("xlf-info", "plaquette = nan\n") +
                                    record("ildg-format", ildg_format("64", "1", "1", "1", "1")) +
                                    record("ildg-binary-data", payload)},
        {"ILDG, another plaquette", record("xlf-info", "plaquette = 0.999\n") +
                                        record("ildg-format", ildg_format("64", "1", "1", "1", "1")) +
                                        record("ildg-binary-data", payload)},
        {"ILDG, two fields",
         record("ildg-format", ildg_format("64", "1", "1", "1", "1")) + record("ildg-binary-data", payload) +
             record("ildg-format", ildg_format("64", "1", "1", "1", "1")) + record("ildg-binary-data", payload)},
        {"ILDG, other group",
         record("ildg-format", "<field>su2gauge</field>" + ildg_format("64", "1", "1", "1", "1").substr(12)) +
             record("ildg-binary-data", payload)},
        {"SciDAC, split over files",
         record("scidac-private-file-xml", "<dims>1 1 1 1 </dims><volfmt>1</volfmt>") +
             record("scidac-private-record-xml", "<typesize>144</typesize><datacount>4</datacount>") +
             record("scidac-binary-data", payload)},
        {"SciDAC, five dims",
         record("scidac-private-file-xml", "<dims>1 1 1 1 1</dims><volfmt>0</volfmt>") +
             record("scidac-private-record-xml", "<typesize>144</typesize><datacount>4</datacount>") +
             record("scidac-binary-data", payload)},
        {"SciDAC, other group",
         record("scidac-private-file-xml", "<dims>1 1 1 1</dims><volfmt>0</volfmt>") +
             record("scidac-private-record-xml", "<colors>2</colors><typesize>64</typesize><datacount>4</datacount>") +
             record("scidac-binary-data", payload)},
        {"SciDAC, propagator",
         record("scidac-private-file-xml", "<dims>1 1 1 1</dims><volfmt>0</volfmt>") +
             record("scidac-private-record-xml", "<typesize>96</typesize><datacount>1</datacount>") +
             record("scidac-binary-data", payload)},
        {"bare ILDG, no hypercube", record("ildg-binary-data", unit_links(8))},
        {"NERSC, no END_HEADER", nersc_header("1", "") + payload},
        {"NERSC, endless header", "BEGIN_HEADER\n" + std::string(200000, 'a')},
        {"NERSC, 4 billion", nersc_header("4000000000", "END_HEADER\n") + payload},
        {"NERSC, zero", nersc_header("0", "END_HEADER\n")},
        {"NERSC, negative", nersc_header("-1", "END_HEADER\n") + payload},
        {"NERSC, hexadecimal", nersc_header("0x1", "END_HEADER\n") + payload},
        {"NERSC, two answers", nersc_header("1", "DIMENSION_1 = 1\nEND_HEADER\n") + payload},
        {"NERSC, plaquette inf", nersc_header("1", "PLAQUETTE = inf\nEND_HEADER\n") + payload},
        {"NERSC, checksum of words", nersc_header("1", "CHECKSUM = none\nEND_HEADER\n") + payload},
        {"NERSC, another plaquette", nersc_header("1", "PLAQUETTE = 0.99\nLINK_TRACE = 1.0\nEND_HEADER\n") + payload},
        {"NERSC, another trace",
         nersc_header("1", "PLAQUETTE = 1.00000\nLINK_TRACE = 0.999990\nEND_HEADER\n") + payload},
        {"NERSC, one byte too many", nersc_header("1", "END_HEADER\n") + payload + "x"},
        {"MILC, 2^31-1 in each direction", milc_dims + std::string(76, '\0')},
        {"MILC, zero", be(20103, 4) + std::string(92, '\0')},
        {"MILC v1-4, zero", be(59354, 4) + std::string(24, '\0')},
    };
    const long before = peak_memory();
    for (const auto& [name, bytes] : files) {
        CAPTURE(name);
        put_bytes(path, bytes);
        expect_refused_as_damage(path);
    }
    CHECK(peak_memory() - before < 64 * 1024); // KiB
    // The frame of these files is sound: with nothing wrong in it, it is read.
    put_bytes(path, nersc_header("1", "PLAQUETTE = 1.0\nLINK_TRACE = 1.0\nEND_HEADER\n") + payload);
    CHECK(outcome(read_gauge_file(path)) == "accepted");
    put_bytes(path, record("xlf-info", "plaquette = 1.0\n") +
                        record("ildg-format", ildg_format("64", " 1 ", "1", "1", "1")) +
                        record("ildg-binary-data", payload));
    CHECK(outcome(read_gauge_file(path)) == "accepted");
    put_bytes(path, record("scidac-private-file-xml", "<dims>1 1 1 1 </dims><volfmt>0</volfmt>") +
                        record("scidac-private-record-xml", "<typesize>144</typesize><datacount>4</datacount>") +
                        record("scidac-binary-data", payload));
    CHECK(outcome(read_gauge_file(path)) == "accepted");
}

TEST_CASE("a sparse file cannot make the reader ask for more memory than the machine has") {
    const scratch_folder folder;
    const auto path = folder / "sparse";
    const std::uint64_t volume = std::uint64_t{1} << 31, links = volume * 576;
    std::string head = "BEGIN_HEADER\nDATATYPE = 4D_SU3_GAUGE_3x3\nDIMENSION_1 = 65536\nDIMENSION_2 = 32768\n"
                       "DIMENSION_3 = 1\nDIMENSION_4 = 1\nFLOATING_POINT = IEEE64BIG\nEND_HEADER\n";
    put_bytes(path, head);
    std::error_code status;
    std::filesystem::resize_file(path, head.size() + links, status);
    if (status) {
        WARN("SKIPPED: this file system has no sparse files of 1.2 TB");
        return;
    }
    const long pages = ::sysconf(_SC_PHYS_PAGES), page = ::sysconf(_SC_PAGESIZE);
    if (static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) > links) {
        WARN("SKIPPED: this machine has more than 1.2 TB of memory");
        return;
    }
    const auto file = read_gauge_file(path);
    REQUIRE_FALSE(file.ok());
    CHECK(file.reason().code == errc::unsupported);
    CHECK(file.reason().what.find("GiB") != std::string::npos);
}

TEST_CASE("links outside SU(3) are refused with the place of the worst one") {
    const scratch_folder folder;
    const auto path = folder / "bent";
    const auto bare = [](const gauge_field& links) {
        std::string payload;
        for (const double r : links.reals())
            payload += be(std::bit_cast<std::uint64_t>(r), 8);
        return record("ildg-format", ildg_format("64", "2", "2", "2", "2")) + record("ildg-binary-data", payload);
    };
    const auto links = random_field({{2, 2, 2, 2}}, 23);
    const auto refused = [&](const gauge_field& bent) {
        put_bytes(path, bare(bent));
        const auto file = read_gauge_file(path);
        REQUIRE_FALSE(file.ok());
        CHECK(file.reason().code == errc::physics_mismatch);
        return file.reason();
    };
    put_bytes(path, bare(links));
    REQUIRE(outcome(read_gauge_file(path)) == "accepted");

    auto bent = links;
    bent.set_link(5, 2, complex(1.0 + 1e-8, 0.0) * links.link(5, 2));
    const auto scaled = refused(bent);
    CHECK(scaled.what.find("not unitary") != std::string::npos);
    CHECK(scaled.where.find("link (1,0,1,0) direction z") != std::string::npos);

    bent = links;
    bent.set_link(6, 1, complex(-1.0, 0.0) * links.link(6, 1));
    const auto negative = refused(bent);
    CHECK(negative.what.find("det U is not 1") != std::string::npos);
    CHECK(negative.where.find("link (0,1,1,0) direction y") != std::string::npos);

    bent = links;
    for (std::size_t s = 8; s < 16; ++s)
        bent.set_link(s, 3, complex(-1.0, 0.0) * links.link(s, 3));
    CHECK(refused(bent).what.find("antiperiodic") != std::string::npos);

    bent = links;
    bent.reals()[100] = std::numeric_limits<double>::quiet_NaN();
    CHECK(refused(bent).what.find("not a number") != std::string::npos);
    const auto seen = inspect_gauge_file(path);
    CHECK_FALSE(seen.report.plaquette.has_value());

    bent = links;
    bent.set_link(0, 0, su3{});
    CHECK(refused(bent).what.find("not unitary") != std::string::npos);
}

TEST_CASE("XML that breaks the rules is read as long as its numbers can be found") {
    const scratch_folder folder;
    const extents shape{{1, 1, 1, 1}};
    const auto report = write_gauge_file(folder / "unit", cold_start(shape), written_format::ildg);
    REQUIRE(report.ok());
    const auto split = report->stored_checksum.find(' ');
    const std::string suma = report->stored_checksum.substr(0, split), sumb = report->stored_checksum.substr(split + 1);
    // A missing quote, no <field>, blanks around numbers, sums with 0x and leading zeros.
    const std::string format = "<ildgFormat xmlns=\"http://www.lqcd.org/ildg filefmt.xsd><precision> 64 </precision>"
                               "<lx> 1 </lx><ly>1</ly><lz>1</lz><lt>\n1</lt></ildgFormat>";
    const auto sums = [](const std::string& a, const std::string& b) {
        return "<scidacChecksum><suma>0x" + a + "</suma><sumb> " + b + " </sumb></scidacChecksum>\n";
    };
    const auto path = folder / "odd";
    put_bytes(path, record("ildg-format", format) + record("anything else", "abc") +
                        record("ildg-binary-data", unit_links(4)) + record("scidac-checksum", sums(suma, sumb)));
    const auto file = read_gauge_file(path);
    INFO(outcome(file));
    REQUIRE(file.ok());
    CHECK(file->links == cold_start(shape));
    CHECK(file->report.checksum == checksum_verdict::match);
    put_bytes(path, record("ildg-format", format) + record("ildg-binary-data", unit_links(4)) +
                        record("scidac-checksum", sums(sumb + "0", suma)));
    CHECK(read_gauge_file(path).ok() == false);
}

TEST_CASE("a refusal names the record and the byte of what it refuses") {
    const scratch_folder folder;
    const auto path = folder / "named";
    const auto header = nersc_header("1", "PLAQUETTE = 0.5\nEND_HEADER\n");
    put_bytes(path, header + unit_links(4));
    const auto nersc = read_gauge_file(path);
    REQUIRE_FALSE(nersc.ok());
    CHECK(nersc.reason().code == errc::physics_mismatch);
    CHECK(nersc.reason().where == path.string() + ", NERSC header, byte " + std::to_string(header.find("PLAQUETTE")));
    const auto first = record("ildg-format", ildg_format("64", "1", "1", "1", "1"));
    put_bytes(path, first + record("ildg-binary-data", unit_links(5)));
    const auto ildg = read_gauge_file(path);
    REQUIRE_FALSE(ildg.ok());
    CHECK(ildg.reason().where == path.string() + ", record ildg-binary-data, byte " + std::to_string(first.size() + 8));
}

TEST_CASE("control characters of a file do not reach the terminal") {
    const scratch_folder folder;
    const auto path = folder / "esc\x1b[31m\xff\xc3\xa4";
    put_bytes(path, "BEGIN_HEADER\nDATATYPE = \x1b[2J\nDIMENSION_1 = 1\nDIMENSION_2 = 1\nDIMENSION_3 = 1\n"
                    "DIMENSION_4 = 1\nEND_HEADER\n");
    const auto file = read_gauge_file(path);
    REQUIRE_FALSE(file.ok());
    CHECK(to_text(file.reason()).find('\x1b') == std::string::npos);
    CHECK(file.reason().what.find("?[2J") != std::string::npos);
    CHECK(file.reason().where.find("esc?[31m?\xc3\xa4, NERSC header") != std::string::npos);
}

TEST_CASE("a byte order that the header leaves open is found by unitarity and reported") {
    const scratch_folder folder;
    const auto links = random_field({{2, 2, 2, 2}}, 24);
    REQUIRE(write_gauge_file(folder / "little", links, written_format::nersc).ok());
    auto bytes = bytes_of(folder / "little");
    const std::string name = "IEEE64LITTLE";
    bytes.replace(bytes.find(name), name.size(), "IEEE64");
    put_bytes(folder / "open", bytes);
    const auto little = read_gauge_file(folder / "open");
    INFO(outcome(little));
    REQUIRE(little.ok());
    CHECK(little->links == links);
    CHECK(little->report.order == byte_order::little);
    REQUIRE(little->report.notes.size() == 1);
    CHECK(little->report.notes.front().find("little-endian") != std::string::npos);

    for (std::size_t at = bytes.find("END_HEADER\n") + 11; at < bytes.size(); at += 8)
        std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                     bytes.begin() + static_cast<std::ptrdiff_t>(at) + 8);
    put_bytes(folder / "open", bytes);
    const auto swapped = read_gauge_file(folder / "open");
    INFO(outcome(swapped));
    REQUIRE(swapped.ok()); // the sum of 32-bit words does not depend on their order
    CHECK(swapped->links == links);
    CHECK(swapped->report.order == byte_order::big);
}

TEST_CASE("what is no file is refused by name") {
    const scratch_folder folder;
    const auto missing = read_gauge_file(folder / "missing");
    REQUIRE_FALSE(missing.ok());
    CHECK(missing.reason().code == errc::not_found);
    std::filesystem::create_directory(folder / "d");
    const auto directory = read_gauge_file(folder / "d");
    REQUIRE_FALSE(directory.ok());
    CHECK(directory.reason().code == errc::unsupported);
    CHECK(inspect_gauge_file(folder / "missing").refusal == missing.reason());
}
