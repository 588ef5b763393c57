// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/trust_gate.hpp"

#include <cmath>

namespace forge {

namespace {
constexpr double r2_wanted = 0.3;
constexpr double balanced_wanted = 0.6;
} // namespace

void trust_gate::observe(double predicted, double actual) {
    if (!std::isfinite(predicted) || !std::isfinite(actual)) {
        pairs_.clear();
        return;
    }
    pairs_.push_back({predicted, actual});
    if (pairs_.size() > window)
        pairs_.pop_front();
}

std::optional<double> trust_gate::score() const {
    if (pairs_.size() < window)
        return std::nullopt;
    if (kind_ == head_kind::regression) {
        double mean = 0.0;
        for (const auto& p : pairs_)
            mean += p.actual / static_cast<double>(window);
        double missed = 0.0;
        double varied = 0.0;
        for (const auto& p : pairs_) {
            missed += (p.actual - p.predicted) * (p.actual - p.predicted);
            varied += (p.actual - mean) * (p.actual - mean);
        }
        return varied > 0.0 ? std::optional(1.0 - missed / varied) : std::nullopt;
    }
    double hits[2] = {0.0, 0.0};
    double seen[2] = {0.0, 0.0};
    for (const auto& p : pairs_) {
        const int c = p.actual > 0.5 ? 1 : 0;
        seen[c] += 1.0;
        hits[c] += (p.predicted > 0.5) == (c == 1) ? 1.0 : 0.0;
    }
    return seen[0] > 0.0 && seen[1] > 0.0 ? std::optional(0.5 * (hits[0] / seen[0] + hits[1] / seen[1])) : std::nullopt;
}

bool trust_gate::trusted() const {
    const auto s = score();
    return s && *s >= (kind_ == head_kind::regression ? r2_wanted : balanced_wanted);
}

} // namespace forge
