// SPDX-License-Identifier: AGPL-3.0-only
// Random numbers as a pure function of what they are for: Philox4x32-10.
#pragma once

#include <array>
#include <cstdint>

namespace forge {

using philox_block = std::array<std::uint32_t, 4>;

/// Philox4x32 with ten rounds (Salmon, Moraes, Dror, Shaw, SC'11). Checked against the Random123 vectors.
[[nodiscard]] philox_block philox4x32(philox_block counter, std::array<std::uint32_t, 2> key);

/// What a random number is for; stored in the counter's top half-word. Append only: changing one changes every chain.
enum class noise_purpose : std::uint32_t { momenta = 1, accept = 2, start = 3 };

/// Names the noise of one trajectory of one chain; there is no other generator state.
struct noise_id {
    std::uint64_t key = 0;        ///< rng_key(campaign seed, chain)
    std::uint64_t trajectory = 0; ///< index within the chain; the counter holds its low 32 bits
    std::uint32_t segment = 0;
};

/// Block `draw` of link (site rank * 4 + mu): counter = (link, trajectory, segment, purpose << 16 | draw).
[[nodiscard]] philox_block noise_block(const noise_id& id, std::uint32_t link, noise_purpose purpose, std::uint32_t draw);

/// (0, 1]: ((53 high bits of word1:word0) + 1) 2^-53.
[[nodiscard]] double open_uniform(const philox_block& block);
/// [0, 1): (53 high bits of word3:word2) 2^-53.
[[nodiscard]] double angle_uniform(const philox_block& block);

/// Two independent N(0,1) numbers from one block (Box-Muller): sqrt(-2 log u) (cos, sin)(2 pi v).
[[nodiscard]] std::array<double, 2> normal_pair(const philox_block& block);

} // namespace forge
