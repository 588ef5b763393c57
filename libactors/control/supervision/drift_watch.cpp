// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/supervision/drift_watch.hpp"

#include <algorithm>
#include <vector>

namespace forge {

namespace {

double median(std::vector<double> x) {
    const auto middle = x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2);
    std::nth_element(x.begin(), middle, x.end());
    return *middle;
}

} // namespace

void drift_watch::add(double log_rate) {
    if (recent_.size() == fast_blocks) {
        // The median that was, not the block that leaves: a stalled block must not lower what others are held against.
        ++slow_n_;
        slow_ += (median({recent_.begin(), recent_.end()}) - slow_) / static_cast<double>(std::min(slow_n_, slow_blocks));
        recent_.pop_front();
    }
    recent_.push_back(log_rate);
}

std::optional<double> drift_watch::drift() const {
    if (recent_.size() < fast_blocks || slow_n_ < slow_min)
        return std::nullopt;
    return median({recent_.begin(), recent_.end()}) - slow_;
}

} // namespace forge
