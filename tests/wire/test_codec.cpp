// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/checkpoint/checkpoint_store.hpp"
#include "tests/wire/wire_fixture.hpp"

#include <chrono>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

using namespace forge;
using namespace forge::testing;
using Catch::Matchers::Contains;

TEST_CASE("decode(encode(state)) == state, bit by bit") {
    for (const extents& l :
         {extents{{4, 4, 4, 4}}, extents{{8, 8, 8, 4}}, extents{{2, 3, 4, 5}}, extents{{1, 1, 1, 1}}}) {
        INFO(to_text(l));
        const auto state = toy_state(l);
        const auto bytes = encoded(state);
        const auto back = decode_checkpoint(bytes);
        if (!back)
            FAIL(to_text(back.reason()));
        CHECK(same_bits(*back, state));
        CHECK(encoded(*back) == bytes);
    }
}

TEST_CASE("a state without a target error and with empty texts survives as well") {
    auto state = toy_state({{2, 2, 2, 2}});
    state.params.target_error.reset();
    state.params.integrator = integrator_kind::omelyan2;
    state.campaign_seed.clear();
    state.provenance = std::string("zero \0 inside, \xff no text at all", 30);
    state.trajectory = UINT64_MAX;
    const auto back = decode_checkpoint(encoded(state));
    REQUIRE(back.ok());
    CHECK(same_bits(*back, state));
}

TEST_CASE("the manifest says everything but the links") {
    const auto state = toy_state({{2, 3, 4, 5}});
    const auto bytes = encoded(state, {"numerics 12"});
    const auto m = read_manifest(bytes);
    REQUIRE(m.ok());
    CHECK(m->format_version == 1);
    CHECK(m->shape == state.links.shape());
    CHECK(m->action == "wilson");
    CHECK(m->numerics_version == "numerics 12");
    CHECK(m->chain == state.chain);
    CHECK(m->campaign_seed == state.campaign_seed);
    CHECK(m->rng_key == rng_key(state.campaign_seed, state.chain));
    CHECK(m->segment == state.segment);
    CHECK(m->segment_first == 101);
    CHECK(m->params == state.params);
    CHECK(m->trajectory == 137);
    CHECK(m->head == state.head);
    CHECK(m->state == state.state);
    CHECK(m->plaquette.all() == state.plaquette.all());
    CHECK(m->provenance == state.provenance);
    CHECK(m->n_chunks == 1);
    // It is enough to have the front of the file.
    CHECK(read_manifest(std::span(bytes).first(message_starts(bytes)[1])).ok());
    CHECK(read_manifest(std::span(bytes).first(100)).reason().code == errc::malformed);
    CHECK(read_manifest({}).reason().code == errc::malformed);
}

