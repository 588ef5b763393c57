// SPDX-License-Identifier: AGPL-3.0-only
// The choice of an ordering, by simulation with stated seeds.
#include "pipeline_world.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <iostream>
#include <limits>

using namespace forge;

namespace {

/// 20 trajectories at 13.3 per second: blocks of 1.5 s.
constexpr double rate = 13.333;
constexpr double block_s = 1.5;

std::size_t count(const world_run& r, decision_kind k) {
    return static_cast<std::size_t>(std::count_if(r.decisions.begin(), r.decisions.end(), [&](const auto& d) { return d.kind == k; }));
}

bool says(const world_run& r, std::string_view text) {
    return std::any_of(r.decisions.begin(), r.decisions.end(), [&](const auto& d) { return d.reason.find(text) != std::string::npos; });
}

void check_replay(const world_run& r) {
    const auto again = replay(r.log).or_throw();
    CHECK(again == r.decisions);
}

} // namespace

TEST_CASE("equal orderings: no flapping in 2,000 blocks with 3 % noise and 5 % common drift, 100 seeds") {
    std::size_t total = 0, worst = 0;
    double cost = 0.0;
    for (std::uint32_t seed = 1; seed <= 100; ++seed) {
        const std::vector<std::string> all{"A", "B", "C"};
        const std::vector<std::string> arms(all.begin(), all.begin() + (seed % 2 == 0 ? 3 : 2));
        const pipeline_world w{.rate = {{"A", rate}, {"B", rate}, {"C", rate}}, .seed = seed};
        const auto r = run_world(w, acting(2000, block_s, seed), arms, 2000);
        total += r.switches;
        worst = std::max(worst, r.switches);
        cost = std::max(cost, r.spent_s / r.budget_s * 0.03);
        CHECK(r.switches <= 1);
        CHECK(r.spent_s <= r.budget_s);
    }
    std::cout << "equal arms, 100 seeds x 2000 blocks: switches " << total << ", worst seed " << worst << ", largest cost " << 100 * cost << " %\n";
    CHECK(total <= 10);
}

TEST_CASE("an ordering that is better by 10 to 15 % is found, at most 3 % of the run spent, 100 seeds each") {
    for (const double better : {1.10, 1.15}) {
        int found = 0;
        double cost = 0.0;
        for (std::uint32_t seed = 1; seed <= 100; ++seed) {
            const pipeline_world w{.rate = {{"A", rate}, {"B", rate * better}}, .seed = seed};
            const auto r = run_world(w, acting(2000, block_s, seed), {"A", "B"}, 2000);
            found += r.incumbent == "B" ? 1 : 0;
            cost = std::max(cost, r.spent_s / (2000 * block_s));
            CHECK(r.switches <= 1);
        }
        std::cout << "better by " << 100 * (better - 1) << " %: found " << found << " of 100, largest cost " << 100 * cost << " %\n";
        CHECK(found >= (better > 1.12 ? 97 : 80));
        CHECK(cost <= 0.03);
    }
}

TEST_CASE("the better ordering is not left for a worse one, 100 seeds") {
    int left = 0;
    for (std::uint32_t seed = 1; seed <= 100; ++seed) {
        const pipeline_world w{.rate = {{"A", rate}, {"B", rate * 0.9}}, .seed = seed};
        left += run_world(w, acting(2000, block_s, seed), {"A", "B"}, 2000).incumbent != "A" ? 1 : 0;
    }
    CHECK(left == 0);
}

TEST_CASE("a short run of 400 blocks with one warm-up block finds a stage made 1.5 times slower within 3 %") {
    int found = 0;
    for (std::uint32_t seed = 1; seed <= 50; ++seed) {
        const pipeline_world w{.rate = {{"A", rate / 1.5}, {"B", rate}}, .seed = seed, .pause_s = 0.02};
        auto s = acting(400, block_s * 1.25, seed);
        s.warmup_blocks = 1;
        s.switch_cost_s = 0.1;
        s.reserve_share = 0.0;
        const auto r = run_world(w, s, {"A", "B"}, 400);
        found += r.incumbent == "B" ? 1 : 0;
        CHECK(r.spent_s <= 0.03 * s.planned_s);
    }
    CHECK(found >= 45);
}

