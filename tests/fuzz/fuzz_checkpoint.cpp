// SPDX-License-Identifier: AGPL-3.0-only
// A checkpoint, and one whose trailer fits: else nothing behind the hash of the file would ever be reached.
#include "tests/fuzz/fuzz.hpp"

#include "libactors/wire/checkpoint_codec.hpp"
#include "libactors/wire/checkpoint_trailer.hpp"

#include <vector>

namespace {

std::vector<std::byte> written(const forge::chain_state& state) {
    std::vector<std::byte> out;
    const auto done = forge::encode_checkpoint(state, [&](std::span<const std::byte> piece) -> forge::result<void> {
        out.insert(out.end(), piece.begin(), piece.end());
        return {};
    });
    forge::require(done.ok());
    return out;
}

} // namespace

FORGE_FUZZ(bytes) {
    forge::decode_limits limits;
    limits.max_sites = 4096;
    forge::require(bytes.size() < 64 || !forge::decode_checkpoint(bytes, limits) || forge::read_manifest(bytes, limits).ok());
    std::vector<std::byte> whole(bytes.begin(), bytes.end());
    const auto trailer = forge::make_trailer(forge::sha256_of(bytes), whole.size() + forge::checkpoint_trailer_bytes);
    whole.insert(whole.end(), trailer.begin(), trailer.end());
    const auto state = forge::decode_checkpoint(whole, limits);
    if (!state)
        return;
    // Of what was accepted the bytes stay the same: numbers may be NaN, and then they do not equal themselves.
    const auto again = written(*state);
    const auto reread = forge::decode_checkpoint(again, limits);
    forge::require(reread && written(*reread) == again);
}
