// SPDX-License-Identifier: AGPL-3.0-only
// Offer, want and chunk header: the first bytes choose an offer, the rest is judged against it.
#include "tests/fuzz/fuzz.hpp"

#include "libactors/transport/stream_message.hpp"

FORGE_FUZZ(bytes) {
    using namespace forge;
    if (bytes.size() < stream_offer_bytes)
        return;
    const auto offer = decode_stream_offer(bytes.first(stream_offer_bytes));
    if (!offer)
        return;
    const auto rest = bytes.subspan(stream_offer_bytes);
    require(offer->chunks() * offer->chunk_bytes >= offer->length);
    if (const auto want = decode_stream_want(rest, *offer))
        require(want->first <= offer->chunks() && std::ranges::equal(encode(*want), rest));
    for (const std::uint64_t k : {std::uint64_t{0}, offer->chunks() / 2, offer->chunks()}) {
        const std::size_t payload = chunk_header_bytes + (k < offer->chunks() ? offer->bytes_of(k) : 1);
        if (const auto chunk = decode_chunk_header(rest, *offer, k, payload))
            require(chunk->index == k && k < offer->chunks() && std::ranges::equal(encode(*chunk), rest));
    }
}