TEST_CASE("an incumbent that slows down in mid-run is left within 60 blocks; a common slowdown is not a reason, 100 seeds") {
    int in_time = 0, left_for_nothing = 0;
    std::size_t latest = 0;
    for (std::uint32_t seed = 1; seed <= 100; ++seed) {
        pipeline_world w{.rate = {{"A", rate}, {"B", rate * 0.95}}, .seed = seed};
        w.extra = [](const std::string& arm, std::uint64_t k) { return arm == "A" && k >= 1000 ? 0.7 : 1.0; };
        const auto r = run_world(w, acting(2000, block_s, seed), {"A", "B"}, 2000);
        for (std::size_t k = 0; k < r.decisions.size(); ++k)
            if (r.decisions[k].kind == decision_kind::switch_to && r.decisions[k].commanded && r.when[k] >= 1000) {
                latest = std::max(latest, r.when[k] - 1000);
                in_time += r.when[k] <= 1060 ? 1 : 0;
                break;
            }
        CHECK(r.spent_s <= r.budget_s);
        if (seed <= 5)
            check_replay(r);
        w.extra = [](const std::string&, std::uint64_t k) { return k >= 1000 ? 0.7 : 1.0; };
        left_for_nothing += run_world(w, acting(2000, block_s, seed), {"A", "B"}, 2000).incumbent != "A" ? 1 : 0;
    }
    std::cout << "slowdown by 30 %: left within 60 blocks in " << in_time << " of 100, latest after " << latest << "; common slowdown, left: " << left_for_nothing << "\n";
    CHECK(in_time >= 97);
    CHECK(left_for_nothing <= 3);
}

TEST_CASE("observe probes nothing and commands nothing; advise says and does not do") {
    const pipeline_world w{.rate = {{"A", rate}, {"B", rate * 1.5}}};
    for (const auto mode : {policy_mode::observe, policy_mode::advise}) {
        auto s = acting(2000, block_s);
        s.mode = mode;
        const auto r = run_world(w, s, {"A", "B"}, 500, {{300, surroundings_changed{surroundings::user_asks, ""}}});
        CHECK(std::none_of(r.decisions.begin(), r.decisions.end(), [](const auto& d) { return d.commanded; }));
        CHECK(std::count(r.ran.begin(), r.ran.end(), "A") == 500);
        CHECK(count(r, decision_kind::probe) == (mode == policy_mode::observe ? 0 : count(r, decision_kind::look)));
        check_replay(r);
    }
}

TEST_CASE("in advise, somebody who runs what is advised gets the advice to switch, and the choice stays theirs") {
    auto s = acting(2000, block_s);
    s.mode = policy_mode::advise;
    auto policy = ordering_policy::make(s, {"A", "B"}).or_throw();
    std::optional<ordering_decision> advice;
    for (std::uint64_t k = 0; k < 100 && !advice; ++k) {
        const std::string arm = policy.wanted();
        const double seconds = (arm == "A" ? 1.5 : 1.2) * (1.0 + 0.01 * static_cast<double>(k % 3));
        for (const auto& d : policy.on(block_measured{arm, k, seconds, 20, std::nullopt, energy_source::none})) {
            CHECK_FALSE(d.commanded);
            if (d.kind == decision_kind::switch_to)
                advice = d;
        }
    }
    REQUIRE(advice);
    CHECK(advice->arm == "B");
    CHECK(policy.incumbent() == "A");
    CHECK(advice->gain_lower.value() > 0.02);
    CHECK(advice->reason.find("said, not done") != std::string::npos);
    static_cast<void>(policy.on(ordering_applied{"B", 0.1, true}));
    CHECK(policy.incumbent() == "B");
}

TEST_CASE("joules decide only when they are measured or their watts were configured") {
    // B is 20 % faster, A needs half the power.
    pipeline_world w{.rate = {{"A", rate}, {"B", rate * 1.2}}, .watts = {{"A", 50.0}, {"B", 100.0}}, .source = energy_source::rapl};
    const auto s = acting(2000, block_s);
    CHECK(run_world(w, s, {"A", "B"}, 300).incumbent == "A");
    CHECK(run_world(w, s, {"B", "A"}, 300).incumbent == "A");
    CHECK(says(run_world(w, s, {"B", "A"}, 300), "per joule, source rapl"));
    w.source = energy_source::model;
    CHECK(run_world(w, s, {"A", "B"}, 300).incumbent == "B");
    auto configured = s;
    configured.watts_configured = true;
    CHECK(run_world(w, configured, {"B", "A"}, 300).incumbent == "A");
    // Asked for joules that only a model says: it advises, and does not act.
    auto asked = s;
    asked.objective = ordering_objective::per_joule;
    const auto advised = run_world(w, asked, {"B", "A"}, 300);
    CHECK(advised.incumbent == "B");
    CHECK(advised.switches == 0);
    CHECK(std::any_of(advised.decisions.begin(), advised.decisions.end(), [](const auto& d) {
        return d.kind == decision_kind::switch_to && d.arm == "A" && !d.commanded && d.source == energy_source::model;
    }));
    CHECK(advised.ran.back() == "B");
    // Unknown joules, and joules of which one arm has none.
    w.watts.clear();
    CHECK(says(run_world(w, asked, {"A", "B"}, 300), "joules are unknown"));
    w.watts = {{"A", 50.0}};
    w.source = energy_source::nvml;
    const auto half = run_world(w, s, {"A", "B"}, 300);
    CHECK(half.incumbent == "B");
    CHECK(says(half, "joules are unknown"));
}

