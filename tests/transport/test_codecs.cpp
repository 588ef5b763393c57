// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/frame.hpp"
#include "libactors/transport/hello.hpp"
#include "libactors/transport/join_message.hpp"
#include "libactors/transport/random.hpp"
#include "libactors/transport/stream_message.hpp"

#include <catch2/catch.hpp>

namespace forge {

namespace {

hello a_hello() {
    hello h;
    h.node_id = random_array<16>();
    h.incarnation = random_array<16>();
    h.name = "alpha";
    h.cluster = "lab";
    return h;
}

/// Every shorter text, and one byte more, is refused; a flipped bit never reads past the end.
template <class Decode>
void require_exact(std::vector<std::byte> bytes, Decode decode) {
    CHECK(decode(bytes));
    for (std::size_t n = 0; n < bytes.size(); ++n)
        CHECK_FALSE(decode(std::vector<std::byte>(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n))));
    bytes.push_back(std::byte{0});
    CHECK_FALSE(decode(bytes));
}

frame_header header(std::uint8_t type, std::uint32_t length) { return {static_cast<frame_type>(type), length}; }

} // namespace

TEST_CASE("decode(encode(hello)) == hello, exactly and nothing else") {
    hello h = a_hello();
    CHECK(decode_hello(encode(h)).or_throw() == h);
    require_exact(encode(h), [](const std::vector<std::byte>& b) { return decode_hello(b).ok(); });
    h.kind = connection_kind::data;
    h.role = stream_role::receive;
    h.transfer = 7;
    h.versions = {2, 9};
    h.name = std::string(63, 'n');
    h.cluster = std::string(63, 'c');
    CHECK(encode(h).size() == hello_bytes_max);
    CHECK(decode_hello(encode(h)).or_throw() == h);
}

TEST_CASE("a hello that contradicts itself names the field") {
    const auto field = [](const hello& h) { return decode_hello(encode(h)).reason().where; };
    hello h = a_hello();
    h.transfer = 1;
    CHECK(field(h) == "kind");
    h = a_hello(), h.kind = connection_kind::data;
    CHECK(field(h) == "kind");
    h = a_hello(), h.name = "No Name";
    CHECK(field(h) == "name");
    h = a_hello(), h.cluster = "x/y";
    CHECK(field(h) == "cluster");
    h = a_hello(), h.versions = {3, 2};
    CHECK(field(h) == "versions");
    auto bytes = encode(a_hello());
    bytes[0] = std::byte{'X'};
    CHECK(decode_hello(bytes).reason().where == "magic");
}

TEST_CASE("versions are agreed on, or refused in words with both ranges") {
    CHECK(agree_on_version({1, 3}, {2, 5}).or_throw() == 3);
    CHECK(agree_on_version({2, 5}, {1, 3}).or_throw() == 3);
    CHECK(agree_on_version({1, 1}, {1, 1}).or_throw() == 1);
    const auto old = agree_on_version({1, 2}, {3, 4});
    REQUIRE_FALSE(old.ok());
    CHECK(old.reason().code == errc::version_too_new);
    CHECK_THAT(old.reason().what, Catch::Contains("versions 1 to 2") && Catch::Contains("versions 3 to 4"));
    CHECK(old.reason().hint == "upgrade this node");
    CHECK(agree_on_version({3, 4}, {1, 1}).reason().hint == "upgrade the peer");
}

TEST_CASE("a frame header says a known type with a possible length") {
    for (const auto& good : {header(1, 60), header(2, 1), header(2, 65536), header(3, 8), header(5, 0), header(34, 1u << 20)})
        CHECK(decode_frame_header(encode(good)) == good);
    for (const auto& bad : {header(0, 0), header(2, 0), header(2, 65537), header(3, 9), header(4, 7), header(5, 1), header(1, 4000),
                            header(77, 8), header(1, 0xffffff), header(33, 0)})
        CHECK_FALSE(decode_frame_header(encode(bad)).has_value());
}

TEST_CASE("join messages round-trip and are consumed exactly") {
    join_ask ask{spoken_versions, 42, sha256_of("p"), "beta", "request"};
    CHECK(decode_join_ask(encode(ask)).or_throw() == ask);
    require_exact(encode(ask), [](const std::vector<std::byte>& b) { return decode_join_ask(b).ok(); });
    join_grant grant{sha256_of("q"), "lab", "certificate", "authority", allow_list().with(sha256_of("x"), "x").or_throw()};
    CHECK(decode_join_grant(encode(grant)).or_throw() == grant);
    require_exact(encode(grant), [](const std::vector<std::byte>& b) { return decode_join_grant(b).ok(); });
    ask.request_pem = std::string(request_bytes_max + 1, 'r');
    CHECK_FALSE(decode_join_ask(encode(ask)).ok());
    // A text that announces 4 GiB is cut by what is there.
    auto bytes = encode(join_ask{spoken_versions, 1, {}, "a", "b"});
    for (std::size_t k = bytes.size() - 5; k < bytes.size() - 1; ++k)
        bytes[k] = std::byte{0xff};
    CHECK_FALSE(decode_join_ask(bytes).ok());
}

TEST_CASE("messages of the data stream keep to the offer") {
    const stream_offer offer{3 * chunk_bytes_min - 5, static_cast<std::uint32_t>(chunk_bytes_min)};
    CHECK(offer.chunks() == 3);
    CHECK(offer.bytes_of(2) == chunk_bytes_min - 5);
    CHECK(stream_offer{0, chunk_bytes_min}.chunks() == 0);
    CHECK(decode_stream_offer(encode(offer)) == offer);
    CHECK_FALSE(decode_stream_offer(encode(stream_offer{stream_bytes_max + 1, chunk_bytes_min})).has_value());
    CHECK_FALSE(decode_stream_offer(encode(stream_offer{1, 4096})).has_value());
    CHECK_FALSE(decode_stream_offer(encode(stream_offer{1, 2u << 20})).has_value());
    CHECK(decode_stream_want(encode(stream_want{3, 1}), offer).has_value());
    CHECK_FALSE(decode_stream_want(encode(stream_want{4, 1}), offer).has_value());
    CHECK_FALSE(decode_stream_want(encode(stream_want{0, 0}), offer).has_value());
    CHECK_FALSE(decode_stream_want(encode(stream_want{0, window_max + 1}), offer).has_value());
    const auto chunk = encode(chunk_header{2, random_array<16>()});
    const std::size_t full = chunk_header_bytes + chunk_bytes_min;
    CHECK(decode_chunk_header(chunk, offer, 2, full - 5).has_value());
    CHECK_FALSE(decode_chunk_header(chunk, offer, 2, full).has_value());
    CHECK_FALSE(decode_chunk_header(chunk, offer, 1, full).has_value());
    CHECK_FALSE(decode_chunk_header(encode(chunk_header{3, {}}), offer, 3, full).has_value());
}

} // namespace forge