TEST_CASE("every field lies where docs/formats/checkpoint.md says") {
    const auto state = toy_state({{2, 3, 4, 5}});
    const auto file = encoded(state);
    const std::span<const std::byte> all(file);
    const auto u32 = [&](std::size_t at) { return byte_reader(all.subspan(at)).u32(); };
    const auto u64 = [&](std::size_t at) { return byte_reader(all.subspan(at)).u64(); };
    const auto f64 = [&](std::size_t at) { return byte_reader(all.subspan(at)).f64(); };
    const auto digest_at = [&](std::size_t at) { return byte_reader(all.subspan(at)).hash(); };
    const auto pointed = [&](std::size_t pointer) { // first byte and length of what a pointer to bytes points to
        const auto p = u64(pointer);
        CHECK((p & 3) == 1);
        CHECK(((p >> 32) & 7) == 2);
        return all.subspan(pointer + 8 + ((p >> 2) & 0x3fffffff) * 8, p >> 35);
    };
    const auto text = [&](std::size_t pointer) {
        const auto bytes = pointed(pointer);
        CHECK(bytes.back() == std::byte{0});
        return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size() - 1);
    };
    CHECK(std::memcmp(file.data() + 16, "MFCHKPT", 8) == 0);
    CHECK(u32(0) == 0);
    CHECK(u32(24) == 1);
    CHECK(u32(28) == state.chain.value);
    CHECK(std::array{u32(32), u32(36), u32(40), u32(44)} == state.links.shape().n);
    CHECK(u32(48) == 1);
    CHECK(u32(52) == state.segment.value);
    CHECK(u64(56) == state.segment_first);
    CHECK(u64(64) == state.trajectory);
    CHECK(u64(72) == rng_key(state.campaign_seed, state.chain));
    CHECK(u64(80) == state.state.a);
    CHECK(u64(88) == state.state.b);
    CHECK(f64(96) == state.plaquette.spatial);
    CHECK(f64(104) == state.plaquette.temporal);
    CHECK(f64(112) == state.params.beta);
    CHECK(f64(120) == state.params.trajectory_length);
    CHECK(f64(128) == state.params.target_error);
    CHECK(u32(136) == state.params.n_steps);
    CHECK(u32(140) == state.params.n_thermalise);
    CHECK(u32(144) == state.params.n_measure);
    CHECK(file[148] == static_cast<std::byte>(state.params.integrator));
    CHECK(file[149] == std::byte{1});
    CHECK(u32(152) == state.params.n_warmup);
    CHECK(file[150] == static_cast<std::byte>(state.params.precision.strategy));
    CHECK(f64(160) == state.params.precision.df64_share);
    CHECK(std::ranges::equal(pointed(168), std::as_bytes(std::span(state.head))));
    CHECK(text(176) == "wilson");
    CHECK(text(184) == std::to_string(numerics_version));
    CHECK(text(192) == state.campaign_seed);
    CHECK(text(200) == state.provenance);
    CHECK(pointed(168).data() == file.data() + 208);

    const std::size_t chunk = message_starts(file)[1], trailer = file.size() - 64;
    CHECK(u32(chunk + 16) == 0);
    CHECK(u32(chunk + 20) == 20);
    CHECK(u64(chunk + 24) == 0);
    const auto links = std::as_bytes(state.links.reals());
    CHECK(digest_at(chunk + 48) == sha256_of(links));
    CHECK(pointed(chunk + 32).data() == file.data() + chunk + 48);
    CHECK(pointed(chunk + 40).data() == file.data() + chunk + 80);
    CHECK(std::ranges::equal(pointed(chunk + 40), links));
    CHECK(chunk % 8 == 0);
    CHECK(trailer == chunk + 80 + links.size());
    CHECK(u32(trailer + 4) == 7);
    CHECK(u64(trailer + 16) == file.size());
    CHECK(digest_at(trailer + 32) == sha256_of(all.first(trailer)));
}

TEST_CASE("bytes that are not aligned decode to the same state") {
    const auto state = toy_state({{2, 2, 2, 2}});
    const auto bytes = encoded(state);
    for (std::size_t shift = 1; shift < 8; ++shift) {
        byte_string moved(shift);
        moved.insert(moved.end(), bytes.begin(), bytes.end());
        const auto back = decode_checkpoint(std::span(moved).subspan(shift));
        REQUIRE(back.ok());
        CHECK(same_bits(*back, state));
    }
}

TEST_CASE("lattices are cut into whole time slices of at most 16 MiB") {
    // 24 x 24 x 24 sites: a slice is 7.6 MiB, two go into a chunk.
    chain_state state = toy_state({{1, 1, 1, 1}});
    state.links = cold_start({{24, 24, 24, 5}});
    state.plaquette = host_plaquette(state.links);
    std::size_t largest = 0;
    byte_string bytes;
    const auto done = encode_checkpoint(state, [&](std::span<const std::byte> piece) -> result<void> {
        largest = std::max(largest, piece.size());
        bytes.insert(bytes.end(), piece.begin(), piece.end());
        return {};
    });
    REQUIRE(done.ok());
    CHECK(read_manifest(bytes)->n_chunks == 3);
    CHECK(largest < (16u << 20) + 4096);
    const auto back = decode_checkpoint(bytes);
    REQUIRE(back.ok());
    CHECK(same_bits(*back, state));
}

TEST_CASE("a time slice beyond 16 MiB is cut into whole z-planes") {
    // 64 x 64 x 10 sites: a slice is 22.5 MiB, a plane 2.25 MiB, seven planes go into a chunk.
    chain_state state = toy_state({{1, 1, 1, 1}});
    state.links = cold_start({{64, 64, 10, 2}});
    state.plaquette = {1.0, 1.0};
    const auto bytes = encoded(state);
    CHECK(read_manifest(bytes)->n_chunks == 3); // 7 + 7 + 6 planes
    const auto starts = message_starts(bytes);
    REQUIRE(starts.size() == 6);
    CHECK(starts[2] - starts[1] < (16u << 20) + 4096);
    const auto back = decode_checkpoint(bytes);
    REQUIRE(back.ok());
    CHECK(same_bits(*back, state));
}

