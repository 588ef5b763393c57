// SPDX-License-Identifier: AGPL-3.0-only
// Where a chain begins, and what a device's arithmetic is called.
#pragma once

#include "libactors/engine/lattice_engine.hpp"

#include <string>

namespace forge {

/// Links scattered over the whole group, from the counter-based noise of `id` (purpose: start); the same on every host.
[[nodiscard]] gauge_field hot_start(const extents& l, const noise_id& id);

/// Name of the bits that an engine produces in an arithmetic: "f64-", "df64-" or "mixed-SHARE-" + the first 16 hex digits of the SHA-256 of the numerics version
/// and of what a canonical calculation on a 4^4 lattice leaves (momenta, force, exponential, sums, fingerprint).
/// Two devices of one class continue each other's chains bit for bit. Cost: a few milliseconds.
[[nodiscard]] std::string bits_class_of(lattice_engine& engine, const arithmetic& a = {});

} // namespace forge
