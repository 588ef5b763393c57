// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/steerer.hpp"

#include "libactors/control/beta_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace forge {

steerer::steerer(const campaign& c, const std::vector<taken_point>& taken, std::vector<arithmetic> precision)
    : base_(c.hmc), precision_(std::move(precision)), mode_(c.steering), n_chains_(c.n_chains),
      order_(visiting_order(beta_grid(c.beta_min, c.beta_max, c.beta_points))), taken_(order_.size(), false), replicas_(c.replicas()),
      extra_left_(c.conductor.mode == conductor_mode::act ? c.conductor.extra_points : 0) {
    if (precision_.empty())
        precision_.resize(n_chains_);
    expects(precision_.size() == n_chains_, "one arithmetic per chain");
    for (const auto& t : taken) {
        const auto at = std::find(order_.begin(), order_.end(), t.beta);
        if (at != order_.end())
            taken_[static_cast<std::size_t>(at - order_.begin())] = true;
        else // added by an earlier process; the partner may still have to go there
            inserted_.insert({{t.chain.value / replicas_, t.ordinal}, {t.beta, "conductor: the pair's point"}});
    }
    extra_left_ -= std::min<std::uint32_t>(extra_left_, static_cast<std::uint32_t>(inserted_.size()));
}

bool steerer::wants_suggestion(chain_id chain, std::uint32_t ordinal) const {
    const auto group = chain.value / replicas_;
    return mode_ == steering_mode::plan && extra_left_ > 0 && !planned_point(order_.size(), n_chains_ / replicas_, group, ordinal) &&
           !inserted_.contains({group, ordinal});
}

void steerer::insert(chain_id chain, std::uint32_t ordinal, const point_suggestion& s) {
    expects(wants_suggestion(chain, ordinal), "a point is added where one is wanted");
    --extra_left_;
    inserted_[{chain.value / replicas_, ordinal}] = s;
}

std::vector<double> steerer::points() const {
    std::vector<double> all = order_;
    for (const auto& [where, s] : inserted_)
        all.push_back(s.beta);
    return all;
}

std::optional<steering_decision> steerer::decide(chain_id chain, std::uint32_t ordinal) {
    steering_decision d;
    d.params = base_;
    std::size_t point = 0;
    if (mode_ == steering_mode::plan) {
        const auto group = chain.value / replicas_;
        if (const auto added = inserted_.find({group, ordinal}); added != inserted_.end()) {
            d.params.precision = precision_.at(chain.value);
            d.params.beta = added->second.beta;
            d.reason = added->second.reason;
            return d;
        }
        const auto planned = planned_point(order_.size(), n_chains_ / replicas_, group, ordinal);
        if (!planned)
            return std::nullopt;
        point = *planned;
        d.reason = fmt::format("plan: point {} of {}", point, order_.size());
    } else {
        const auto before = decided_.find({chain.value, ordinal});
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
    decided_[{chain.value, ordinal}] = point;
    d.params.precision = precision_.at(chain.value);
    d.params.beta = order_[point];
    return d;
}

} // namespace forge
