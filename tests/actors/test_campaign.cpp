// SPDX-License-Identifier: AGPL-3.0-only
// The actors of a campaign together, on healthy devices.
#include "tests/actors/campaign_bench.hpp"

#include <catch2/catch.hpp>

using namespace forge;
using namespace forge::test;

TEST_CASE("a campaign ends finished, sealed and with every trajectory in the ledger", "[runtime]") {
    const bench b;
    {
        campaign_runtime runtime(b.parts({sound_reference(), sound_reference()}));
        const auto s = run_to_end(runtime);
        CHECK(s.all_finished);
        CHECK(s.notices.empty());
        REQUIRE(s.chains.size() == 2);
        for (const auto& c : s.chains) {
            CHECK(c.phase == "done");
            CHECK(c.trajectory == b.trajectories_of(c.chain));
            CHECK(c.sealed == c.trajectory);
            CHECK(c.restarts == 0);
        }
    }
    auto book = b.open();
    CHECK(book.check().or_throw().ok());
    for (std::uint32_t c = 0; c < 2; ++c) {
        CHECK(book.count(chain_id{c}).or_throw() == b.trajectories_of(chain_id{c}));
        CHECK(book.sealed(chain_id{c}).or_throw() == b.trajectories_of(chain_id{c}));
        for (const auto& segment : book.segments(chain_id{c}).or_throw())
            CHECK(segment.finished);
    }
    CHECK(b.hash() == undisturbed_hash(b.plan()));
}

TEST_CASE("a queue never holds more than its edge allows, and the hash does not depend on it", "[runtime]") {
    auto plan = small_campaign();
    plan.edge_capacity = GENERATE(1u, 3u, 64u);
    CAPTURE(plan.edge_capacity);
    const bench b(plan);
    {
        campaign_runtime runtime(b.parts({sound_reference(), sound_reference()}));
        const auto s = run_to_end(runtime);
        CHECK(s.all_finished);
        std::size_t seen = 0;
        for (const auto& stage : s.stages) {
            CHECK(stage.busy + stage.idle + stage.back_pressured == Approx(1.0).epsilon(0).margin(1e-9));
            if (!stage.stage.starts_with("chain."))
                continue;
            ++seen;
            CHECK(stage.capacity == plan.edge_capacity);
            CHECK(stage.queue_depth_max >= 1);
            CHECK(stage.queue_depth_max <= plan.edge_capacity);
        }
        CHECK(seen == 2);
    }
    CHECK(b.hash() == undisturbed_hash(small_campaign()));
}

TEST_CASE("more chains than devices: every chain finishes and every worker served its own", "[runtime]") {
    auto plan = small_campaign();
    plan.n_chains = 5;
    plan.beta_points = 10;
    const bench b(plan);
    {
        campaign_runtime runtime(b.parts({sound_reference(), sound_reference()}));
        const auto s = run_to_end(runtime);
        CHECK(s.all_finished);
        CHECK(s.chains.size() == 5);
        std::uint64_t per_worker[] = {0, 0};
        for (const auto& stage : s.stages)
            for (std::size_t w = 0; w < 2; ++w)
                if (stage.stage == "worker.reference:" + std::to_string(w))
                    per_worker[w] = stage.items;
        CHECK(per_worker[0] == 3 * b.trajectories_of(chain_id{0}));
        CHECK(per_worker[1] == 2 * b.trajectories_of(chain_id{1}));
    }
    auto book = b.open();
    for (std::uint32_t c = 0; c < 5; ++c) {
        const auto receipt = book.receipts(chain_id{c}, 1).or_throw();
        REQUIRE(receipt.size() == 1);
        CHECK(receipt[0].receipt.device == "reference:" + std::to_string(c % 2));
    }
    CHECK(b.hash() == undisturbed_hash(plan)); // which ran on one device
}

TEST_CASE("a stop that is asked for twice seals once and ends", "[runtime]") {
    auto plan = small_campaign();
    plan.hmc.n_measure = 100000;
    const bench b(plan);
    std::uint64_t reached[2] = {};
    {
        campaign_runtime runtime(b.parts({sound_reference()}));
        REQUIRE(eventually(30.0, [&runtime] {
            const auto s = runtime.status();
            return s.chains.size() == 2 && s.chains[0].trajectory > 5 && s.chains[1].trajectory > 5;
        }));
        runtime.request_stop();
        runtime.request_stop();
        const auto s = run_to_end(runtime);
        runtime.request_stop(); // also harmless when all is over
        CHECK(s.stopping);
        CHECK_FALSE(s.all_finished);
        for (const auto& c : s.chains) {
            CHECK(c.sealed == c.trajectory);
            reached[c.chain.value] = c.trajectory.value();
        }
    }
    auto book = b.open();
    for (std::uint32_t c = 0; c < 2; ++c) {
        CHECK(book.count(chain_id{c}).or_throw() == reached[c]);
        CHECK(book.sealed(chain_id{c}).or_throw() == reached[c]);
    }
}

TEST_CASE("a runtime that is destroyed early seals its chains, and the next one goes on to the same hash", "[runtime]") {
    const bench b;
    std::size_t rounds = 0;
    for (bool finished = false; !finished; ++rounds) {
        REQUIRE(rounds < 200);
        campaign_runtime runtime(b.parts({sound_reference()}));
        REQUIRE(eventually(30.0, [&] {
            const auto s = runtime.status();
            return s.over || (!s.chains.empty() && s.chains[0].trajectory > 12 * (rounds + 1));
        }));
        finished = runtime.status().all_finished;
    }
    auto book = b.open();
    for (std::uint32_t c = 0; c < 2; ++c)
        CHECK(book.count(chain_id{c}, false).or_throw() == b.trajectories_of(chain_id{c}));
    CHECK(b.hash() == undisturbed_hash(b.plan()));
}

TEST_CASE("a runtime that is destroyed at once ends", "[runtime]") {
    const bench b;
    { const campaign_runtime runtime(b.parts({sound_reference()})); }
    CHECK(b.open().check().or_throw().ok());
    campaign_runtime runtime(b.parts({sound_reference()}));
    CHECK(run_to_end(runtime).all_finished);
}

TEST_CASE("looking at every trajectory half-way changes no bit, and is judged by what came", "[runtime]") {
    auto plan = small_campaign();
    plan.hmc.n_steps = 4;
    plan.hmc.n_measure = 60;
    const auto plain = undisturbed_hash(plan);
    plan.conductor.mode = conductor_mode::advise;
    plan.conductor.mid_trajectory = true;
    bench b(plan);
    run_status status;
    {
        campaign_runtime runtime(b.parts({sound_reference(), sound_reference()}));
        status = run_to_end(runtime);
    }
    REQUIRE(status.all_finished);
    CHECK(b.hash() == plain);
    REQUIRE(status.conductor.middle);
    const auto& m = *status.conductor.middle;
    const std::uint64_t tested_at_most = plan.beta_points * (plan.hmc.n_thermalise + plan.hmc.n_measure);
    CHECK(m.judged > 0);
    CHECK(m.judged <= tested_at_most);
    CHECK(m.rejected <= m.judged);
    CHECK(m.right <= std::min(m.rejected, m.advised));

    plan.conductor.mid_trajectory = false;
    bench c(plan);
    campaign_runtime runtime(c.parts({sound_reference(), sound_reference()}));
    CHECK(!run_to_end(runtime).conductor.middle);
}
