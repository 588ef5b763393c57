// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/steerer.hpp"

#include "libactors/control/beta_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace forge {

steerer::steerer(const campaign& c, const std::vector<double>& taken, std::vector<arithmetic> precision)
    : base_(c.hmc), precision_(std::move(precision)), mode_(c.steering), n_chains_(c.n_chains),
      order_(visiting_order(beta_grid(c.beta_min, c.beta_max, c.beta_points))), taken_(order_.size(), false) {
    if (precision_.empty())
        precision_.resize(n_chains_);
    expects(precision_.size() == n_chains_, "one arithmetic per chain");
    for (std::size_t k = 0; k < order_.size(); ++k)
        taken_[k] = std::find(taken.begin(), taken.end(), order_[k]) != taken.end();
}

std::optional<steering_decision> steerer::decide(chain_id chain, std::uint32_t ordinal) {
    steering_decision d;
    d.params = base_;
    std::size_t point = 0;
    if (mode_ == steering_mode::plan) {
        const auto planned = planned_point(order_.size(), n_chains_, chain.value, ordinal);
        if (!planned)
            return std::nullopt;
        point = *planned;
        d.reason = fmt::format("plan: point {} of {}", point, order_.size());
    } else {
        const auto before = decided_.find({chain, ordinal});
        if (before != decided_.end())
            point = before->second;
        else
            while (point < order_.size() && taken_[point])
                ++point;
        if (point == order_.size())
            return std::nullopt;
        d.reason = fmt::format("adaptive: {} was free, point {} of {} was the first not taken", to_text(chain), point, order_.size());
    }
    taken_[point] = true;
    decided_[{chain, ordinal}] = point;
    d.params.precision = precision_.at(chain.value);
    d.params.beta = order_[point];
    return d;
}

} // namespace forge
