// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/conductor/trajectory_gatherer.hpp"

#include "libactors/base/contract.hpp"

#include <cmath>
#include <utility>

namespace forge {

std::optional<watched_batch> trajectory_gatherer::flush() {
    if (gathered_.trajectories.empty())
        return std::nullopt;
    ++under_way_;
    watched_batch batch = gathered_;
    gathered_.first += static_cast<std::uint32_t>(gathered_.trajectories.size());
    gathered_.trajectories.clear();
    return batch;
}

std::optional<watched_batch> trajectory_gatherer::on_answered() {
    expects(under_way_ > 0, "an answer belongs to a batch");
    --under_way_;
    return under_way_ == 0 && gathered_.trajectories.size() >= batch_size ? flush() : std::nullopt;
}

trajectory_gatherer::outcome trajectory_gatherer::on_trajectory(const opened_segment& segment, std::uint32_t done, const watched_trajectory& t) {
    outcome out;
    const auto send = [&](std::optional<watched_batch> batch) {
        if (batch)
            out.send.push_back(std::move(*batch));
    };
    if (!std::exchange(watching_, true) || gathered_.segment != segment.number || gathered_.first_trajectory != segment.first_trajectory) {
        send(flush());
        gathered_ = {chain_, segment.ordinal, segment.number, segment.first_trajectory, done, segment.params, {}};
        overflown_ = false;
        plaquette_.clear();
        polyakov_.clear();
    }
    if (!t.measured) {
        if (plaquette_.size() == drift_window) {
            plaquette_.erase(plaquette_.begin());
            polyakov_.erase(polyakov_.begin());
        }
        plaquette_.push_back(t.observed.plaquette());
        polyakov_.push_back(std::hypot(t.observed.polyakov_re, t.observed.polyakov_im));
    } else if (!plaquette_.empty()) {
        out.drift = drift_question{std::exchange(plaquette_, {}), std::exchange(polyakov_, {})};
    }
    if (overflown_)
        return out;
    if (gathered_.trajectories.size() >= batch_max) {
        overflown_ = true;
        gathered_.trajectories.clear();
        return out;
    }
    gathered_.trajectories.push_back(t);
    if (under_way_ == 0 && gathered_.trajectories.size() >= batch_size)
        send(flush());
    return out;
}

} // namespace forge
