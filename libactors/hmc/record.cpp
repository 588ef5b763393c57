// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/hmc/record.hpp"

#include <cstring>

namespace forge {

namespace {
constexpr std::uint8_t record_version = 1; // first byte of every encoded record; stored on disk
}

std::vector<std::byte> encode(const physics_record& r) {
    const auto& o = r.observed;
    byte_writer out;
    out.u8(record_version).u32(r.chain.value).u32(r.segment.value).u64(r.trajectory).hash(r.previous);
    out.u64(r.state.a).u64(r.state.b).u8(r.measured ? 1 : 0).u8(o.accepted ? 1 : 0);
    out.f64(o.delta_h).f64(o.exp_minus_delta_h).f64(o.plaquette_spatial).f64(o.plaquette_temporal);
    out.f64(o.action_density).f64(o.polyakov_re).f64(o.polyakov_im);
    return out.bytes();
}

result<physics_record> decode_record(std::span<const std::byte> bytes) {
    byte_reader in(bytes);
    const auto version = in.u8();
    if (in.ok() && version > record_version)
        return error{errc::version_too_new, "record version " + std::to_string(version) + " is newer than " +
                                                std::to_string(record_version), "", "upgrade forge"};
    physics_record r;
    r.chain.value = in.u32();
    r.segment.value = in.u32();
    r.trajectory = in.u64();
    r.previous = in.hash();
    r.state.a = in.u64();
    r.state.b = in.u64();
    const auto measured = in.u8();
    const auto accepted = in.u8();
    auto& o = r.observed;
    o.delta_h = in.f64();
    o.exp_minus_delta_h = in.f64();
    o.plaquette_spatial = in.f64();
    o.plaquette_temporal = in.f64();
    o.action_density = in.f64();
    o.polyakov_re = in.f64();
    o.polyakov_im = in.f64();
    if (!in.ok() || !in.at_end() || version != record_version || measured > 1 || accepted > 1)
        return error{errc::malformed, "a physics record of " + std::to_string(bytes.size()) + " bytes does not decode", "", ""};
    r.measured = measured == 1;
    o.accepted = accepted == 1;
    return r;
}

digest hash_of(const physics_record& r) { return sha256_of(encode(r)); }

digest genesis_hash(std::string_view campaign_seed, chain_id chain) {
    return sha256_of(byte_writer{}.text("metalforge chain genesis 1").text(campaign_seed).u32(chain.value).bytes());
}

std::uint64_t rng_key(std::string_view campaign_seed, chain_id chain) {
    const digest d = sha256_of(byte_writer{}.text("metalforge rng key 1").text(campaign_seed).u32(chain.value).bytes());
    std::uint64_t key = 0;
    for (std::size_t i = 0; i < 8; ++i)
        key |= std::uint64_t{d[i]} << (8 * i);
    return key;
}

} // namespace forge
