// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/numerics/counter_rng.hpp"

#include "libactors/numerics/elementary.hpp"

#include <cmath>

namespace forge {

philox_block philox4x32(philox_block c, std::array<std::uint32_t, 2> key) {
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c[0];
        const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * c[2];
        c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ key[0], static_cast<std::uint32_t>(p1),
             static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ key[1], static_cast<std::uint32_t>(p0)};
        key[0] += 0x9E3779B9u;
        key[1] += 0xBB67AE85u;
    }
    return c;
}

philox_block noise_block(const noise_id& id, std::uint32_t link, noise_purpose purpose, std::uint32_t draw) {
    return philox4x32({link, static_cast<std::uint32_t>(id.trajectory), id.segment,
                       static_cast<std::uint32_t>(purpose) << 16 | draw},
                      {static_cast<std::uint32_t>(id.key), static_cast<std::uint32_t>(id.key >> 32)});
}

double open_uniform(const philox_block& b) {
    return (static_cast<double>((std::uint64_t{b[1]} << 32 | b[0]) >> 11) + 1.0) * 0x1p-53;
}

double angle_uniform(const philox_block& b) {
    return static_cast<double>((std::uint64_t{b[3]} << 32 | b[2]) >> 11) * 0x1p-53;
}

std::array<double, 2> normal_pair(const philox_block& b) {
    const double radius = std::sqrt(-2.0 * det_log(open_uniform(b)));
    const auto direction = det_sincos_2pi(angle_uniform(b));
    return {radius * direction.cosine, radius * direction.sine};
}

} // namespace forge
