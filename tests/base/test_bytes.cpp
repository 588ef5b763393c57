// SPDX-License-Identifier: AGPL-3.0-only
// SHA-256, hex, canonical bytes, errors and names.
#include "libactors/base/contract.hpp"
#include "libactors/base/error.hpp"
#include "libactors/base/hash.hpp"
#include "libactors/base/ids.hpp"
#include "libactors/base/result.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <random>
#include <set>

using namespace forge;

TEST_CASE("SHA-256 gives the vectors of FIPS 180-4") {
    CHECK(to_hex(sha256_of("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(to_hex(sha256_of("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(to_hex(sha256_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(to_hex(sha256_of(std::string(1000000, 'a'))) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("SHA-256 in pieces is SHA-256 of the whole") {
    const std::string text(1000, 'x');
    const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
    for (const std::size_t cut : {0u, 1u, 63u, 64u, 65u, 999u, 1000u}) {
        sha256 h;
        h.add(bytes.first(cut)).add(bytes.subspan(cut));
        CHECK(h.finish() == sha256_of(text));
    }
}

TEST_CASE("hex and back is the identity; what is not 64 digits gives zero") {
    std::mt19937 generator(41);
    for (int k = 0; k < 100; ++k) {
        digest d;
        for (auto& b : d)
            b = static_cast<std::uint8_t>(generator());
        CHECK(digest_from_hex(to_hex(d)) == d);
    }
    const std::string good = to_hex(sha256_of("abc"));
    CHECK(digest_from_hex(good.substr(1)) == digest{});
    CHECK(digest_from_hex(good + "0") == digest{});
    CHECK(digest_from_hex("") == digest{});
    for (std::size_t k = 0; k < good.size(); k += 7) {
        auto bad = good;
        bad[k] = 'g';
        CHECK(digest_from_hex(bad) == digest{});
    }
}

namespace {

std::vector<std::byte> one_of_each() {
    return byte_writer{}.u8(200).u32(0xdeadbeef).u64(0x0123456789abcdefu).f64(-0.0).text("chain").hash(sha256_of("abc")).bytes();
}

} // namespace

TEST_CASE("what byte_writer wrote byte_reader reads") {
    const auto bytes = one_of_each();
    CHECK(bytes.size() == 1 + 4 + 8 + 8 + 4 + 5 + 32);
    byte_reader in(bytes);
    CHECK(in.u8() == 200);
    CHECK(in.u32() == 0xdeadbeef);
    CHECK(in.u64() == 0x0123456789abcdefu);
    const double zero = in.f64();
    CHECK((zero == 0.0 && std::signbit(zero)));
    CHECK(in.text() == "chain");
    CHECK(in.hash() == sha256_of("abc"));
    CHECK(in.ok());
    CHECK(in.at_end());
}

TEST_CASE("numbers are little-endian at fixed width and texts carry their length") {
    const auto bytes = byte_writer{}.u32(0x04030201).text("ab").bytes();
    const std::vector<std::byte> expected{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}, std::byte{2},
                                          std::byte{0}, std::byte{0}, std::byte{0}, std::byte{'a'}, std::byte{'b'}};
    CHECK(bytes == expected);
}

TEST_CASE("doubles survive to the bit, not-a-number included") {
    for (const double v : {0.1, -1e308, 5e-324, std::numeric_limits<double>::infinity(), std::nan("")}) {
        const auto bytes = byte_writer{}.f64(v).bytes();
        CHECK(std::bit_cast<std::uint64_t>(byte_reader(bytes).f64()) == std::bit_cast<std::uint64_t>(v));
    }
}

TEST_CASE("a truncated byte string is noticed wherever it ends, and yields zeros from there on") {
    const auto bytes = one_of_each();
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        byte_reader in(std::span<const std::byte>(bytes).first(length));
        (void)in.u8();
        (void)in.u32();
        (void)in.u64();
        (void)in.f64();
        (void)in.text();
        const digest d = in.hash();
        INFO("first " << length << " bytes");
        CHECK(!in.ok());
        CHECK(d == digest{});
        CHECK(in.u64() == 0);
        CHECK(in.text().empty());
        CHECK(!in.ok());
    }
}

TEST_CASE("a text that claims more bytes than there are is refused without allocating them") {
    const auto bytes = byte_writer{}.u32(0xffffffffu).u8('x').bytes();
    byte_reader in(bytes);
    CHECK(in.text().empty());
    CHECK(!in.ok());
}

TEST_CASE("every error code has its own name, an exit code and a reaction") {
    std::set<std::string_view> names;
    for (int k = 0; k <= static_cast<int>(errc::internal); ++k) {
        const auto code = static_cast<errc>(k);
        names.insert(name_of(code));
        CHECK(exit_code_of(code) != 0);
        CHECK(static_cast<int>(reaction_of(code)) <= static_cast<int>(reaction::stop));
    }
    CHECK(names.size() == static_cast<std::size_t>(errc::internal) + 1);
}

TEST_CASE("an error prints what, where and what to try, and leaves out what is not known") {
    const error e{errc::no_space, "the disk is full", "ledger.db", "free some space"};
    const auto text = to_text(e);
    for (const char* part : {"error[no_space]", "the disk is full", "ledger.db", "free some space"})
        CHECK(text.find(part) != std::string::npos);
    CHECK(to_text(error{errc::internal, "x", "", ""}) == "error[internal]: x");
    CHECK(std::string(failure(e).what()) == text);
    CHECK(failure(e).reason() == e);
}

TEST_CASE("a result holds a value or its reason, and asking for the other breaks the contract") {
    const result<int> good(5);
    const result<int> bad(error{errc::not_found, "no", "", ""});
    CHECK(good.ok());
    CHECK(*good == 5);
    CHECK_THROWS_AS(good.reason(), contract_broken);
    CHECK(!bad);
    CHECK(bad.reason().code == errc::not_found);
    CHECK_THROWS_AS(bad.value(), contract_broken);
    CHECK_THROWS_AS(result<int>(bad).or_throw(), failure);
    CHECK_THROWS_AS(result<void>(bad.reason()).or_throw(), failure);
    CHECK_NOTHROW(result<void>().or_throw());
}

TEST_CASE("chain names read back, and nothing else reads as one") {
    for (const std::uint32_t k : {0u, 7u, 4095u})
        CHECK(chain_from_text(to_text(chain_id{k})) == chain_id{k});
    CHECK(chain_from_text("3") == chain_id{3});
    for (const char* wrong : {"", "c", "c-1", "c1x", "x1", "c 1", "4294967296", "cc1"})
        CHECK(!chain_from_text(wrong));
    CHECK(to_text(segment_no{2}) == "s2");
}