TEST_CASE("what cannot be written is refused") {
    const auto refuse = [](const chain_state& s, const encode_options& options = {}) {
        std::size_t called = 0;
        const auto done = encode_checkpoint(
            s,
            [&](std::span<const std::byte>) -> result<void> {
                ++called;
                return {};
            },
            options);
        CHECK(called == 0);
        return done ? errc::internal : done.reason().code;
    };
    auto state = toy_state({{2, 2, 2, 2}});
    state.provenance = std::string(65537, 'p');
    CHECK(refuse(state) == errc::invalid_argument);
    state = toy_state({{2, 2, 2, 2}});
    state.campaign_seed = std::string(4097, 's');
    CHECK(refuse(state) == errc::invalid_argument);
    state = toy_state({{2, 2, 2, 2}});
    CHECK(refuse(state, {std::string(4097, 'n')}) == errc::invalid_argument);
    CHECK(refuse(chain_state{}) == errc::invalid_argument);

    state.provenance = std::string(65536, 'p'); // the longest texts still fit
    state.campaign_seed = std::string(4096, 's');
    CHECK(decode_checkpoint(encoded(state, {std::string(4096, 'n')})).ok());
}

TEST_CASE("the sink's error stops the encoding and comes out") {
    const auto state = toy_state({{2, 2, 2, 2}});
    for (int n = 0; n < 5; ++n) { // table, manifest, table, chunk, trailer
        int left = n, called = 0;
        const auto done = encode_checkpoint(state, [&](std::span<const std::byte>) -> result<void> {
            ++called;
            if (left-- == 0)
                return error{errc::no_space, "full", "", ""};
            return {};
        });
        REQUIRE_FALSE(done.ok());
        CHECK(done.reason().code == errc::no_space);
        CHECK(called == n + 1);
    }
}

TEST_CASE("a checkpoint goes through the store and is decoded from its mapping") {
    const auto folder = std::filesystem::temp_directory_path() / fmt::format("forge-wire-{}", ::getpid());
    const auto state = toy_state({{4, 4, 4, 4}});
    {
        auto store = checkpoint_store::open(folder);
        REQUIRE(store.ok());
        const auto source = [&](const chain_state& s) {
            return [&s](const byte_sink& sink) { return encode_checkpoint(s, sink); };
        };
        const byte_verifier verify = [](std::span<const std::byte> bytes) -> result<void> {
            const auto decoded = decode_checkpoint(bytes);
            return decoded ? result<void>() : result<void>(decoded.reason());
        };
        const auto stored = store->put("c3-137.ckpt", source(state), verify);
        REQUIRE(stored.ok());
        CHECK(stored->hash == sha256_of(encoded(state)));
        // A state whose numbers do not fit its links does not become a file.
        auto wrong = state;
        wrong.plaquette.spatial += 1e-6;
        CHECK(store->put("c3-137.ckpt", source(wrong), verify).reason().code == errc::physics_mismatch);
        const auto file = store->map("c3-137.ckpt");
        REQUIRE(file.ok());
        const auto back = decode_checkpoint(file->bytes());
        REQUIRE(back.ok());
        CHECK(same_bits(*back, state));
    }
    std::filesystem::remove_all(folder);
}

TEST_CASE("cost of a 16^4 checkpoint", "[.][slow][bench]") {
    using clock = std::chrono::steady_clock;
    const auto seconds = [](clock::time_point from) {
        return std::chrono::duration<double>(clock::now() - from).count();
    };
    const auto folder = std::filesystem::temp_directory_path() / fmt::format("forge-wire-bench-{}", ::getpid());
    const auto state = toy_state({{16, 16, 16, 16}});
    auto start = clock::now();
    const auto bytes = encoded(state);
    WARN("encode " << bytes.size() << " bytes: " << seconds(start) << " s");
    start = clock::now();
    CHECK(decode_checkpoint(bytes).ok());
    WARN("decode and check: " << seconds(start) << " s");
    {
        auto store = checkpoint_store::open(folder);
        REQUIRE(store.ok());
        start = clock::now();
        const auto stored = store->put(
            "x", [&](const byte_sink& sink) { return encode_checkpoint(state, sink); },
            [](std::span<const std::byte> b) -> result<void> {
                const auto decoded = decode_checkpoint(b);
                return decoded ? result<void>() : result<void>(decoded.reason());
            });
        CHECK(stored.ok());
        WARN("put with encode, fsync and verify: " << seconds(start) << " s");
    }
    std::filesystem::remove_all(folder);
}
