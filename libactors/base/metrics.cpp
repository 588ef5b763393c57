// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/base/metrics.hpp"

#include <algorithm>
#include <cmath>

namespace forge {

void latency_histogram::add(double seconds) {
    const double octaves = std::log2(std::max(seconds, 1e-6) * 1e6);
    const auto bucket = static_cast<std::size_t>(octaves * static_cast<double>(per_octave));
    ++buckets_[std::min(bucket, n_buckets - 1)];
    ++count_;
}

void latency_histogram::merge(const latency_histogram& other) {
    for (std::size_t i = 0; i < n_buckets; ++i)
        buckets_[i] += other.buckets_[i];
    count_ += other.count_;
}

std::optional<double> latency_histogram::quantile(double q) const {
    if (count_ == 0)
        return std::nullopt;
    const auto wanted = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < n_buckets; ++i) {
        seen += buckets_[i];
        if (seen >= std::max<std::uint64_t>(wanted, 1))
            return 1e-6 * std::exp2(static_cast<double>(i + 1) / static_cast<double>(per_octave));
    }
    return std::nullopt;
}

void stage_meter::set(stage_activity a, double now_s) {
    spent_[static_cast<std::size_t>(activity_)] += std::max(now_s - changed_, 0.0);
    activity_ = a;
    changed_ = std::max(now_s, changed_);
}

void stage_meter::queue(std::uint32_t depth, std::uint32_t capacity) {
    depth_ = depth;
    depth_max_ = std::max(depth_max_, depth);
    capacity_ = capacity;
}

stage_metrics stage_meter::snapshot(double now_s) const {
    stage_metrics m;
    m.stage = stage_;
    m.items = items_;
    auto spent = spent_;
    spent[static_cast<std::size_t>(activity_)] += std::max(now_s - changed_, 0.0);
    const double total = spent[0] + spent[1] + spent[2];
    if (total > 0.0) {
        m.busy = spent[static_cast<std::size_t>(stage_activity::busy)] / total;
        m.back_pressured = spent[static_cast<std::size_t>(stage_activity::back_pressured)] / total;
        m.idle = 1.0 - m.busy - m.back_pressured;
        m.throughput_per_s = static_cast<double>(items_) / total;
    }
    m.latency_p50_s = latency_.quantile(0.5);
    m.latency_p99_s = latency_.quantile(0.99);
    m.queue_depth = depth_;
    m.queue_depth_max = depth_max_;
    m.capacity = capacity_;
    return m;
}

} // namespace forge
