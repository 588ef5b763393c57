// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/supervision/drift_watch.hpp"

#include <algorithm>
#include <vector>

namespace forge {

void drift_watch::add(double log_rate) {
    recent_.push_back(log_rate);
    if (recent_.size() <= fast_blocks)
        return;
    ++slow_n_;
    slow_ += (recent_.front() - slow_) / static_cast<double>(std::min(slow_n_, slow_blocks));
    recent_.pop_front();
}

std::optional<double> drift_watch::drift() const {
    if (recent_.size() < fast_blocks || slow_n_ < slow_min)
        return std::nullopt;
    std::vector<double> fast(recent_.begin(), recent_.end());
    std::nth_element(fast.begin(), fast.begin() + fast_blocks / 2, fast.end());
    return fast[fast_blocks / 2] - slow_;
}

} // namespace forge
