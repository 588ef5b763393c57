// SPDX-License-Identifier: AGPL-3.0-only
// Unpredictable bytes for secrets and identities; physics never takes its numbers from here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace forge {

/// Fills from the operating system's generator through OpenSSL; a machine without entropy is a contract_broken.
void fill_random(std::span<std::uint8_t> bytes);

template <std::size_t N>
[[nodiscard]] std::array<std::uint8_t, N> random_array() {
    std::array<std::uint8_t, N> bytes{};
    fill_random(bytes);
    return bytes;
}

[[nodiscard]] std::uint64_t random_u64();

} // namespace forge
