// SPDX-License-Identifier: AGPL-3.0-only
// Four-bit weights: how floats become nibbles, and nibbles bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace forge {

/// Weights of one output channel: w ~ q * scale, q in -7 ... 7 (symmetric, no zero point; -8 is not used).
struct int4_channel {
    float scale = 0.0f; ///< max |w| / 7; 0 for a channel of zeros
    std::vector<std::int8_t> q;
};

/// q = round(w / scale), halves away from zero; |q| <= 7 by construction. |w - q scale| <= scale / 2.
[[nodiscard]] int4_channel quantise_channel(std::span<const float> w);
/// With a scale that is given; what does not fit is clamped to -7 ... 7.
[[nodiscard]] std::vector<std::int8_t> quantise_with(std::span<const float> w, float scale);

/// How many weights quantise_with clamps, or loses because the scale is 0.
[[nodiscard]] std::uint64_t beyond_int4(std::span<const float> w, float scale);

/// Two in a byte, the first in the low nibble, two's complement; an odd last one leaves the high nibble 0.
[[nodiscard]] std::vector<std::uint8_t> pack_int4(std::span<const std::int8_t> q);
/// @param n  number of values. Precondition: packed.size() == (n + 1) / 2.
[[nodiscard]] std::vector<std::int8_t> unpack_int4(std::span<const std::uint8_t> packed, std::size_t n);

} // namespace forge