TEST_CASE("a single ordering is held; nothing else is said") {
    const auto r = run_world({.rate = {{"A", rate}}}, acting(500, block_s), {"A"}, 500);
    REQUIRE(r.decisions.size() == 1);
    CHECK(r.decisions[0].kind == decision_kind::hold);
    CHECK(r.decisions[0].reason.find("only one ordering") != std::string::npos);
    CHECK(r.spent_s == 0.0);
    CHECK_FALSE(ordering_policy::make(acting(1, 1), {}));
    CHECK_FALSE(ordering_policy::make(acting(1, 1), {"A", "A"}));
    CHECK_FALSE(ordering_policy::make({}, {"A"}));
}

TEST_CASE("an arm that fails during its visit is out, the look goes on without it; a failed incumbent is replaced at once") {
    const pipeline_world w{.rate = {{"A", rate}, {"B", rate * 1.2}, {"C", rate * 1.1}}};
    auto probing = run_world(w, acting(2000, block_s), {"A", "B", "C"}, 60);
    const auto first_b = std::find(probing.ran.begin(), probing.ran.end(), "B") - probing.ran.begin();
    const auto at = static_cast<std::uint64_t>(first_b) + 1;
    const auto r = run_world(w, acting(2000, block_s), {"A", "B", "C"}, 300, {{at, arm_failed{"B", "its device left"}}});
    CHECK(says(r, "B is out: its device left"));
    CHECK(r.incumbent == "C");
    CHECK(std::count(r.ran.begin() + first_b + 1, r.ran.end(), "B") == 0);
    check_replay(r);

    const auto dead = run_world(w, acting(2000, block_s), {"A", "B", "C"}, 600, {{400, arm_failed{"B", "dead"}}, {401, block_measured{"B", 0, 1.0, 5, {}, {}}}});
    CHECK(dead.ran[399] == "B");
    CHECK(dead.ran[401] != "B");
    CHECK(dead.incumbent == "C");
    check_replay(dead);

    const auto none = run_world({.rate = {{"A", rate}}}, acting(2000, block_s), {"A"}, 20, {{10, arm_failed{"A", "dead"}}});
    CHECK(says(none, "nothing is left"));
}

TEST_CASE("an arm whose blocks hold no trajectory counts as failed and is left") {
    pipeline_world w{.rate = {{"A", rate}, {"B", rate}}};
    auto policy = ordering_policy::make(acting(2000, block_s), {"A", "B"}).or_throw();
    std::uint64_t b_blocks = 0;
    bool excluded = false;
    for (std::uint64_t k = 0; k < 50; ++k) {
        const std::string arm = policy.wanted();
        b_blocks += arm == "B" ? 1u : 0u;
        for (const auto& d : policy.on(block_measured{arm, k, 1.5, arm == "B" ? 0u : 20u, {}, {}}))
            excluded = excluded || d.kind == decision_kind::exclude;
    }
    CHECK(excluded);
    CHECK(b_blocks == 3);
    CHECK(policy.wanted() == "A");
    CHECK_FALSE(policy.looking());
}

TEST_CASE("a budget that two rounds do not fit into means no look, and it says so") {
    const pipeline_world w{.rate = {{"A", rate}, {"B", rate * 2}}};
    const auto r = run_world(w, acting(100, block_s), {"A", "B"}, 100);
    CHECK(count(r, decision_kind::look) == 0);
    CHECK(says(r, "are left"));
    CHECK(r.spent_s == 0.0);
}

