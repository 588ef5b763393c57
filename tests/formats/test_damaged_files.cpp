// SPDX-License-Identifier: AGPL-3.0-only
// Files that were cut or flipped: a reader refuses them or reads the same links.
#include "tests/formats/format_test_tools.hpp"

using namespace forge;
using namespace forge::testing;

namespace {

constexpr written_format both[] = {written_format::nersc, written_format::ildg};
constexpr extents small{{2, 3, 4, 5}};

const write_options texts{.ensemble_id = "ens",
                          .ensemble_label = "label",
                          .creation_date = "2026-11-21",
                          .provenance = "test",
                          .lfn = "lfn://test",
                          .trajectory = 12};

std::string written_bytes(const scratch_folder& folder, const gauge_field& links, written_format format) {
    const auto path = folder / "written";
    const auto report = write_gauge_file(path, links, format, texts);
    INFO(outcome(report));
    REQUIRE(report.ok());
    auto bytes = bytes_of(path);
    std::filesystem::remove(path);
    return bytes;
}

/// Where the links begin in a file written by `written_bytes`.
std::size_t links_begin(const std::string& bytes, written_format format) {
    if (format == written_format::nersc)
        return bytes.find("END_HEADER\n") + 11;
    return bytes.find("ildg-binary-data") - 16 + 144;
}

} // namespace

TEST_CASE("a file of any shorter length is refused") {
    const scratch_folder folder;
    const auto links = random_field(small, 21);
    for (const auto format : both) {
        const auto whole = written_bytes(folder, links, format);
        const auto path = folder / "cut";
        const std::size_t begin = links_begin(whole, format), end = begin + links.reals().size() * 8;
        std::size_t tried = 0;
        // Every length within the headers and records, every 97th within the links.
        for (std::size_t length = 0; length < whole.size(); length += length >= begin && length + 97 < end ? 97 : 1) {
            CAPTURE(name_of(format), length, whole.size());
            put_bytes(path, whole.substr(0, length));
            expect_refused_as_damage(path);
            ++tried;
        }
        CHECK(tried > 1000);
        put_bytes(path, whole + std::string(1, '\0'));
        expect_refused_as_damage(path);
        put_bytes(path, whole);
        CHECK(read_gauge_file(path).ok());
    }
}

TEST_CASE("a flipped bit is refused, or is in text that the links do not depend on") {
    const scratch_folder folder;
    const auto links = random_field({{2, 1, 2, 3}}, 22);
    for (const auto format : both) {
        const auto whole = written_bytes(folder, links, format);
        const auto path = folder / "flipped";
        const std::size_t begin = links_begin(whole, format), end = begin + links.reals().size() * 8;
        std::size_t refused = 0, same = 0;
        // Every bit outside of the links, one bit of every byte of the links.
        for (std::size_t at = 0; at < whole.size(); ++at)
            for (unsigned bit = 0; bit < 8; ++bit) {
                const bool in_links = at >= begin && at < end;
                if (in_links && bit != at % 8)
                    continue;
                CAPTURE(name_of(format), at, bit);
                auto damaged = whole;
                damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ (1u << bit));
                put_bytes(path, damaged);
                const auto file = read_gauge_file(path);
                if (file.ok()) {
                    REQUIRE_FALSE(in_links);
                    REQUIRE(file->links == links);
                    ++same;
                } else {
                    if (in_links)
                        REQUIRE(file.reason().code == errc::checksum_mismatch);
                    ++refused;
                }
            }
        CAPTURE(refused, same);
        CHECK(refused > links.reals().size() * 8);
        CHECK(same > 0);
    }
}

TEST_CASE("a flipped bit of a MILC file is refused, or is in its time stamp") {
    const scratch_folder folder;
    // MILC v5 made by hand, big-endian, unit links.
    const extents shape{{1, 1, 1, 2}};
    std::string payload;
    std::uint32_t sum29 = 0, sum31 = 0, word = 0;
    const auto rotated = [](std::uint32_t v, std::uint32_t n) { return n == 0 ? v : (v << n) | (v >> (32 - n)); };
    for (std::size_t link = 0; link < shape.links(); ++link)
        for (int k = 0; k < 18; ++k, ++word) {
            const std::uint32_t v = k % 8 == 0 ? 0x3f800000u : 0u;
            sum29 ^= rotated(v, word % 29);
            sum31 ^= rotated(v, word % 31);
            payload += be(v, 4);
        }
    std::string stamp = "Sat Nov 21 00:00:00 2026";
    stamp.resize(64, '\0');
    const std::string head = be(20103, 4) + be(1, 4) + be(1, 4) + be(1, 4) + be(2, 4) + stamp + be(0, 4);
    const std::string whole = head + be(sum29, 4) + be(sum31, 4) + payload;
    const auto path = folder / "milc";
    put_bytes(path, whole);
    const auto good = read_gauge_file(path);
    INFO(outcome(good));
    REQUIRE(good.ok());
    CHECK(good->links == cold_start(shape));
    CHECK(good->report.order == byte_order::big);
    CHECK(good->report.checksum == checksum_verdict::match);
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        CAPTURE(bit / 8, bit % 8);
        auto damaged = whole;
        damaged[bit / 8] = static_cast<char>(static_cast<unsigned char>(damaged[bit / 8]) ^ (1u << (bit % 8)));
        put_bytes(path, damaged);
        const auto file = read_gauge_file(path);
        const bool in_stamp = bit / 8 >= 20 && bit / 8 < 84;
        REQUIRE(file.ok() == in_stamp);
        if (file.ok())
            REQUIRE(file->links == good->links);
    }
    for (std::size_t length = 0; length < whole.size(); ++length) {
        CAPTURE(length);
        put_bytes(path, whole.substr(0, length));
        expect_refused_as_damage(path);
    }
    auto listed = whole;
    listed[87] = 1;
    put_bytes(path, listed);
    const auto refused = read_gauge_file(path);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.reason().code == errc::unsupported);
}
