// SPDX-License-Identifier: AGPL-3.0-only
// Joules from power that is asked for now and then.
#pragma once

#include "libactors/energy/meters.hpp"

namespace forge::energy {

/// Trapezoids between samples. Lost for good after a gap that is too long: what happened in it nobody knows.
class sampled_power {
public:
    void add(double watts, double now_s) {
        if (last_s_) {
            lost_ = lost_ || now_s - *last_s_ > sample_gap_max_s || now_s < *last_s_;
            joules_ += 0.5 * (watts + last_watts_) * (now_s - *last_s_);
        }
        last_s_ = now_s;
        last_watts_ = watts;
    }
    [[nodiscard]] std::optional<double> joules() const { return lost_ ? std::nullopt : std::optional(joules_); }

private:
    std::optional<double> last_s_;
    double last_watts_ = 0.0;
    double joules_ = 0.0;
    bool lost_ = false;
};

} // namespace forge::energy