TEST_CASE("a gain that the rest of the run does not repay is not taken; after four switches in a day it only says") {
    const pipeline_world w{.rate = {{"A", rate}, {"B", rate * 1.3}}, .pause_s = 2.0};
    auto s = acting(2000, block_s);
    // A minute before the end, somebody asks.
    auto late = s;
    late.mode = policy_mode::observe;
    const auto r = run_world(w, late, {"A", "B"}, 300, {{200, plan_changed{60.0}}, {200, mode_changed{policy_mode::act}}});
    CHECK(r.switches == 0);
    CHECK(says(r, "do not repay"));
    CHECK(r.ran.back() == "A");
    s.switches_per_day = 0;
    const auto told = run_world(w, s, {"A", "B"}, 300);
    CHECK(told.incumbent == "A");
    CHECK(says(told, "switches in a day are done"));
    CHECK(told.ran.back() == "A");
}

TEST_CASE("leaving act in mid-look runs the incumbent again") {
    const pipeline_world w{.rate = {{"A", rate}, {"B", rate}}};
    const auto probing = run_world(w, acting(2000, block_s), {"A", "B"}, 60);
    const auto first_b = static_cast<std::uint64_t>(std::find(probing.ran.begin(), probing.ran.end(), "B") - probing.ran.begin());
    const auto r = run_world(w, acting(2000, block_s), {"A", "B"}, 60, {{first_b + 1, mode_changed{policy_mode::observe}}});
    CHECK(std::count(r.ran.begin(), r.ran.end(), "B") == 1);
    CHECK(says(r, "the look ends undecided"));
    check_replay(r);
}

TEST_CASE("events, settings and decisions read back as what they were, and a journal of both replays") {
    const pipeline_world w{.rate = {{"A \"one\"", rate}, {"B\\\n", rate * 1.12}}, .pause_s = 0.05, .watts = {{"A \"one\"", 31.7}}, .source = energy_source::hwmon};
    auto s = acting(2000, block_s, 99);
    s.near_share = 1.0 / 7.0;
    const auto r = run_world(w, s, {"A \"one\"", "B\\\n"}, 400,
                             {{100, surroundings_changed{surroundings::device_joined, "gpu 1"}}, {120, arm_failed{"B\\\n", "no \"memory\""}},
                              {150, mode_changed{policy_mode::advise}}, {160, plan_changed{1e5 / 3.0}}});
    CHECK(settings_from_line(to_line(s)).or_throw() == s);
    for (const auto& e : r.log.events)
        CHECK(event_from_line(to_line(e)).or_throw() == e);
    std::string journal = to_text(r.log);
    for (const auto& d : r.decisions) {
        CHECK(decision_from_line(to_line(d)).or_throw() == d);
        journal += to_line(d) + "\n";
    }
    const auto log = policy_log_from_text(journal).or_throw();
    CHECK(log == r.log);
    CHECK(replay(log).or_throw() == r.decisions);
}

TEST_CASE("broken lines of a journal are refused, each with its place") {
    const auto s = to_line(acting(10, 1.0));
    const std::vector<std::string> broken{"", "block", "block arm=\"A\" index=1", "block arm=\"A\\x\" index=1 s=1 trajectories=1 joules=- source=none",
                                          "block arm=\"A\" index=-1 s=1 trajectories=1 joules=- source=none", "block arm=\"A\" index=1 s=1 trajectories=1 joules=- source=sun",
                                          "mode mode=maybe", "nonsense", "decision number=1"};
    for (const auto& line : broken) {
        CHECK_FALSE(event_from_line(line));
        CHECK_FALSE(decision_from_line(line));
        if (!line.empty() && !line.starts_with("decision")) {
            const auto log = policy_log_from_text(s + "\narm name=\"A\"\n" + line + "\n");
            REQUIRE_FALSE(log);
            CHECK(log.reason().where.find("line 3") != std::string::npos);
        }
    }
    CHECK_FALSE(policy_log_from_text(""));
    CHECK_FALSE(policy_log_from_text("block arm=\"A\"\n"));
}

TEST_CASE("events that make no sense change nothing but their number") {
    auto policy = ordering_policy::make(acting(2000, block_s), {"A", "B"}).or_throw();
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(policy.on(block_measured{"Z", 0, 1.0, 1, {}, {}}).empty());
    CHECK(policy.on(block_measured{"A", 0, nan, 1, {}, {}}).empty());
    CHECK(policy.on(block_measured{"A", 0, -1.0, 1, {}, {}}).empty());
    CHECK(policy.on(arm_failed{"Z", ""}).empty());
    CHECK(policy.on(plan_changed{nan}).empty());
    CHECK(policy.elapsed_s() == 0.0);
    CHECK(policy.incumbent() == "A");
}
