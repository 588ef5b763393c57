// SPDX-License-Identifier: AGPL-3.0-only
// Looks half-way, and what of a chain is sent to the conductor when.
#include "libactors/control/conductor/mid_trajectory_watch.hpp"
#include "libactors/control/conductor/trajectory_gatherer.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <random>

using namespace forge;

namespace {

trajectory_observables end_of(double delta_h, double minus_log_u) {
    trajectory_observables o;
    o.delta_h = delta_h;
    o.accepted = !(delta_h > minus_log_u);
    return o;
}

opened_segment opened_at(std::uint32_t ordinal, std::uint64_t first) {
    opened_segment s;
    s.number = segment_no{ordinal};
    s.ordinal = ordinal;
    s.first_trajectory = first;
    return s;
}

watched_trajectory numbered(std::uint32_t n, bool measured) {
    watched_trajectory t;
    t.observed.plaquette_spatial = t.observed.plaquette_temporal = n;
    t.observed.polyakov_re = -2.0 * n;
    t.measured = measured;
    return t;
}

} // namespace

TEST_CASE("looks half-way are counted as they come true, and only after twenty rows") {
    mid_trajectory_watch watch;
    rejection_law law;
    std::uint64_t rejected = 0;
    const int n = 2000;
    for (int k = 0; k < n; ++k) {
        const auto z = normal_pair(noise_block({3, static_cast<std::uint64_t>(k), 1}, 0, noise_purpose::momenta, 0));
        const double u = open_uniform(noise_block({3, static_cast<std::uint64_t>(k), 1}, 0, noise_purpose::accept, 0));
        const double middle = 0.5 * z[0];
        const auto end = end_of(0.1 + middle + 0.05 * z[1], -std::log(u));
        if (k >= 20)
            rejected += end.accepted ? 0 : 1;
        watch.on_trajectory(law, {0.0, -std::log(u), middle}, end);
        if (k < 20)
            CHECK(watch.standing().judged == 0);
    }
    const auto s = watch.standing();
    CHECK(s.judged == n - 20);
    CHECK(s.rejected == rejected);
    REQUIRE(rejected > 100);
    // dH(end) follows dH(middle) to 0.05 while it spreads by 0.5: nearly every rejection is foreseen.
    CHECK(*s.balanced_accuracy() > 0.9);
    CHECK(s.right <= s.advised);
    const double by_hand = 0.5 * (static_cast<double>(s.right) / static_cast<double>(s.rejected) +
                                  static_cast<double>(s.judged - s.rejected - (s.advised - s.right)) / static_cast<double>(s.judged - s.rejected));
    CHECK(*s.balanced_accuracy() == by_hand);
}

TEST_CASE("a look that is not there, or is no number, is no look") {
    mid_trajectory_watch watch;
    rejection_law law;
    for (int k = 0; k < 50; ++k) {
        watch.on_trajectory(law, {0.0, 0.5, std::nullopt}, end_of(0.1 * k, 0.5));
        watch.on_trajectory(law, {0.0, 0.5, std::nan("")}, end_of(0.1 * k, 0.5));
        watch.on_trajectory(law, {0.0, 0.5, 0.1 * k}, end_of(HUGE_VAL, 0.5));
    }
    CHECK(law.rows() == 0);
    CHECK(watch.standing() == mid_trajectory_standing{});
    CHECK(!watch.standing().balanced_accuracy());
}

TEST_CASE("a chain's trajectories leave in order, each once, and one batch at a time unless somebody waits") {
    for (unsigned seed = 0; seed < 200; ++seed) {
        std::mt19937 draw(seed);
        trajectory_gatherer gatherer(chain_id{3});
        std::vector<watched_batch> sent;
        std::uint32_t done = 0, ordinal = 0;
        std::uint64_t first = 1, total = 0;
        std::vector<std::uint64_t> expected; // by position within the chain
        const auto take = [&](std::optional<watched_batch> b) {
            if (b)
                sent.push_back(std::move(*b));
        };
        for (int step = 0; step < 600; ++step) {
            const auto what = draw() % 100;
            if (what < 70) {
                ++done;
                expected.push_back(++total);
                auto out = gatherer.on_trajectory(opened_at(ordinal, first), done, numbered(static_cast<std::uint32_t>(total), done > 30));
                REQUIRE(out.send.size() <= 1);
                for (auto& b : out.send) {
                    CHECK(b.trajectories.size() >= trajectory_gatherer::batch_size);
                    CHECK(gatherer.under_way() == 1);
                    take(std::move(b));
                }
            } else if (what < 90) {
                if (gatherer.under_way() > 0)
                    take(gatherer.on_answered());
            } else if (what < 95) {
                take(gatherer.flush());
            } else if (done > 0) { // a segment ends: whoever ends it flushes
                take(gatherer.flush());
                first += done;
                done = 0;
                ++ordinal;
            }
        }
        take(gatherer.flush());
        std::vector<std::uint64_t> got;
        for (const auto& b : sent) {
            CHECK(b.chain == chain_id{3});
            std::uint64_t at = b.first_trajectory + b.first - 1;
            for (const auto& t : b.trajectories) {
                CHECK(t.observed.plaquette_spatial == static_cast<double>(at));
                got.push_back(at++);
            }
        }
        REQUIRE(got == expected);
    }
}

TEST_CASE("a conductor that does not answer costs 1,024 trajectories of memory and no more") {
    trajectory_gatherer gatherer(chain_id{0});
    const auto segment = opened_at(0, 1);
    std::size_t sent = 0;
    for (std::uint32_t k = 1; k <= 5000; ++k)
        for (const auto& b : gatherer.on_trajectory(segment, k, numbered(k, false)).send)
            sent += b.trajectories.size();
    CHECK(sent == trajectory_gatherer::batch_size);
    CHECK(!gatherer.flush()); // what overflowed is forgotten: a history with a gap is none
    CHECK(!gatherer.on_answered());
    // the next segment is watched again
    for (std::uint32_t k = 1; k <= 16; ++k)
        sent += gatherer.on_trajectory(opened_at(1, 5001), k, numbered(5000 + k, false)).send.size();
    CHECK(sent == trajectory_gatherer::batch_size + 1);
}

TEST_CASE("when measurement begins the newest forty trajectories before it are asked about, once") {
    trajectory_gatherer gatherer(chain_id{0});
    const auto segment = opened_at(0, 1);
    int asked = 0;
    for (std::uint32_t k = 1; k <= 100; ++k) {
        const auto out = gatherer.on_trajectory(segment, k, numbered(k, k > 60));
        if (!out.drift)
            continue;
        ++asked;
        CHECK(k == 61);
        REQUIRE(out.drift->plaquette.size() == trajectory_gatherer::drift_window);
        CHECK(out.drift->plaquette.front() == 21.0);
        CHECK(out.drift->plaquette.back() == 60.0);
        CHECK(out.drift->polyakov.back() == 120.0);
    }
    CHECK(asked == 1);
}
