// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/lattice/state_hash.hpp"

#include <bit>

namespace forge {

namespace {

std::uint64_t mix_a(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

std::uint64_t mix_b(std::uint64_t x) {
    x = (x ^ (x >> 33)) * 0xFF51AFD7ED558CCDu;
    x = (x ^ (x >> 33)) * 0xC4CEB9FE1A85EC53u;
    return x ^ (x >> 33);
}

} // namespace

state_hash fingerprint_of(const gauge_field& links) {
    state_hash h;
    std::uint64_t k = 0;
    for (const double real : links.reals()) {
        ++k;
        const auto word = std::bit_cast<std::uint64_t>(real);
        h.a += mix_a(word + k * 0x9E3779B97F4A7C15u);
        h.b += mix_b(word ^ (k * 0xD6E8FEB86659FD93u));
    }
    return h;
}

} // namespace forge
