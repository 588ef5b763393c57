// SPDX-License-Identifier: AGPL-3.0-only
// Chain states and their bytes, and the scissors to tamper with them.
#pragma once

#include "libactors/wire/checkpoint_codec.hpp"
#include "tests/support/random_fields.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

namespace forge::testing {

using byte_string = std::vector<std::byte>;

inline constexpr std::size_t trailer_bytes = 64; // docs/formats/checkpoint.md

inline chain_state toy_state(const extents& l, std::uint64_t seed = 7) {
    chain_state s;
    s.chain = {3};
    s.campaign_seed = "seed of the test";
    s.segment = {2};
    s.segment_first = 101;
    s.params = {5.7, 1.5, 12, integrator_kind::leapfrog, 20, 400, 5, {precision_strategy::concurrent, 0.25}, 1e-4};
    s.trajectory = 137;
    s.head = sha256_of("head");
    s.state = {0xfedcba9876543210u, 0x0123456789abcdefu};
    s.provenance = "forge 0.1.0, opencl:0.0, 2024-01-01T00:00:00Z";
    s.links = random_field(l, seed);
    s.plaquette = host_plaquette(s.links);
    return s;
}

inline byte_string encoded(const chain_state& s, const encode_options& options = {}) {
    byte_string bytes;
    const auto done = encode_checkpoint(
        s,
        [&](std::span<const std::byte> piece) -> result<void> {
            bytes.insert(bytes.end(), piece.begin(), piece.end());
            return {};
        },
        options);
    if (!done)
        FAIL(to_text(done.reason()));
    return bytes;
}

inline bool same_bits(const chain_state& a, const chain_state& b) {
    const auto x = std::as_bytes(a.links.reals()), y = std::as_bytes(b.links.reals());
    return a.chain == b.chain && a.campaign_seed == b.campaign_seed && a.segment == b.segment &&
           a.segment_first == b.segment_first && a.params == b.params && a.trajectory == b.trajectory &&
           a.head == b.head && a.state == b.state && a.plaquette.spatial == b.plaquette.spatial &&
           a.plaquette.temporal == b.plaquette.temporal && a.provenance == b.provenance &&
           a.links.shape() == b.links.shape() && std::ranges::equal(x, y);
}

/// Start of every message: manifest, chunks, trailer, and the end of the file.
inline std::vector<std::size_t> message_starts(const byte_string& file) {
    std::vector<std::size_t> starts;
    for (std::size_t at = 0; at < file.size();) {
        starts.push_back(at);
        byte_reader table(std::span<const std::byte>(file).subspan(at));
        table.u32();
        at += 8 + std::size_t{table.u32()} * 8;
    }
    starts.push_back(file.size());
    return starts;
}

/// Writes the length and the hash that fit what stands before the trailer: an attacker who knows the format.
inline void make_whole_again(byte_string& file) {
    const std::size_t before = file.size() - trailer_bytes;
    const auto length = byte_writer{}.u64(file.size());
    const auto hash = byte_writer{}.hash(sha256_of(std::span<const std::byte>(file).first(before)));
    std::ranges::copy(length.bytes(), file.begin() + static_cast<std::ptrdiff_t>(before + 16));
    std::ranges::copy(hash.bytes(), file.begin() + static_cast<std::ptrdiff_t>(before + 32));
}

inline void put_u32(byte_string& file, std::size_t at, std::uint32_t v) {
    std::memcpy(file.data() + at, &v, sizeof v);
}
inline void put_f64(byte_string& file, std::size_t at, double v) {
    std::memcpy(file.data() + at, &v, sizeof v);
}

/// Refusal of a file, or errc::internal when it is accepted.
inline errc refusal_of(const byte_string& file, const decode_limits& limits = {}) {
    const auto decoded = decode_checkpoint(file, limits);
    return decoded ? errc::internal : decoded.reason().code;
}

} // namespace forge::testing
