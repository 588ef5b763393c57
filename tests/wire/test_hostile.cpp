// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/wire/wire_fixture.hpp"

#include <fmt/format.h>
#include <limits>
#include <random>
#include <sys/resource.h>

using namespace forge;
using namespace forge::testing;
using Catch::Matchers::Contains;

namespace {

// Byte offsets of docs/formats/checkpoint.md: segment table 8, root pointer 8, then the struct's data.
constexpr std::size_t version_at = 16 + 8;
constexpr std::size_t chain_at = 16 + 12;
constexpr std::size_t extents_at = 16 + 16;
constexpr std::size_t chunks_at = 16 + 32;
constexpr std::size_t plaquette_at = 16 + 80;
constexpr std::size_t integrator_at = 16 + 132;
constexpr std::size_t links_in_chunk = 80;

bool flip_is_detected(byte_string& file, std::size_t bit) {
    const auto mask = static_cast<std::byte>(1u << (bit % 8));
    file[bit / 8] ^= mask;
    const auto decoded = decode_checkpoint(file);
    file[bit / 8] ^= mask;
    return !decoded.ok();
}

/// Largest resident memory of this process so far, in bytes.
std::size_t peak_memory() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::size_t>(usage.ru_maxrss) * 1024;
}

} // namespace

TEST_CASE("a random sample of single-bit flips of a checkpoint is detected, and every flip outside the links") {
    auto file = encoded(toy_state({{4, 4, 4, 4}}));
    const auto starts = message_starts(file);
    REQUIRE(starts.size() == 4);
    constexpr std::uint64_t seed = 99;
    std::mt19937_64 generator(seed);
    std::size_t tried = 0;
    for (; tried < 3000; ++tried)
        if (!flip_is_detected(file, generator() % (8 * file.size())))
            FAIL("a flip was not detected, seed " << seed << ", try " << tried);
    const auto all_of = [&](std::size_t from, std::size_t to) {
        for (std::size_t bit = 8 * from; bit < 8 * to; ++bit, ++tried)
            if (!flip_is_detected(file, bit))
                FAIL("bit " << bit << " is free");
    };
    all_of(0, 64);                                    // front of the manifest
    all_of(starts[1], starts[1] + links_in_chunk);    // chunk header
    all_of(file.size() - trailer_bytes, file.size()); // trailer
    CHECK(tried == 3000 + 8 * (64 + 80 + 64));
    CHECK(decode_checkpoint(file).ok());
}

TEST_CASE("every single-bit flip of a 4^4 checkpoint is detected", "[slow]") {
    auto file = encoded(toy_state({{4, 4, 4, 4}}));
    std::size_t detected = 0;
    for (std::size_t bit = 0; bit < 8 * file.size(); ++bit)
        detected += flip_is_detected(file, bit) ? 1u : 0u;
    WARN(detected << " of " << 8 * file.size() << " flips detected");
    CHECK(detected == 8 * file.size());
}

TEST_CASE("a checkpoint that was cut short anywhere is refused") {
    const auto file = encoded(toy_state({{4, 4, 4, 4}}));
    std::vector<std::size_t> lengths = message_starts(file);
    lengths.pop_back();
    for (std::size_t n = 0; n < file.size(); n += 997)
        lengths.push_back(n);
    for (const auto start : message_starts(file))
        for (std::size_t n : {start - 1, start + 1, start + 8})
            if (n < file.size())
                lengths.push_back(n);
    for (const auto n : lengths) {
        INFO(n << " of " << file.size() << " bytes");
        CHECK(refusal_of(byte_string(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(n))) == errc::malformed);
    }
    CHECK(lengths.size() > 150);
}

TEST_CASE("a checkpoint with anything appended or inserted is refused") {
    const auto file = encoded(toy_state({{2, 2, 2, 2}}));
    for (std::size_t extra : {1u, 7u, 8u, 64u}) {
        auto longer = file;
        longer.resize(longer.size() + extra);
        CHECK(refusal_of(longer) == errc::malformed);
    }
    auto twice = file;
    twice.insert(twice.end(), file.begin(), file.end());
    CHECK(refusal_of(twice) == errc::malformed);

    // Between the last chunk and the trailer, with a trailer that fits.
    auto padded = file;
    padded.insert(padded.end() - trailer_bytes, 16, std::byte{0});
    make_whole_again(padded);
    const auto decoded = decode_checkpoint(padded);
    REQUIRE_FALSE(decoded.ok());
    CHECK_THAT(decoded.reason().what, Contains("16 bytes between the last chunk and the trailer"));
}

