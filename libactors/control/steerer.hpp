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

/// A live segment that the ledger has.
struct taken_point {
    chain_id chain;
    std::uint32_t ordinal = 0;
    double beta = 0.0;
};

/// A point that the conductor proposes.
struct point_suggestion {
    double beta = 0.0;
    std::string reason;
};

/// mode plan: the fixed order of beta_plan.hpp, independent of what else happens; behind it, where the campaign allows extra
/// points, what the conductor suggests, in the order in which chains ask. Chains of a pair get the same points.
/// mode adaptive: the first point of that order that nobody has taken goes to the chain that asks.
class steerer {
public:
    /// @param precision  arithmetic of each chain, one entry per chain; none: native.
    /// @param taken  live segments that the ledger already has: points of mode adaptive that are gone, and points that were added.
    steerer(const campaign& c, const std::vector<taken_point>& taken, std::vector<arithmetic> precision = {});
    /// Asking again for the same segment gives the same answer: a chain that failed before it could open the segment
    /// must not lose its point.
    /// @return unset when there is no work left for this chain.
    [[nodiscard]] std::optional<steering_decision> decide(chain_id chain, std::uint32_t ordinal);
    /// True when decide() has nothing for this chain, and a point may still be added.
    [[nodiscard]] bool wants_suggestion(chain_id chain, std::uint32_t ordinal) const;
    /// A point behind the plan, for this chain (and its partner). Precondition: wants_suggestion.
    void insert(chain_id chain, std::uint32_t ordinal, const point_suggestion& s);
    /// Every beta that was given out or is planned.
    [[nodiscard]] std::vector<double> points() const;
    /// The order of visits.
    [[nodiscard]] const std::vector<double>& order() const { return order_; }

private:
    segment_params base_;
    std::vector<arithmetic> precision_;
    steering_mode mode_;
    std::uint32_t n_chains_;
    std::vector<double> order_;
    std::vector<bool> taken_;
    std::uint32_t replicas_;
    std::uint32_t extra_left_;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::size_t> decided_; ///< point by (chain or pair, ordinal)
    std::map<std::pair<std::uint32_t, std::uint32_t>, point_suggestion> inserted_; ///< by (chain or pair, ordinal)
};

} // namespace forge
