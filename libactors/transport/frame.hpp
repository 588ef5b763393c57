// SPDX-License-Identifier: AGPL-3.0-only
// What every byte inside TLS is wrapped in: one byte type, three bytes length (little-endian), then the payload.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace forge {

/// Spoken on the network; numbers never change their meaning.
enum class frame_type : std::uint8_t {
    hello = 1,       ///< first frame of both sides (control and data connections)
    data = 2,        ///< bytes of the tunnel
    ping = 3,        ///< 8 bytes that the pong returns
    pong = 4,        ///< the ping's bytes
    bye = 5,         ///< the sender closes in good order; empty
    refused = 6,     ///< words why, to a peer whose certificate was accepted; then the connection ends
    join_ask = 16,   ///< joiner to coordinator
    join_grant = 17, ///< its answer
    offer = 32,      ///< data stream: what the sender has
    want = 33,       ///< where the receiver starts, and its first credits
    chunk = 34,      ///< header and bytes of one chunk
    credit = 35,     ///< more chunks may be sent
    finished = 36,   ///< the sender's hash over all check values
    stored = 37,     ///< the receiver has stored and checked everything
};

inline constexpr std::size_t frame_header_bytes = 4;
inline constexpr std::size_t frame_payload_max = (1u << 24) - 1; ///< what three bytes can say; every type allows less
inline constexpr std::size_t tunnel_frame_max = 64u << 10;       ///< heartbeats pass between two data frames
inline constexpr std::size_t refusal_text_max = 512;

struct frame_header {
    frame_type type{};
    std::uint32_t length = 0; ///< bytes of the payload
    friend bool operator==(const frame_header&, const frame_header&) = default;
};

/// @return nothing when the type is none of the above or its payload cannot have this length. Nothing is allocated.
[[nodiscard]] std::optional<frame_header> decode_frame_header(std::span<const std::byte, frame_header_bytes> bytes) noexcept;
[[nodiscard]] std::array<std::byte, frame_header_bytes> encode(const frame_header& header) noexcept;

/// May this frame stand on an established link?
[[nodiscard]] constexpr bool is_link_frame(frame_type t) noexcept {
    return t == frame_type::data || t == frame_type::ping || t == frame_type::pong || t == frame_type::bye;
}

} // namespace forge