TEST_CASE("chunks that are swapped, within a file or between two, are refused even under a trailer that fits") {
    chain_state a = toy_state({{1, 1, 1, 1}}), b = a;
    a.links = cold_start({{64, 64, 10, 2}}); // three chunks
    a.plaquette = {1.0, 1.0};
    auto file = encoded(a);
    const auto starts = message_starts(file);
    const auto at = [&](std::size_t k) { return file.begin() + static_cast<std::ptrdiff_t>(starts[k]); };
    REQUIRE(starts[2] - starts[1] == starts[3] - starts[2]);
    std::swap_ranges(at(1), at(2), at(2));
    CHECK(refusal_of(file) == errc::checksum_mismatch);
    make_whole_again(file);
    CHECK(refusal_of(file) == errc::malformed);

    b.links = random_field({{2, 2, 2, 2}}, 1);
    b.plaquette = host_plaquette(b.links);
    auto c = b;
    c.links = random_field({{2, 2, 2, 2}}, 2);
    c.plaquette = host_plaquette(c.links);
    auto first = encoded(b);
    const auto second = encoded(c);
    const auto borders = message_starts(first);
    std::copy(second.begin() + static_cast<std::ptrdiff_t>(borders[1]),
              second.begin() + static_cast<std::ptrdiff_t>(borders[2]),
              first.begin() + static_cast<std::ptrdiff_t>(borders[1]));
    CHECK(refusal_of(first) == errc::checksum_mismatch);
    make_whole_again(first);
    CHECK(refusal_of(first) == errc::physics_mismatch); // a valid chunk, of other links
}

TEST_CASE("links that were changed under hashes that fit are found by the physics") {
    auto state = toy_state({{2, 2, 2, 2}});
    SECTION("not unitary") {
        state.links.reals()[5] += 1e-9;
    }
    SECTION("not a number") {
        state.links.reals()[5] = std::numeric_limits<double>::quiet_NaN();
    }
    SECTION("infinite") {
        state.links.reals()[5] = std::numeric_limits<double>::infinity();
    }
    SECTION("unitary with the wrong determinant") {
        su3 u = state.links.link(3, 2);
        for (std::size_t k = 0; k < 3; ++k)
            u.e[k] = -u.e[k];
        state.links.set_link(3, 2, u);
    }
    SECTION("the determinant alone") {
        for (std::size_t s = 0; s < state.links.shape().volume(); ++s) // minus every x link of an even lattice
            for (std::size_t k = 0; k < reals_per_link; ++k)
                state.links.reals()[s * 4 * reals_per_link + k] *= -1.0;
        state.plaquette = host_plaquette(state.links);
        const auto refused = decode_checkpoint(encoded(state));
        REQUIRE_FALSE(refused.ok());
        CHECK_THAT(refused.reason().what, Contains("|det U - 1| up to 2"));
    }
    SECTION("other links of the group") {
        state.links.set_link(3, 2, state.links.link(2, 1));
    }
    SECTION("another plaquette") {
        state.plaquette.temporal += 1e-11;
    }
    SECTION("a plaquette that is not a number") {
        state.plaquette.temporal = std::numeric_limits<double>::quiet_NaN();
    }
    const auto decoded = decode_checkpoint(encoded(state));
    REQUIRE_FALSE(decoded.ok());
    CHECK(decoded.reason().code == errc::physics_mismatch);
    CHECK_FALSE(decoded.reason().hint.empty());
}

TEST_CASE("a chunk whose hash does not fit its links is refused even under a trailer that fits") {
    auto file = encoded(toy_state({{2, 2, 2, 2}}));
    file[message_starts(file)[1] + 50] ^= std::byte{1};
    make_whole_again(file);
    CHECK(refusal_of(file) == errc::checksum_mismatch);
}

TEST_CASE("a newer format is refused by its number, by every reader") {
    auto file = encoded(toy_state({{2, 2, 2, 2}}));
    put_u32(file, version_at, 2);
    const auto check = [&] {
        const auto decoded = decode_checkpoint(file);
        REQUIRE_FALSE(decoded.ok());
        CHECK(decoded.reason().code == errc::version_too_new);
        CHECK_THAT(decoded.reason().what, Contains("format 2"));
        CHECK(read_manifest(file).reason().code == errc::version_too_new);
    };
    SECTION("with the trailer of today") {
        make_whole_again(file);
        check();
    }
    SECTION("with a trailer that we do not know") {
        check();
    }
    SECTION("there is no version 0") {
        put_u32(file, version_at, 0);
        make_whole_again(file);
        CHECK(refusal_of(file) == errc::malformed);
    }
}

