// SPDX-License-Identifier: AGPL-3.0-only
// What a stage says of itself, as values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace forge {

/// Histogram of durations with logarithmic buckets (8 per factor of two from 1 microsecond); merges by addition.
class latency_histogram {
public:
    void add(double seconds);
    void merge(const latency_histogram& other);
    [[nodiscard]] std::uint64_t count() const { return count_; }
    /// Upper edge of the bucket that holds quantile q in (0, 1]; unset without data. Relative error below 9 %.
    [[nodiscard]] std::optional<double> quantile(double q) const;

private:
    static constexpr std::size_t per_octave = 8;
    static constexpr std::size_t n_buckets = 32 * per_octave; // 1 us ... 70 min
    std::array<std::uint64_t, n_buckets> buckets_{};
    std::uint64_t count_ = 0;
};

/// What a stage is doing at an instant.
enum class stage_activity : std::uint8_t { idle, busy, back_pressured };

/// Snapshot of one stage. Fractions are of the time since the stage started and add to 1.
struct stage_metrics {
    std::string stage;
    std::uint64_t items = 0;
    double throughput_per_s = 0.0;
    std::optional<double> latency_p50_s;
    std::optional<double> latency_p99_s;
    double busy = 0.0;
    double idle = 1.0;
    double back_pressured = 0.0;
    std::uint32_t queue_depth = 0;      ///< items waiting or in flight on the stage's outgoing edge
    std::uint32_t queue_depth_max = 0;  ///< largest seen
    std::uint32_t capacity = 0;         ///< of that edge; 0: none
    std::optional<double> watts;        ///< unset where nothing measures it
    std::string power_source = "none";
};

/// Accounts for a stage's time. Times are seconds on any steady clock, passed in.
class stage_meter {
public:
    stage_meter(std::string stage, double now_s) : stage_(std::move(stage)), started_(now_s), changed_(now_s) {}
    /// The stage does `a` from now on.
    void set(stage_activity a, double now_s);
    [[nodiscard]] stage_activity activity() const { return activity_; }
    /// One item is done; it took `seconds`.
    void item(double seconds) {
        ++items_;
        latency_.add(seconds);
    }
    void queue(std::uint32_t depth, std::uint32_t capacity);
    [[nodiscard]] stage_metrics snapshot(double now_s) const;

private:
    std::string stage_;
    double started_;
    double changed_;
    stage_activity activity_ = stage_activity::idle;
    std::array<double, 3> spent_{};
    std::uint64_t items_ = 0;
    latency_histogram latency_;
    std::uint32_t depth_ = 0;
    std::uint32_t depth_max_ = 0;
    std::uint32_t capacity_ = 0;
};

} // namespace forge
