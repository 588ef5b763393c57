// SPDX-License-Identifier: AGPL-3.0-only
// Records: bytes, hashes, keys; and a segment's summary.
#include "libactors/hmc/record.hpp"
#include "libactors/hmc/segment_summary.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <set>

using namespace forge;

namespace {

physics_record some_record() {
    physics_record r;
    r.chain = chain_id{3};
    r.segment = segment_no{2};
    r.trajectory = 0x1122334455667788u;
    r.previous = sha256_of("before");
    r.state = {0xaaaaaaaabbbbbbbbu, 0xccccccccddddddddu};
    r.measured = true;
    r.observed = {0.55, 0.56, 15.4, 0.01, -0.02, 0.3, 0.74, true};
    return r;
}

} // namespace

TEST_CASE("decoding an encoded record gives the record") {
    auto r = some_record();
    CHECK(decode_record(encode(r)).or_throw() == r);
    r.measured = false;
    r.observed.accepted = false;
    r.observed.delta_h = -0.0;
    CHECK(decode_record(encode(r)).or_throw() == r);
    CHECK(encode(decode_record(encode(r)).or_throw()) == encode(r));
}

TEST_CASE("every flipped bit of an encoded record changes its hash, and is refused or decodes to another record") {
    const auto r = some_record();
    const auto bytes = encode(r);
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        auto changed = bytes;
        changed[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
        INFO("bit " << bit);
        CHECK(sha256_of(changed) != hash_of(r));
        const auto decoded = decode_record(changed);
        if (decoded) {
            CHECK(encode(*decoded) == changed); // nothing is read two ways
            CHECK(hash_of(*decoded) != hash_of(r));
        } else {
            CHECK((decoded.reason().code == errc::malformed || decoded.reason().code == errc::version_too_new));
        }
    }
}

TEST_CASE("every field of a record enters its hash") {
    std::set<digest> hashes{hash_of(some_record())};
    std::size_t n = 1;
    const auto with = [&](auto change) {
        auto r = some_record();
        change(r);
        hashes.insert(hash_of(r));
        ++n;
    };
    with([](auto& r) { r.chain.value = 4; });
    with([](auto& r) { r.segment.value = 3; });
    with([](auto& r) { ++r.trajectory; });
    with([](auto& r) { r.previous[31] ^= 1; });
    with([](auto& r) { ++r.state.a; });
    with([](auto& r) { ++r.state.b; });
    with([](auto& r) { r.measured = false; });
    with([](auto& r) { r.observed.accepted = false; });
    for (const auto field : {&trajectory_observables::plaquette_spatial, &trajectory_observables::plaquette_temporal,
                             &trajectory_observables::action_density, &trajectory_observables::polyakov_re,
                             &trajectory_observables::polyakov_im, &trajectory_observables::delta_h,
                             &trajectory_observables::exp_minus_delta_h})
        with([&](auto& r) { r.observed.*field = std::nextafter(r.observed.*field, 100.0); });
    CHECK(hashes.size() == n);
}

TEST_CASE("bytes that are cut, prolonged or of a newer version are refused") {
    const auto bytes = encode(some_record());
    for (std::size_t n = 0; n < bytes.size(); ++n) {
        const auto cut = decode_record(std::span<const std::byte>(bytes).first(n));
        REQUIRE(!cut);
        CHECK(cut.reason().code == errc::malformed);
    }
    auto longer = bytes;
    longer.push_back(std::byte{0});
    CHECK(!decode_record(longer));
    auto newer = bytes;
    newer[0] = std::byte{2};
    REQUIRE(!decode_record(newer));
    CHECK(decode_record(newer).reason().code == errc::version_too_new);
    CHECK(!decode_record(newer).reason().hint.empty());
}

TEST_CASE("keys and genesis hashes differ between chains and seeds, and are functions of both") {
    std::set<std::uint64_t> keys;
    std::set<digest> beginnings;
    for (const char* seed : {"", "a", "b", "ab", "metalforge"})
        for (std::uint32_t c = 0; c < 200; ++c) {
            keys.insert(rng_key(seed, chain_id{c}));
            beginnings.insert(genesis_hash(seed, chain_id{c}));
        }
    CHECK(keys.size() == 1000);
    CHECK(beginnings.size() == 1000);
    CHECK(rng_key("a", chain_id{1}) == rng_key("a", chain_id{1}));
    CHECK(genesis_hash("a", chain_id{1}) == genesis_hash("a", chain_id{1}));
}

TEST_CASE("the key is the first eight bytes of the documented SHA-256, little-endian") {
    const auto d = sha256_of(byte_writer{}.text("metalforge rng key 1").text("seed").u32(7).bytes());
    std::uint64_t key = 0;
    for (std::size_t i = 8; i-- > 0;)
        key = key << 8 | d[i];
    CHECK(rng_key("seed", chain_id{7}) == key);
}

TEST_CASE("a summary counts measured trajectories only, and its numbers are theirs") {
    std::vector<physics_record> records;
    for (int k = 0; k < 300; ++k) {
        auto r = some_record();
        r.measured = k >= 100;
        const double wave = std::sin(1.7 * k);
        r.observed.plaquette_spatial = r.measured ? 0.5 + 0.01 * wave : 9.0;
        r.observed.plaquette_temporal = r.measured ? 0.6 + 0.01 * wave : 9.0;
        r.observed.polyakov_re = 0.3;
        r.observed.polyakov_im = -0.4;
        r.observed.accepted = k % 4 != 0;
        records.push_back(r);
    }
    const auto s = summarise(records, {{2, 2, 2, 4}});
    CHECK(s.n == 200);
    CHECK(s.plaquette.n == 200);
    CHECK(s.plaquette.mean == Approx(0.5 * (s.plaquette_spatial.mean + s.plaquette_temporal.mean)).epsilon(1e-13));
    CHECK(s.plaquette.mean == Approx(0.55).margin(2e-3));
    CHECK(s.acceptance.mean == Approx(0.75));
    CHECK(s.polyakov_abs.mean == Approx(0.5));
    CHECK(*s.polyakov_abs.error == 0.0);
    CHECK(s.chi_polyakov.mean == Approx(0.0).margin(1e-25));
    CHECK(s.chi_plaquette.mean == Approx(32.0 * 0.5e-4).epsilon(0.05)); // V times the variance of a sine of height 0.01
    CHECK(s.polyakov_re.mean == Approx(0.3));
    CHECK(s.polyakov_im.mean == Approx(-0.4));
    CHECK(s.action_density.mean == Approx(15.4));

    const auto none = summarise(std::span(records).first(50), {{2, 2, 2, 4}});
    CHECK(none.n == 0);
    CHECK(std::isnan(none.plaquette.mean));
    CHECK(!none.plaquette.error);
}
