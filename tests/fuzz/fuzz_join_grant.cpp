// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/fuzz/fuzz.hpp"

#include "libactors/transport/join_message.hpp"

FORGE_FUZZ(bytes) {
    using namespace forge;
    const auto grant = decode_join_grant(bytes);
    if (!grant)
        return;
    // The list's lines may have come in any order, so the value is compared, not the bytes.
    require(decode_join_grant(encode(*grant)).or_throw() == *grant);
    (void)fingerprint_of(grant->certificate_pem);
}