TEST_CASE("claims that do not fit are refused before memory is taken") {
    const auto good = encoded(toy_state({{2, 2, 2, 2}}));
    const auto starts = message_starts(good);
    const std::size_t before = peak_memory();
    std::size_t tried = 0;
    const auto refused = [&](auto&& tamper) {
        auto file = good;
        tamper(file);
        ++tried;
        CHECK(refusal_of(file) != errc::internal);
        make_whole_again(file);
        CHECK(refusal_of(file) != errc::internal);
        static_cast<void>(read_manifest(file)); // must survive, whatever it says
    };
    for (std::uint32_t huge : {0u, 1u, 0x7fffffffu, 0x80000000u, 0xfffffffeu, 0xffffffffu}) {
        for (std::size_t message = 0; message + 1 < starts.size(); ++message) {
            refused([&](byte_string& f) { put_u32(f, starts[message] + 4, huge); }); // words in the segment
            if (huge != 0)
                refused([&](byte_string& f) { put_u32(f, starts[message], huge); }); // segments
        }
        for (std::size_t mu = 0; mu < 4; ++mu)
            refused([&](byte_string& f) { put_u32(f, extents_at + 4 * mu, huge); });
        refused([&](byte_string& f) {
            for (std::size_t mu = 0; mu < 4; ++mu)
                put_u32(f, extents_at + 4 * mu, huge == 1 ? 1024 : huge);
        });
        if (huge != 1)
            refused([&](byte_string& f) { put_u32(f, chunks_at, huge); });
    }
    refused([](byte_string& f) { put_u32(f, chain_at, 4); }); // the random-number key is another chain's
    refused([](byte_string& f) { f[integrator_at] = std::byte{9}; });
    refused([](byte_string& f) { put_f64(f, plaquette_at, 1e300); });
    refused([](byte_string& f) { f[16] ^= std::byte{1}; }); // magic
    CHECK(tried > 70);
    CHECK(peak_memory() - before < (64u << 20));
}

TEST_CASE("parameters that are no numbers are refused, under hashes that fit") {
    const auto refused = [](auto change) {
        auto s = toy_state(extents{{2, 2, 2, 2}});
        change(s.params);
        return refusal_of(encoded(s)) == errc::malformed;
    };
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(refused([&](auto& p) { p.beta = nan; }));
    CHECK(refused([&](auto& p) { p.trajectory_length = nan; }));
    CHECK(refused([](auto& p) { p.trajectory_length = 0.0; }));
    CHECK(refused([](auto& p) { p.n_steps = 0; }));
    CHECK(refused([&](auto& p) { p.precision.df64_share = nan; }));
    CHECK(refused([](auto& p) { p.precision.df64_share = 1.5; }));
    CHECK(refused([](auto& p) { p.target_error = -1.0; }));
    CHECK_FALSE(refused([](auto& p) { p.target_error.reset(); }));
}

TEST_CASE("limits of the reader hold") {
    const auto file = encoded(toy_state({{4, 4, 4, 4}}));
    decode_limits limits;
    limits.max_sites = 255;
    CHECK(refusal_of(file, limits) == errc::malformed);
    limits.max_sites = 256;
    CHECK(refusal_of(file, limits) == errc::internal);
    limits.max_bytes = file.size() - 1;
    CHECK(refusal_of(file, limits) == errc::malformed);
    limits = {};
    limits.unitarity = 0.0;
    CHECK(refusal_of(file, limits) == errc::physics_mismatch);
}

TEST_CASE("random damage under a trailer that fits never gets through as something else") {
    // Whoever can compute SHA-256 can write any file; nothing may crash, and what is accepted must be consistent.
    const auto state = toy_state({{2, 2, 2, 2}});
    const auto good = encoded(state);
    std::mt19937_64 generator(123);
    const auto front = message_starts(good)[1] + links_in_chunk;
    std::size_t accepted = 0;
    for (int k = 0; k < 20000; ++k) {
        auto file = good;
        for (std::uint64_t n = generator() % 4 + 1; n > 0; --n)
            file[generator() % front] = static_cast<std::byte>(generator());
        make_whole_again(file);
        if (const auto decoded = decode_checkpoint(file)) {
            ++accepted;
            REQUIRE(std::ranges::equal(std::as_bytes(decoded->links.reals()), std::as_bytes(state.links.reals())));
        }
    }
    CHECK(accepted < 20000);
}

TEST_CASE("bytes that are no checkpoint at all are refused") {
    std::mt19937_64 generator(5);
    for (std::size_t n : {0u, 1u, 8u, 63u, 64u, 65u, 1000u, 100000u}) {
        byte_string noise(n);
        for (auto& b : noise)
            b = static_cast<std::byte>(generator());
        CHECK(refusal_of(noise) == errc::malformed);
        CHECK(refusal_of(byte_string(n)) == errc::malformed);
        CHECK_FALSE(read_manifest(noise).ok());
    }
}
