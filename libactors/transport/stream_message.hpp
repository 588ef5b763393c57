// SPDX-License-Identifier: AGPL-3.0-only
// Messages of the data stream. All numbers little-endian.
#pragma once

#include "libactors/base/hash.hpp"
#include "libactors/transport/chunk_check.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace forge {

inline constexpr std::size_t chunk_bytes_min = 256u << 10;
inline constexpr std::size_t chunk_bytes_max = 1u << 20;
inline constexpr std::size_t chunk_bytes_default = 512u << 10;
inline constexpr std::uint64_t stream_bytes_max = std::uint64_t{1} << 40; ///< 1 TiB: a 128^4 field in doubles has 155 GB
inline constexpr std::uint32_t window_max = 16;                           ///< chunks under way, so at most 16 MiB

/// What the sender has: u64 length in bytes, u32 bytes per chunk (the last one may be shorter).
struct stream_offer {
    std::uint64_t length = 0;
    std::uint32_t chunk_bytes = 0;
    [[nodiscard]] std::uint64_t chunks() const { return (length + chunk_bytes - 1) / chunk_bytes; }
    /// Bytes of chunk k, k < chunks().
    [[nodiscard]] std::size_t bytes_of(std::uint64_t k) const {
        const std::uint64_t left = length - k * chunk_bytes;
        return static_cast<std::size_t>(left < chunk_bytes ? left : chunk_bytes);
    }
    friend bool operator==(const stream_offer&, const stream_offer&) = default;
};

/// Where the receiver starts: u64 first chunk that it lacks, u32 chunks that may be sent before more credit, 16 bytes
/// key of the check values (the receiver keeps it over all attempts of one transfer).
struct stream_want {
    std::uint64_t first = 0;
    std::uint32_t credits = 0;
    check_key key{};
    friend bool operator==(const stream_want&, const stream_want&) = default;
};

/// In front of every chunk's bytes: u64 index, 16 bytes check value.
struct chunk_header {
    std::uint64_t index = 0;
    chunk_check check{};
    friend bool operator==(const chunk_header&, const chunk_header&) = default;
};

inline constexpr std::size_t stream_offer_bytes = 12;
inline constexpr std::size_t stream_want_bytes = 28;
inline constexpr std::size_t chunk_header_bytes = 24;

[[nodiscard]] std::array<std::byte, stream_offer_bytes> encode(const stream_offer& offer);
[[nodiscard]] std::array<std::byte, stream_want_bytes> encode(const stream_want& want);
[[nodiscard]] std::array<std::byte, chunk_header_bytes> encode(const chunk_header& chunk);

/// @return nothing for a wrong length, a chunk size outside chunk_bytes_min ... max, or more than stream_bytes_max.
[[nodiscard]] std::optional<stream_offer> decode_stream_offer(std::span<const std::byte> bytes);
/// @return nothing for a wrong length, a start beyond the end of `offer`, or credits outside 1 ... window_max.
[[nodiscard]] std::optional<stream_want> decode_stream_want(std::span<const std::byte> bytes, const stream_offer& offer);
/// @return nothing unless this is the header of chunk `expected` whose payload (header included) has `payload` bytes.
[[nodiscard]] std::optional<chunk_header> decode_chunk_header(std::span<const std::byte> bytes, const stream_offer& offer,
                                                              std::uint64_t expected, std::size_t payload);

} // namespace forge
