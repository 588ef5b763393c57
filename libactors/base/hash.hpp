// SPDX-License-Identifier: AGPL-3.0-only
// SHA-256, and the little-endian byte string that goes into it.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace forge {

using digest = std::array<std::uint8_t, 32>;

/// Incremental SHA-256 (FIPS 180-4). Movable, not copyable; `finish` may be called once.
class sha256 {
public:
    sha256();
    ~sha256();
    sha256(sha256&&) noexcept;
    sha256& operator=(sha256&&) noexcept;

    sha256& add(std::span<const std::byte> bytes);
    [[nodiscard]] digest finish();

private:
    struct context;
    std::unique_ptr<context> context_;
};

[[nodiscard]] digest sha256_of(std::span<const std::byte> bytes);
[[nodiscard]] digest sha256_of(std::string_view text);

/// 64 lower-case hex digits.
[[nodiscard]] std::string to_hex(const digest& d);
/// @return the digest, or all zeros when `hex` is not 64 hex digits.
[[nodiscard]] digest digest_from_hex(std::string_view hex);

/// Canonical encoding for hashing: every number little-endian at fixed width, every text length-prefixed (u32).
class byte_writer {
public:
    byte_writer& u8(std::uint8_t v) { return raw(v); }
    byte_writer& u32(std::uint32_t v) { return raw(v); }
    byte_writer& u64(std::uint64_t v) { return raw(v); }
    byte_writer& f64(double v) { return raw(std::bit_cast<std::uint64_t>(v)); }
    byte_writer& text(std::string_view v) {
        u32(static_cast<std::uint32_t>(v.size()));
        for (char c : v)
            bytes_.push_back(static_cast<std::byte>(c));
        return *this;
    }
    byte_writer& hash(const digest& d) {
        for (auto b : d)
            bytes_.push_back(static_cast<std::byte>(b));
        return *this;
    }
    [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

private:
    template <class U>
    byte_writer& raw(U v) {
        for (std::size_t i = 0; i < sizeof v; ++i)
            bytes_.push_back(static_cast<std::byte>((static_cast<std::uint64_t>(v) >> (8 * i)) & 0xffu));
        return *this;
    }
    std::vector<std::byte> bytes_;
};

/// Reads what byte_writer wrote; after a read past the end `ok()` stays false and every value is zero.
class byte_reader {
public:
    explicit byte_reader(std::span<const std::byte> bytes) : bytes_(bytes) {}
    std::uint8_t u8() { return static_cast<std::uint8_t>(raw(1)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(raw(4)); }
    std::uint64_t u64() { return raw(8); }
    double f64() { return std::bit_cast<double>(raw(8)); }
    std::string text();
    digest hash();
    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] bool at_end() const { return bytes_.empty(); }

private:
    std::uint64_t raw(std::size_t n);
    std::span<const std::byte> bytes_;
    bool ok_ = true;
};

} // namespace forge
