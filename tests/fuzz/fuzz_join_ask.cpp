// SPDX-License-Identifier: AGPL-3.0-only
// The message and the request in it: a coordinator signs nothing that it did not understand.
#include "tests/fuzz/fuzz.hpp"

#include "libactors/transport/join_message.hpp"

FORGE_FUZZ(bytes) {
    using namespace forge;
    static const authority ca =
        make_authority("lab", validity::of_days(std::chrono::system_clock::now(), 10)).or_throw();
    const auto ask = decode_join_ask(bytes);
    if (!ask)
        return;
    require(std::ranges::equal(encode(*ask), bytes));
    const auto when = validity::of_days(std::chrono::system_clock::now(), 1);
    if (const auto pem = sign_request(ca, ask->request_pem, ask->name, when))
        require(fingerprint_of(*pem).ok());
}
