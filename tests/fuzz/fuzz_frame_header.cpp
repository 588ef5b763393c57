// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/fuzz/fuzz.hpp"

#include "libactors/transport/frame.hpp"
#include "libactors/transport/join_message.hpp"
#include "libactors/transport/stream_message.hpp"

FORGE_FUZZ(bytes) {
    for (; bytes.size() >= forge::frame_header_bytes; bytes = bytes.subspan(1)) {
        const auto head = bytes.first<forge::frame_header_bytes>();
        const auto h = forge::decode_frame_header(head);
        if (!h)
            continue;
        forge::require(std::ranges::equal(forge::encode(*h), head));
        forge::require(h->length <= std::max(forge::chunk_header_bytes + forge::chunk_bytes_max, forge::join_grant_bytes_max));
        forge::require(!forge::is_link_frame(h->type) || h->length <= forge::tunnel_frame_max);
    }
}
