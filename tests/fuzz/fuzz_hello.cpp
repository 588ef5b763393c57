// SPDX-License-Identifier: AGPL-3.0-only
// Whatever decodes as a hello encodes to the same bytes.
#include "tests/fuzz/fuzz.hpp"

#include "libactors/transport/greeting.hpp"
#include "libactors/transport/hello.hpp"

FORGE_FUZZ(bytes) {
    const auto h = forge::decode_hello(bytes);
    if (h)
        forge::require(std::ranges::equal(forge::encode(*h), bytes));
    forge::require(forge::decode_refusal(bytes, "").what.size() < bytes.size() + 100);
}
