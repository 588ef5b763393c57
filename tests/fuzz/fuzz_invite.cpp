// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/fuzz/fuzz.hpp"

#include "libactors/transport/invite.hpp"

FORGE_FUZZ(bytes) {
    using namespace forge;
    if (const auto code = invite_from_text(text_of(bytes)))
        require(invite_from_text(to_text(*code)).or_throw() == *code);
}
