// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/hello.hpp"

#include "libactors/base/hash.hpp"
#include "libactors/transport/identity.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace forge {

namespace {

constexpr std::uint32_t magic = 0x4b4c4746u; // "FGLK" in memory order

std::string words(version_range v) {
    return v.min == v.max ? fmt::format("version {}", v.max) : fmt::format("versions {} to {}", v.min, v.max);
}

std::uint16_t u16(byte_reader& in) {
    const std::uint16_t low = in.u8();
    return static_cast<std::uint16_t>(low | in.u8() << 8);
}

void put_u16(byte_writer& out, std::uint16_t v) {
    out.u8(static_cast<std::uint8_t>(v & 0xffu)).u8(static_cast<std::uint8_t>(v >> 8));
}

void put_name(byte_writer& out, const std::string& name) {
    out.u8(static_cast<std::uint8_t>(name.size()));
    for (const char c : name)
        out.u8(static_cast<std::uint8_t>(c));
}

/// The length is one byte, so at most 255 characters are ever read.
std::string name_from(byte_reader& in) {
    std::string name;
    for (std::size_t n = in.u8(); n > 0 && in.ok(); --n)
        name.push_back(static_cast<char>(in.u8()));
    return name;
}

node_key key_from(byte_reader& in) {
    node_key key{};
    for (auto& b : key)
        b = in.u8();
    return key;
}

error malformed(const char* field) { return {errc::malformed, "malformed hello", field, ""}; }

} // namespace

result<std::uint16_t> agree_on_version(version_range ours, version_range theirs) {
    const std::uint16_t highest = std::min(ours.max, theirs.max);
    if (highest >= std::max(ours.min, theirs.min))
        return highest;
    return error{errc::version_too_new,
                 fmt::format("no common protocol: this node speaks {}, the peer speaks {}", words(ours), words(theirs)), "",
                 ours.max < theirs.min ? "upgrade this node" : "upgrade the peer"};
}

std::vector<std::byte> encode(const hello& h) {
    byte_writer out;
    out.u32(magic);
    put_u16(out, h.versions.min);
    put_u16(out, h.versions.max);
    out.u8(static_cast<std::uint8_t>(h.kind)).u8(static_cast<std::uint8_t>(h.role)).u64(h.transfer);
    for (const auto b : h.node_id)
        out.u8(b);
    for (const auto b : h.incarnation)
        out.u8(b);
    put_name(out, h.name);
    put_name(out, h.cluster);
    return out.bytes();
}

result<hello> decode_hello(std::span<const std::byte> bytes) {
    if (bytes.size() < hello_bytes_min || bytes.size() > hello_bytes_max)
        return malformed("length");
    byte_reader in(bytes);
    hello h;
    if (in.u32() != magic)
        return malformed("magic");
    h.versions.min = u16(in);
    h.versions.max = u16(in);
    if (h.versions.min == 0 || h.versions.min > h.versions.max)
        return malformed("versions");
    const std::uint8_t kind = in.u8();
    const std::uint8_t role = in.u8();
    h.kind = static_cast<connection_kind>(kind);
    h.role = static_cast<stream_role>(role);
    h.transfer = in.u64();
    const bool control = h.kind == connection_kind::control && h.role == stream_role::none && h.transfer == 0;
    const bool data = h.kind == connection_kind::data && (role == 1 || role == 2) && h.transfer != 0;
    if (!control && !data)
        return malformed("kind");
    h.node_id = key_from(in);
    h.incarnation = key_from(in);
    h.name = name_from(in);
    h.cluster = name_from(in);
    if (!in.ok() || !in.at_end())
        return malformed("length");
    if (!is_node_name(h.name))
        return malformed("name");
    if (!is_node_name(h.cluster))
        return malformed("cluster");
    return h;
}

} // namespace forge
