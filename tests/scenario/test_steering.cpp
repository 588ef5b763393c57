// SPDX-License-Identifier: AGPL-3.0-only
// Decisions: which point a chain takes, and when it has measured enough.
#include "tests/scenario/scenario.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <set>

using namespace forge::test;
using forge::chain_id;

namespace {

campaign_file adaptive_campaign() {
    campaign_file c;
    c.points = 9;
    c.measure = 300;
    c.scan = "steering = \"adaptive\"\n";
    c.checkpoint = "interval_s = 0.1";
    return c;
}

void check_each_point_once(const scenario& s, const campaign_file& c) {
    auto book = s.open();
    std::multiset<double> betas;
    for (std::uint32_t chain = 0; chain < 2; ++chain) {
        const auto segments = book.segments(chain_id{chain}).or_throw();
        CHECK(segments.size() >= 2); // both took part
        for (const auto& segment : segments) {
            betas.insert(segment.params.beta);
            CHECK(segment.finished);
            CHECK_FALSE(segment.reason.empty());
        }
        const auto per_segment = static_cast<std::uint64_t>(c.thermalise + c.measure);
        CHECK(book.count(chain_id{chain}).or_throw() == per_segment * segments.size());
    }
    CHECK(betas.size() == 9);
    CHECK(std::set<double>(betas.begin(), betas.end()).size() == 9);
    CHECK(*betas.begin() == 5.5);
    CHECK(*betas.rbegin() == 5.9);
    // Every decision is in the log.
    std::size_t decisions = 0;
    for (const auto& e : book.events().or_throw())
        decisions += e.kind == "segment_opened" ? 1 : 0;
    CHECK(decisions == 9);
    CHECK(s.check_ledger().exit_code == 0);
}

} // namespace

TEST_CASE("adaptive steering measures every point exactly once", "[steering]") {
    const auto c = adaptive_campaign();
    const scenario s(c);
    s.finish();
    check_each_point_once(s, c);
}

TEST_CASE("adaptive steering measures every point exactly once although the run is killed", "[steering][kill]") {
    const auto c = adaptive_campaign();
    const scenario s(c);
    const unsigned seed = 4711;
    CAPTURE(seed);
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> moment(0.1, 0.5);
    for (int k = 0; k < 5; ++k) {
        process p(s.command({"--quiet"}));
        if (eventually(moment(random), [&p] { return !p.running(); }))
            break;
        CHECK(p.stop(SIGKILL).signal == SIGKILL);
    }
    s.finish();
    check_each_point_once(s, c);
}

TEST_CASE("a target error ends measurement early, at the same trajectory in every run", "[steering]") {
    campaign_file c;
    c.points = 2;
    c.measure = 20000;
    c.measurement = "target_error = 0.0025\n";
    c.checkpoint = "interval_s = 0.1";
    const scenario undisturbed(c);
    const auto hash = undisturbed.finish();
    {
        auto book = undisturbed.open();
        for (std::uint32_t chain = 0; chain < 2; ++chain) {
            const auto n = book.count(chain_id{chain}).or_throw() - 20;
            CHECK(n >= 50);
            CHECK(n < 20000); // it did end early
            CHECK(n % 50 == 0);
        }
    }
    CHECK(scenario(c).finish() == hash);
    scenario killed(c);
    process p(killed.command({"--quiet"}));
    REQUIRE(eventually(30.0, [&killed, &p] { return killed.committed(0) > 150 || !p.running(); }));
    CHECK(p.stop(SIGKILL).signal == SIGKILL);
    CHECK(killed.finish() == hash);
}
