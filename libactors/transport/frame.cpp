// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/frame.hpp"

#include "libactors/transport/hello.hpp"
#include "libactors/transport/join_message.hpp"
#include "libactors/transport/stream_message.hpp"

namespace forge {

namespace {

struct length_range {
    std::size_t from;
    std::size_t to;
};

/// One table for both directions: what is not here does not exist.
std::optional<length_range> lengths_of(frame_type type) noexcept {
    switch (type) {
    case frame_type::hello: return length_range{hello_bytes_min, hello_bytes_max};
    case frame_type::data: return length_range{1, tunnel_frame_max};
    case frame_type::ping:
    case frame_type::pong: return length_range{8, 8};
    case frame_type::bye: return length_range{0, 0};
    case frame_type::refused: return length_range{0, refusal_text_max};
    case frame_type::join_ask: return length_range{1, join_ask_bytes_max};
    case frame_type::join_grant: return length_range{1, join_grant_bytes_max};
    case frame_type::offer: return length_range{stream_offer_bytes, stream_offer_bytes};
    case frame_type::want: return length_range{stream_want_bytes, stream_want_bytes};
    case frame_type::chunk: return length_range{chunk_header_bytes + 1, chunk_header_bytes + chunk_bytes_max};
    case frame_type::credit: return length_range{4, 4};
    case frame_type::finished:
    case frame_type::stored: return length_range{32, 32};
    }
    return std::nullopt;
}

} // namespace

std::optional<frame_header> decode_frame_header(std::span<const std::byte, frame_header_bytes> bytes) noexcept {
    const auto at = [&](std::size_t k) { return std::to_integer<std::uint32_t>(bytes[k]); };
    const frame_header header{static_cast<frame_type>(at(0)), at(1) | at(2) << 8 | at(3) << 16};
    const auto allowed = lengths_of(header.type);
    if (!allowed || header.length < allowed->from || header.length > allowed->to)
        return std::nullopt;
    return header;
}

std::array<std::byte, frame_header_bytes> encode(const frame_header& header) noexcept {
    return {static_cast<std::byte>(header.type), static_cast<std::byte>(header.length & 0xffu),
            static_cast<std::byte>((header.length >> 8) & 0xffu), static_cast<std::byte>((header.length >> 16) & 0xffu)};
}

} // namespace forge
