// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/stream_message.hpp"

#include <algorithm>

namespace forge {

namespace {

template <std::size_t N>
std::array<std::byte, N> fixed(const byte_writer& out) {
    std::array<std::byte, N> bytes{};
    std::copy_n(out.bytes().begin(), N, bytes.begin());
    return bytes;
}

std::array<std::uint8_t, 16> sixteen(byte_reader& in) {
    std::array<std::uint8_t, 16> bytes{};
    for (auto& b : bytes)
        b = in.u8();
    return bytes;
}

} // namespace

std::array<std::byte, stream_offer_bytes> encode(const stream_offer& offer) {
    return fixed<stream_offer_bytes>(byte_writer{}.u64(offer.length).u32(offer.chunk_bytes));
}
std::array<std::byte, stream_want_bytes> encode(const stream_want& want) {
    byte_writer out;
    out.u64(want.first).u32(want.credits);
    for (const auto b : want.key)
        out.u8(b);
    return fixed<stream_want_bytes>(out);
}
std::array<std::byte, chunk_header_bytes> encode(const chunk_header& chunk) {
    byte_writer out;
    out.u64(chunk.index);
    for (const auto b : chunk.check)
        out.u8(b);
    return fixed<chunk_header_bytes>(out);
}

std::optional<stream_offer> decode_stream_offer(std::span<const std::byte> bytes) {
    byte_reader in(bytes);
    const stream_offer offer{in.u64(), in.u32()};
    if (!in.ok() || !in.at_end() || offer.length > stream_bytes_max || offer.chunk_bytes < chunk_bytes_min ||
        offer.chunk_bytes > chunk_bytes_max)
        return std::nullopt;
    return offer;
}

std::optional<stream_want> decode_stream_want(std::span<const std::byte> bytes, const stream_offer& offer) {
    byte_reader in(bytes);
    const stream_want want{in.u64(), in.u32(), sixteen(in)};
    if (!in.ok() || !in.at_end() || want.first > offer.chunks() || want.credits < 1 || want.credits > window_max)
        return std::nullopt;
    return want;
}

std::optional<chunk_header> decode_chunk_header(std::span<const std::byte> bytes, const stream_offer& offer,
                                                std::uint64_t expected, std::size_t payload) {
    byte_reader in(bytes);
    const chunk_header chunk{in.u64(), sixteen(in)};
    if (!in.ok() || !in.at_end() || chunk.index != expected || expected >= offer.chunks() ||
        payload != chunk_header_bytes + offer.bytes_of(expected))
        return std::nullopt;
    return chunk;
}

} // namespace forge
