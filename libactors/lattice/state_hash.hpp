// SPDX-License-Identifier: AGPL-3.0-only
// Order-free fingerprint of a gauge field.
#pragma once

#include "libactors/lattice/gauge_field.hpp"

#include <cstdint>

namespace forge {

/// Two sums modulo 2^64 over all real numbers of the links:
///
///     a = sum_k mix_a(w_k + (k+1) * 0x9E3779B97F4A7C15)      mix_a: finaliser of SplitMix64
///     b = sum_k mix_b(w_k ^ ((k+1) * 0xD6E8FEB86659FD93))    mix_b: finaliser of MurmurHash3 (64 bit)
///
/// w_k the IEEE bits of real number k, k = (site * 4 + mu) * 18 + component in canonical order. Both mixes are
/// bijections, so one changed number always changes both sums; addition commutes, so that a device may add in any
/// order. Not a cryptographic hash: it guards against accidents, the SHA-256 of files guards against tampering.
struct state_hash {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    friend bool operator==(const state_hash&, const state_hash&) = default;
};

/// The fingerprint computed on the host; the same bits as every engine's.
[[nodiscard]] state_hash fingerprint_of(const gauge_field& links);

} // namespace forge
