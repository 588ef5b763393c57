// SPDX-License-Identifier: AGPL-3.0-only
// Numbers of one configuration.
#pragma once

#include "libactors/engine/lattice_engine.hpp"

namespace forge {

/// What is known of the links in a workspace; cheap to keep, so a rejected trajectory measures nothing again.
struct configuration_numbers {
    plaquette_sums sums;
    complex polyakov;
    state_hash state;
    friend bool operator==(const configuration_numbers&, const configuration_numbers&) = default;
};

/// Measures the current links: plaquette, Polyakov loop, fingerprint.
[[nodiscard]] configuration_numbers measure(gauge_workspace& fields);

/// Averages over 3V plaquettes each of Re tr U_p / 3.
[[nodiscard]] plaquette_averages averages_of(const plaquette_sums& sums, const extents& l);

/// S = beta sum_p (1 - Re tr U_p / 3) = beta (6V - (spatial + temporal)/3).
[[nodiscard]] double gauge_action(const plaquette_sums& sums, const extents& l, double beta);

} // namespace forge
