// SPDX-License-Identifier: AGPL-3.0-only
// Chooses the next beta: the pure core of the steerer actor.
#pragma once

#include "libactors/control/campaign.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace forge {

/// The parameters of a chain's next segment, and why.
struct steering_decision {
    segment_params params;
    std::string reason;
};

/// mode plan: the fixed order of beta_plan.hpp, independent of what else happens.
/// mode adaptive: the first point of that order that nobody has taken goes to the chain that asks.
class steerer {
public:
    /// @param precision  arithmetic of each chain, one entry per chain; none: native.
    /// @param taken  betas of live segments that the ledger already has; only mode adaptive looks at them.
    steerer(const campaign& c, const std::vector<double>& taken, std::vector<arithmetic> precision = {});
    /// Asking again for the same segment gives the same answer: a chain that failed before it could open the segment
    /// must not lose its point.
    /// @return unset when there is no work left for this chain.
    [[nodiscard]] std::optional<steering_decision> decide(chain_id chain, std::uint32_t ordinal);
    /// The order of visits.
    [[nodiscard]] const std::vector<double>& order() const { return order_; }

private:
    segment_params base_;
    std::vector<arithmetic> precision_;
    steering_mode mode_;
    std::uint32_t n_chains_;
    std::vector<double> order_;
    std::vector<bool> taken_;
    std::map<std::pair<chain_id, std::uint32_t>, std::size_t> decided_; ///< point by (chain, ordinal)
};

} // namespace forge
