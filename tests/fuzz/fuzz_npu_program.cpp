// SPDX-License-Identifier: AGPL-3.0-only
// A program file, and one whose hash fits: else nothing behind it would ever be reached. The input is the payload, too.
#include "tests/fuzz/fuzz.hpp"

#include "libactors/wire/npu_program_codec.hpp"

#include <cstring>
#include <vector>

namespace {

/// The file around a payload, by hand: segment table, root pointer, magic, version, two Data pointers, hash, payload.
std::vector<std::byte> file_around(std::span<const std::byte> payload) {
    const auto words = static_cast<std::uint32_t>((payload.size() + 7) / 8);
    const auto hash = forge::sha256_of(payload);
    forge::byte_writer w;
    w.u32(0).u32(1 + 2 + 2 + 4 + words);
    w.u64(0x0002'0002'0000'0000);     // a struct of two words and two pointers, right behind
    w.u64(0x00525055504e464d).u64(1); // magic, version
    w.u64(std::uint64_t{32} << 35 | 2ull << 32 | 1u << 2 | 1u);
    w.u64(std::uint64_t{payload.size()} << 35 | 2ull << 32 | 4u << 2 | 1u);
    w.hash(hash);
    auto bytes = w.bytes();
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    bytes.resize(8 * (1 + 1 + 2 + 2 + 4 + std::size_t{words}));
    return bytes;
}

} // namespace

FORGE_FUZZ(bytes) {
    (void)forge::decode_npu_program(bytes);
    const auto stored = forge::decode_npu_program(file_around(bytes));
    if (!stored)
        return;
    const auto again = forge::encode_npu_program(stored->program);
    if (!again)
        return; // longer than the format writes, and only that
    const auto reread = forge::decode_npu_program(*again);
    forge::require(reread && forge::encode_npu_program(reread->program).value() == *again);
}
