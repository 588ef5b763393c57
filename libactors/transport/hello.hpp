// SPDX-License-Identifier: AGPL-3.0-only
// The first frame on every connection of two members: who, which cluster, which version, what for.
#pragma once

#include "libactors/base/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace forge {

/// Protocol versions that a binary speaks, both ends included.
struct version_range {
    std::uint16_t min = 1;
    std::uint16_t max = 1;
    friend bool operator==(const version_range&, const version_range&) = default;
};
inline constexpr version_range spoken_versions{3, 3};

/// The highest version that both speak.
/// @return errc::version_too_new when there is none, in words that name both ranges and say which side to upgrade.
[[nodiscard]] result<std::uint16_t> agree_on_version(version_range ours, version_range theirs);

enum class connection_kind : std::uint8_t { control = 1, data = 2 };
/// What the one who dialled a data connection will do on it; `none` on control connections.
enum class stream_role : std::uint8_t { none = 0, send = 1, receive = 2 };

using node_key = std::array<std::uint8_t, 16>;

/// Layout (numbers little-endian): "FGLK", u16 lowest and u16 highest version, u8 kind, u8 role, u64 transfer id,
/// 16 bytes node id, 16 bytes incarnation, u8 length and name, u8 length and cluster id. Nothing may follow.
/// The answering side sends both versions equal: the one agreed on.
struct hello {
    version_range versions = spoken_versions;
    connection_kind kind = connection_kind::control;
    stream_role role = stream_role::none;
    std::uint64_t transfer = 0; ///< 0 on control connections
    node_key node_id{};         ///< random, new at every start of the process
    node_key incarnation{};     ///< random, new at every start of the process; tells a restart from a reconnect
    std::string name;           ///< see is_node_name
    std::string cluster;        ///< see is_node_name

    friend bool operator==(const hello&, const hello&) = default;
};

inline constexpr std::size_t hello_fixed_bytes = 4 + 2 + 2 + 1 + 1 + 8 + 16 + 16 + 1 + 1;
inline constexpr std::size_t hello_bytes_min = hello_fixed_bytes + 2;
inline constexpr std::size_t hello_bytes_max = hello_fixed_bytes + 2 * 63;

[[nodiscard]] std::vector<std::byte> encode(const hello& h);
/// @return errc::malformed naming the field.
[[nodiscard]] result<hello> decode_hello(std::span<const std::byte> bytes);

} // namespace forge
