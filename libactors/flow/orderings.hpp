// SPDX-License-Identifier: AGPL-3.0-only
// The pipeline of seed 000, and its five orderings, on whatever devices there are.
#pragma once

#include "libactors/flow/topology.hpp"

#include <string>
#include <vector>

namespace forge {

/// Who plays which part; one device may play several, and "" is any device that can.
struct pipeline_devices {
    std::string fast;      ///< produces on the small lattice
    std::string large;     ///< produces on the large lattice
    std::string conductor; ///< runs the heads
    std::string host;      ///< steers; validates where `fast` and `large` are one device
    friend bool operator==(const pipeline_devices&, const pipeline_devices&) = default;
};

/// The first device that can run trajectories is `large`, the next one (else the same) `fast`; the conductor goes where
/// conductor_heads is routed, the host is where cpu_validation is.
/// @return errc::device_unavailable when no device can run trajectories or the heads.
[[nodiscard]] result<pipeline_devices> choose_devices(const std::vector<substrate>& substrates);

/// Seed 000 part 2: two producers, a screen, two validators, a steerer. Seven edges: bounded 4, 4, 8; two `latest` from the
/// steerer (bounded 1 in the seed, which can deadlock); two of 4 filtered by "chi > 10.0".
[[nodiscard]] topology seed_pipeline(const pipeline_devices& d);

/// A, production: large producer, screen, spot checks of what is critical or odd by a validator.
[[nodiscard]] topology ordering_a(const pipeline_devices& d);
/// B, discovery: the fast producer finds betas, the large one runs those that matter, and only those.
[[nodiscard]] topology ordering_b(const pipeline_devices& d);
/// C, parallel discovery: both produce, both are screened, one steerer sends each of them the next beta.
[[nodiscard]] topology ordering_c(const pipeline_devices& d);
/// D, precision cascade: no screen, every configuration is evaluated again.
[[nodiscard]] topology ordering_d(const pipeline_devices& d);
/// E, power-optimised: producers sleep until the conductor's uncertainty passes wake_uncertainty. The steerer's first decision
/// comes from its prior, so that there is something to be uncertain about.
[[nodiscard]] topology ordering_e(const pipeline_devices& d);

/// Where ordering E wakes a device: one standard deviation of chi_L(beta) / largest chi_L.
inline constexpr double wake_uncertainty = 0.2;

struct named_ordering {
    std::string name; ///< "A"..."E"
    std::string says;
    topology graph;
};
/// All five.
[[nodiscard]] std::vector<named_ordering> orderings(const pipeline_devices& d);

/// `t` with a recorder, and a bounded edge to it from every stage that gives results, verdicts or measurements and has none to a
/// recorder yet. A topology with a recorder stays as it is but for missing edges.
[[nodiscard]] topology recorded(const topology& t, const std::string& device, std::uint32_t capacity);

} // namespace forge
