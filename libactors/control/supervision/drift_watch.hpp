// SPDX-License-Identifier: AGPL-3.0-only
// Has the incumbent become slower? A fast mean against a slow one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace forge {

/// Watches the log of a rate. Fast: median of the last five blocks, so that one stalled block says nothing. Slow: mean of
/// those medians before now, exponential with weight 1/50 once there are 50, so that slow common drift is followed.
class drift_watch {
public:
    static constexpr std::size_t fast_blocks = 5;
    static constexpr std::uint64_t slow_blocks = 50;
    static constexpr std::uint64_t slow_min = 10; ///< fewer say nothing
    void add(double log_rate);
    void reset() { *this = {}; }
    [[nodiscard]] std::uint64_t blocks() const { return slow_n_ + recent_.size(); }
    /// fast - slow; unset until both are known.
    [[nodiscard]] std::optional<double> drift() const;
    friend bool operator==(const drift_watch&, const drift_watch&) = default;

private:
    std::deque<double> recent_;
    double slow_ = 0.0;
    std::uint64_t slow_n_ = 0;
};

} // namespace forge
