// SPDX-License-Identifier: AGPL-3.0-only
// Trajectories that were committed, computed again.
#pragma once

#include "apps/forge/campaign_files.hpp"
#include "libactors/engine/lattice_engine.hpp"

#include <functional>
#include <optional>

namespace forge::app {

enum class verify_outcome { identical, within_bound, mismatch };

struct verify_report {
    std::uint64_t from = 0; ///< trajectory of the configuration that it started from; 0: the beginning
    std::uint64_t checked = 0; ///< trajectories that came out with the same bits
    std::uint64_t last = 0;    ///< last one that was asked for
    verify_outcome outcome = verify_outcome::identical;
    std::uint64_t first_different = 0;
    double plaquette_difference = 0.0; ///< at the first different trajectory
    double delta_h_difference = 0.0;
};

/// Largest difference of plaquette and dH that other arithmetic (not other physics) explains over one trajectory.
inline constexpr double verify_bound = 1e-8;

/// Starts from the newest verified checkpoint that lies at least `last_n` trajectories back (unset: the oldest kept), else
/// from the beginning, and compares record by record, hash by hash, up to the chain's last live record. Stops at the
/// first record that differs: what follows it is another history.
/// @param start_links  configuration before trajectory 1
/// @param progress     called after each trajectory with done and total
/// @return errc::not_found when the chain has no records; what ledger, checkpoints and engine return.
[[nodiscard]] result<verify_report> verify_chain(const run_folder& folder, chain_id chain, std::optional<std::uint64_t> last_n, lattice_engine& engine,
                                                 const std::function<result<gauge_field>(const std::string& seed)>& start_links,
                                                 const std::function<void(std::uint64_t, std::uint64_t)>& progress);

} // namespace forge::app
