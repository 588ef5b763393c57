// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/npu/int4.hpp"

#include "libactors/base/contract.hpp"

#include <algorithm>
#include <cmath>

namespace forge {

namespace {
constexpr float largest = 7.0f;
}

int4_channel quantise_channel(std::span<const float> w) {
    int4_channel c;
    float top = 0.0f;
    for (const float x : w)
        top = std::max(top, std::abs(x));
    c.scale = top / largest;
    c.q = quantise_with(w, c.scale);
    return c;
}

std::vector<std::int8_t> quantise_with(std::span<const float> w, float scale) {
    std::vector<std::int8_t> q(w.size(), 0);
    if (scale > 0.0f)
        std::transform(w.begin(), w.end(), q.begin(), [scale](float x) {
            return static_cast<std::int8_t>(std::clamp(std::round(x / scale), -largest, largest));
        });
    return q;
}

std::uint64_t beyond_int4(std::span<const float> w, float scale) {
    return static_cast<std::uint64_t>(std::count_if(w.begin(), w.end(), [scale](float x) {
        return scale > 0.0f ? std::abs(std::round(x / scale)) > largest : x != 0.0f;
    }));
}

std::vector<std::uint8_t> pack_int4(std::span<const std::int8_t> q) {
    std::vector<std::uint8_t> packed((q.size() + 1) / 2, 0);
    for (std::size_t k = 0; k < q.size(); ++k) {
        expects(q[k] >= -8 && q[k] <= 7, "a nibble holds -8 ... 7");
        const auto nibble = static_cast<std::uint8_t>(static_cast<std::uint8_t>(q[k]) & 0x0f);
        packed[k / 2] = static_cast<std::uint8_t>(packed[k / 2] | (k % 2 == 0 ? nibble : nibble << 4));
    }
    return packed;
}

std::vector<std::int8_t> unpack_int4(std::span<const std::uint8_t> packed, std::size_t n) {
    expects(packed.size() == (n + 1) / 2, "as many bytes as the values need");
    std::vector<std::int8_t> q(n);
    for (std::size_t k = 0; k < n; ++k) {
        const int nibble = k % 2 == 0 ? packed[k / 2] & 0x0f : packed[k / 2] >> 4;
        q[k] = static_cast<std::int8_t>(nibble > 7 ? nibble - 16 : nibble);
    }
    return q;
}

} // namespace forge
