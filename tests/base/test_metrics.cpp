// SPDX-License-Identifier: AGPL-3.0-only
// Latencies and the split of a stage's time.
#include "libactors/base/metrics.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

using namespace forge;

TEST_CASE("a histogram without data has no quantile") {
    CHECK(!latency_histogram{}.quantile(0.5));
    CHECK(latency_histogram{}.count() == 0);
}

TEST_CASE("quantiles lie at or above the exact ones by at most one bucket, an eighth of an octave") {
    std::mt19937_64 generator(31);
    std::lognormal_distribution<double> duration(std::log(2e-3), 2.0);
    latency_histogram h;
    std::vector<double> all;
    for (int k = 0; k < 20000; ++k) {
        all.push_back(std::max(duration(generator), 1e-6));
        h.add(all.back());
    }
    std::sort(all.begin(), all.end());
    CHECK(h.count() == all.size());
    for (const double q : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
        const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(all.size()))) - 1;
        INFO("seed 31, q = " << q);
        REQUIRE(h.quantile(q));
        CHECK(*h.quantile(q) >= all[rank] * (1.0 - 1e-12));
        CHECK(*h.quantile(q) <= all[rank] * std::exp2(1.0 / 8.0) * (1.0 + 1e-12));
    }
}

TEST_CASE("a quantile of one duration is its bucket; times outside the range are kept at its ends") {
    latency_histogram h;
    h.add(0.0);
    CHECK(*h.quantile(1.0) < 1.1e-6);
    h.add(-3.0);
    CHECK(h.count() == 2);
    h.add(1e9);
    CHECK(*h.quantile(1.0) > 4000.0);
    CHECK(*h.quantile(1e-9) < 1.1e-6);
}

TEST_CASE("merging histograms is adding their data") {
    std::mt19937_64 generator(32);
    std::uniform_real_distribution<double> duration(1e-5, 2.0);
    latency_histogram both, first, second;
    for (int k = 0; k < 3000; ++k) {
        const double s = duration(generator);
        both.add(s);
        (k % 3 == 0 ? first : second).add(s);
    }
    auto merged = first;
    merged.merge(second);
    CHECK(merged.count() == both.count());
    for (const double q : {0.01, 0.25, 0.5, 0.75, 0.99, 1.0})
        CHECK(merged.quantile(q) == both.quantile(q));
    auto other_way = second;
    other_way.merge(first);
    CHECK(other_way.quantile(0.5) == both.quantile(0.5));
}

TEST_CASE("a stage's fractions are its times and add to one") {
    stage_meter meter("chain.c0", 100.0);
    meter.set(stage_activity::busy, 101.0);
    meter.set(stage_activity::back_pressured, 104.0);
    meter.set(stage_activity::idle, 106.0);
    const auto m = meter.snapshot(110.0);
    CHECK(m.stage == "chain.c0");
    CHECK(m.busy == Approx(0.3));
    CHECK(m.back_pressured == Approx(0.2));
    CHECK(m.idle == Approx(0.5));
    CHECK(std::abs(m.busy + m.idle + m.back_pressured - 1.0) < 1e-12);
}

TEST_CASE("fractions add to one after any sequence of activities, also when the clock stands still or steps back") {
    std::mt19937_64 generator(33);
    std::uniform_real_distribution<double> step(-0.1, 1.0);
    stage_meter meter("s", 5.0);
    double now = 5.0;
    for (int k = 0; k < 1000; ++k) {
        now += step(generator);
        meter.set(static_cast<stage_activity>(generator() % 3), now);
        const auto m = meter.snapshot(now + 0.25);
        INFO("seed 33, event " << k);
        CHECK(std::abs(m.busy + m.idle + m.back_pressured - 1.0) < 1e-12);
        for (const double f : {m.busy, m.idle, m.back_pressured}) {
            CHECK(f >= -1e-12);
            CHECK(f <= 1.0 + 1e-12);
        }
    }
}

TEST_CASE("a stage that has just started is idle") {
    const auto m = stage_meter("s", 3.0).snapshot(3.0);
    CHECK(m.idle == 1.0);
    CHECK(m.busy == 0.0);
    CHECK(m.throughput_per_s == 0.0);
    CHECK(!m.latency_p50_s);
}

TEST_CASE("items, throughput, latency and queue depth are counted") {
    stage_meter meter("s", 0.0);
    for (int k = 0; k < 10; ++k)
        meter.item(0.5);
    meter.queue(3, 8);
    meter.queue(7, 8);
    meter.queue(1, 8);
    const auto m = meter.snapshot(5.0);
    CHECK(m.items == 10);
    CHECK(m.throughput_per_s == Approx(2.0));
    CHECK(*m.latency_p50_s == Approx(0.5).epsilon(0.0906));
    CHECK(*m.latency_p99_s == Approx(0.5).epsilon(0.0906));
    CHECK(m.queue_depth == 1);
    CHECK(m.queue_depth_max == 7);
    CHECK(m.capacity == 8);
    CHECK(!m.watts);
    CHECK(m.power_source == "none");
}
