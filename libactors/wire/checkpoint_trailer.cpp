// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/wire/checkpoint_trailer.hpp"

#include "checkpoint.capnp.h"
#include "libactors/wire/capnp_message.hpp"

namespace forge {

checkpoint_trailer make_trailer(const digest& before, std::uint64_t total) {
    one_segment_builder message(checkpoint_trailer_bytes / word_bytes);
    auto root = message.root<disk::CheckpointTrailer>();
    root.setTotalBytes(total);
    root.setSha256(data_of(before));
    const auto pieces = message.finish();
    ensures(pieces.segment.size() + segment_table_bytes == checkpoint_trailer_bytes, "the trailer has 64 bytes");
    checkpoint_trailer trailer;
    std::copy(pieces.table.begin(), pieces.table.end(), trailer.begin());
    std::copy(pieces.segment.begin(), pieces.segment.end(), trailer.begin() + segment_table_bytes);
    return trailer;
}

result<void> check_trailer(std::span<const std::byte> file) {
    constexpr std::string_view hint = "use an older checkpoint of this chain";
    if (file.size() < checkpoint_trailer_bytes)
        return error{errc::malformed, fmt::format("{} bytes are too few for a checkpoint", file.size()), "byte 0",
                     std::string(hint)};
    const std::uint64_t before = file.size() - checkpoint_trailer_bytes;
    const auto stored = file.subspan(before);
    const digest hash = sha256_of(file.first(before));
    const auto expected = make_trailer(hash, file.size());
    if (std::ranges::equal(stored, expected))
        return {};
    // It is refused in any case; the rest finds the words. Offsets: docs/formats/checkpoint.md.
    constexpr std::size_t length_at = 16, hash_at = 32;
    const auto same = [&](std::size_t from, std::size_t to) {
        return std::equal(stored.begin() + static_cast<std::ptrdiff_t>(from),
                          stored.begin() + static_cast<std::ptrdiff_t>(to),
                          expected.begin() + static_cast<std::ptrdiff_t>(from));
    };
    const std::string where = fmt::format("trailer, byte {}", before);
    if (!same(0, length_at) || !same(length_at + word_bytes, hash_at))
        return error{errc::malformed, "the file does not end with a trailer: it was cut short or is no checkpoint",
                     where, std::string(hint)};
    if (!same(length_at, length_at + word_bytes))
        return error{errc::malformed,
                     fmt::format("the trailer speaks of {} bytes, the file has {}",
                                 byte_reader(stored.subspan(length_at)).u64(), file.size()),
                     where, std::string(hint)};
    return error{errc::checksum_mismatch, "the SHA-256 of the file is not the one in its trailer: bytes have changed",
                 where, std::string(hint)};
}

} // namespace forge
