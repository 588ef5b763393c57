// SPDX-License-Identifier: AGPL-3.0-only
// Program files: what is written is read, and whatever else is read is one clear error.
#include "libactors/learn/program_builder.hpp"
#include "libactors/wire/npu_program_codec.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <cstring>
#include <random>

using namespace forge;

namespace {

npu_program sample() {
    auto b = program_builder().name("conductor").shape({.inputs = 3, .units = 8, .connectivity = 1.0}).feature_version(1);
    b.add_head("thermalization", 1, head_activation::sigmoid).add_head("phase", 2, head_activation::softmax);
    b.readout("phase", std::vector<float>(16, 0.25f), {0.5f, -0.5f});
    return b.examples(std::vector<float>(22, 0.5f)).build().or_throw();
}

/// The file with other bytes at one place of the payload, and a hash that fits them.
std::vector<std::byte> rehashed(std::vector<std::byte> file, std::size_t payload_at) {
    const auto payload = std::span(file).subspan(payload_at);
    const auto hash = sha256_of(payload);
    std::memcpy(file.data() + payload_at - 32, hash.data(), hash.size()); // the hash stands before it
    return file;
}

} // namespace

TEST_CASE("a program comes back from its file, with its hash") {
    const auto p = sample();
    const auto file = encode_npu_program(p).or_throw();
    const auto back = decode_npu_program(file).or_throw();
    CHECK(back.program == p);
    CHECK(encode_npu_program(back.program).or_throw() == file);
    auto other = p;
    other.heads[0].weights[0] = 1e-3f;
    CHECK(decode_npu_program(encode_npu_program(other).or_throw()).or_throw().sha256 != back.sha256);
    std::vector<std::byte> shifted(file.size() + 1);
    std::copy(file.begin(), file.end(), shifted.begin() + 1);
    CHECK(decode_npu_program(std::span(shifted).subspan(1)).or_throw().program == p); // wherever it lies in memory
}

TEST_CASE("large programs fit their file") {
    auto b = program_builder().reservoir_dims(50, 512);
    for (int k = 0; k < 60; ++k)
        b.add_head("h" + std::to_string(k), 1 + static_cast<std::uint32_t>(k), head_activation::linear);
    const auto p = b.build().or_throw();
    CHECK(decode_npu_program(encode_npu_program(p).or_throw()).or_throw().program == p);
}

TEST_CASE("every cut of a program file is refused, and no flipped bit changes the program") {
    const auto p = sample();
    const auto file = encode_npu_program(p).or_throw();
    std::size_t harmless = 0; // pointers of the outer message have bits that say nothing new
    for (std::size_t bit = 0; bit < 8 * file.size(); ++bit) {
        auto bad = file;
        bad[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
        CAPTURE(bit);
        const auto read = decode_npu_program(bad);
        REQUIRE((!read || read->program == p));
        harmless += read.ok() ? 1 : 0;
    }
    CHECK(harmless <= 64); // three pointers hold 192 bits
    for (std::size_t n = 0; n < file.size(); ++n) {
        CAPTURE(n);
        REQUIRE_FALSE(decode_npu_program(std::span(file).first(n)).ok());
    }
    auto longer = file;
    longer.resize(file.size() + 8);
    CHECK_THAT(decode_npu_program(longer).reason().what, Catch::Contains("behind its end"));
}

TEST_CASE("each kind of damage has its own words") {
    const auto p = sample();
    const auto file = encode_npu_program(p).or_throw();
    auto bad = file;
    bad.back() ^= std::byte{1};
    CHECK(decode_npu_program(bad).reason().code == errc::checksum_mismatch);
    CHECK(decode_npu_program({}).reason().code == errc::malformed);
    // Outer message: segment table 8, root pointer 8, then magic 8, version 4.
    bad = file;
    bad[16] ^= std::byte{1};
    CHECK_THAT(decode_npu_program(bad).reason().what, Catch::Contains("not a program file"));
    bad = file;
    bad[24] = std::byte{2};
    CHECK(decode_npu_program(bad).reason().code == errc::version_too_new);
    CHECK_THAT(decode_npu_program(bad).reason().what, Catch::Contains("format 2 is newer than 1"));
    bad[24] = std::byte{0};
    CHECK(decode_npu_program(bad).reason().code == errc::malformed);
    // A payload with a hash that fits, and numbers that do not.
    const auto find = [&file](float value) {
        for (std::size_t k = file.size() - 4;; k -= 4) {
            float x = 0.0f;
            std::memcpy(&x, file.data() + k, 4);
            if (x == value)
                return k;
        }
    };
    std::size_t payload_at = 0;
    for (std::size_t k = 0; k + 32 <= file.size(); k += 8)
        if (const auto hash = sha256_of(std::span(file).subspan(k + 32)); std::memcmp(file.data() + k, hash.data(), 32) == 0)
            payload_at = k + 32;
    REQUIRE(payload_at != 0);
    bad = file;
    const float nan = std::nanf("");
    std::memcpy(bad.data() + find(0.25f), &nan, 4);
    const auto refused = decode_npu_program(rehashed(bad, payload_at));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.reason().code == errc::invalid_argument);
    CHECK_THAT(refused.reason().what, Catch::Contains("a weight of head phase is not a number"));
    auto unsound = p;
    unsound.reservoir.pop_back();
    CHECK(encode_npu_program(unsound).reason().code == errc::invalid_argument);
}

TEST_CASE("noise behind a hash that fits is refused or sound, and costs no more than its bytes") {
    const auto file = encode_npu_program(sample()).or_throw();
    std::size_t payload_at = 0;
    for (std::size_t k = 0; k + 32 <= file.size(); k += 8)
        if (const auto hash = sha256_of(std::span(file).subspan(k + 32)); std::memcmp(file.data() + k, hash.data(), 32) == 0)
            payload_at = k + 32;
    REQUIRE(payload_at != 0);
    std::mt19937 g(5);
    for (int trial = 0; trial < 20000; ++trial) {
        auto bad = file;
        for (int k = 0; k < 1 + trial % 4; ++k)
            bad[payload_at + g() % (bad.size() - payload_at)] = static_cast<std::byte>(g());
        const auto read = decode_npu_program(rehashed(bad, payload_at));
        if (read)
            REQUIRE(validate(read->program).ok());
    }
}
