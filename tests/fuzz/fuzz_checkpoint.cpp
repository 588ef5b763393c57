// SPDX-License-Identifier: AGPL-3.0-only
// A checkpoint, and one whose trailer fits: else nothing behind the hash of the file would ever be reached.
#include "tests/fuzz/fuzz.hpp"

#include "libactors/wire/checkpoint_codec.hpp"
#include "libactors/wire/checkpoint_trailer.hpp"

#include <vector>

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
    std::vector<std::byte> again;
    const auto written = forge::encode_checkpoint(*state, [&](std::span<const std::byte> piece) -> forge::result<void> {
        again.insert(again.end(), piece.begin(), piece.end());
        return {};
    });
    forge::require(written.ok());
    const auto same = forge::decode_checkpoint(again, limits);
    forge::require(same && same->trajectory == state->trajectory && same->head == state->head && same->params == state->params);
}
