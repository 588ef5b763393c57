// SPDX-License-Identifier: AGPL-3.0-only
// One fuzz target: a function of bytes that must neither crash nor break a `require`.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

namespace forge {

inline void require(bool held) {
    if (!held)
        std::abort();
}

inline std::string_view text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace forge

#define FORGE_FUZZ(bytes)                                                                                              \
    static void one_input(std::span<const std::byte> bytes);                                                           \
    extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t n) {                                   \
        one_input(std::as_bytes(std::span(data, n)));                                                                  \
        return 0;                                                                                                      \
    }                                                                                                                  \
    static void one_input(std::span<const std::byte> bytes)
