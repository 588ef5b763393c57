// SPDX-License-Identifier: AGPL-3.0-only
// Files for tests of formats: a scratch folder, bytes in and out.
#pragma once

#include "libactors/formats/gauge_writer.hpp"
#include "tests/support/random_fields.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <unistd.h>

namespace forge::testing {

/// An empty folder that goes away with the test.
class scratch_folder {
public:
    scratch_folder() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / ("forge-formats-" + std::string(6, 'X'))).string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path_ = pattern;
    }
    ~scratch_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;
    [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
    [[nodiscard]] std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(std::filesystem::directory_iterator(path_), std::filesystem::directory_iterator{}));
    }

private:
    std::filesystem::path path_;
};

inline std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline void put_bytes(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.close();
    REQUIRE(out);
}

/// The reason of a refusal, or "accepted": for messages of failed assertions.
template <class T>
std::string outcome(const result<T>& r) {
    return r.ok() ? std::string("accepted") : to_text(r.reason());
}

/// Refused with a code that means damage, naming the file and a reason.
inline void expect_refused_as_damage(const std::filesystem::path& path) {
    const auto file = read_gauge_file(path);
    REQUIRE_FALSE(file.ok());
    const auto code = file.reason().code;
    const bool damage = code == errc::malformed || code == errc::unsupported || code == errc::checksum_mismatch ||
                        code == errc::physics_mismatch;
    INFO(to_text(file.reason()));
    CHECK(damage);
    CHECK(file.reason().where.find(path.string()) != std::string::npos);
    CHECK_FALSE(file.reason().what.empty());
}

/// `value` as big-endian bytes.
inline std::string be(std::uint64_t value, int bytes) {
    std::string out;
    for (int i = bytes - 1; i >= 0; --i)
        out += static_cast<char>((value >> (8 * i)) & 0xff);
    return out;
}

/// A LIME record that claims a length of its own.
inline std::string record(const std::string& type, const std::string& payload, std::uint64_t claimed_length,
                          unsigned flags = 0xc000) {
    std::string out = be(0x456789ab, 4) + be(1, 2) + be(flags, 2) + be(claimed_length, 8) + type;
    out.resize(144, '\0');
    out += payload;
    return out + std::string((8 - payload.size() % 8) % 8, '\0');
}

inline std::string record(const std::string& type, const std::string& payload, unsigned flags = 0xc000) {
    return record(type, payload, payload.size(), flags);
}

} // namespace forge::testing
