// SPDX-License-Identifier: AGPL-3.0-only
// The two files of a coordinator.
#include "tests/fuzz/fuzz.hpp"

#include "libactors/transport/allow_list.hpp"
#include "libactors/transport/invite.hpp"

FORGE_FUZZ(bytes) {
    using namespace forge;
    if (const auto list = allow_list_from_text(text_of(bytes)))
        require(allow_list_from_text(to_text(*list)).or_throw() == *list);
    if (const auto book = invite_book_from_text(text_of(bytes)))
        require(invite_book_from_text(to_text(*book)).or_throw() == *book);
}
