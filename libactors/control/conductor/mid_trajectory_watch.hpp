// SPDX-License-Identifier: AGPL-3.0-only
// Placement B: what the conductor would have said at the middle of each trajectory, and whether it would have been right.
#pragma once

#include "libactors/hmc/record.hpp"
#include "libactors/hmc/trajectory.hpp"
#include "libactors/learn/rejection_law.hpp"
#include "libactors/learn/trust_gate.hpp"

#include <cstdint>
#include <optional>

namespace forge {

/// How the looks at the middle have done, over all chains.
struct mid_trajectory_standing {
    std::uint64_t judged = 0;   ///< trajectories with a prediction
    std::uint64_t rejected = 0; ///< of them, by the Metropolis test
    std::uint64_t advised = 0;  ///< of them, foreseen as rejected at the middle
    std::uint64_t right = 0;    ///< foreseen and rejected
    std::optional<double> score; ///< balanced accuracy of the last 20 (trust_gate.hpp)
    bool trusted = false;
    /// Mean of the two classes' hit rates over everything judged. @return unset while a class is empty.
    [[nodiscard]] std::optional<double> balanced_accuracy() const;
    friend bool operator==(const mid_trajectory_standing&, const mid_trajectory_standing&) = default;
};

/// Says before it learns: a prediction for a trajectory comes from earlier ones of its segment alone. Nothing acts on it, for an abort
/// would break detailed balance; the numbers show what an exact early test could spare.
class mid_trajectory_watch {
public:
    /// One tested trajectory. @param law  of its segment; learns it afterwards. Nothing happens without a look at the middle.
    void on_trajectory(rejection_law& law, const trajectory_probe& seen, const trajectory_observables& end);
    [[nodiscard]] mid_trajectory_standing standing() const;

private:
    mid_trajectory_standing sums_;
    trust_gate gate_{head_kind::classification};
};

} // namespace forge
