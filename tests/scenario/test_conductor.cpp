// SPDX-License-Identifier: AGPL-3.0-only
// The conductor at work in the real program: what it may change, and what not even a kill may.
#include "tests/scenario/scenario.hpp"

#include <catch2/catch.hpp>

#include <csignal>

using namespace forge;
using namespace forge::test;

namespace {

/// Two pairs, hot and cold; long enough for them to meet on 4^4.
campaign_file pairs(const std::string& mode, const std::string& more = "") {
    campaign_file c;
    c.chains = 4;
    c.points = 4;
    c.thermalise = 150;
    c.measure = 60;
    c.start = "kind = \"both\"";
    c.conductor = "mode = \"" + mode + "\"\n" + more;
    return c;
}

std::vector<event_row> events_of(const scenario& s, const std::string& kind) {
    std::vector<event_row> all;
    auto book = s.open();
    for (const auto& e : book.events().or_throw())
        if (e.kind == kind)
            all.push_back(e);
    return all;
}

/// Trajectories before the first measured one of a chain's first segment.
std::uint64_t thermalised_after(const scenario& s, std::uint32_t chain) {
    auto book = s.open();
    for (const auto& row : book.records(chain_id{chain}).or_throw())
        if (row.record.measured)
            return row.record.trajectory - 1;
    return 0;
}

} // namespace

TEST_CASE("advice changes no bit", "[conductor]") {
    scenario off(pairs("off")), advise(pairs("advise"));
    const auto hash = off.finish();
    CHECK(advise.finish() == hash);
    CHECK(events_of(advise, "thermalised").empty());
    CHECK(events_of(advise, "predicted").size() == 4);
    const auto status = data_of(run_forge({"status", "--run", advise.folder().string(), "--json"}));
    CHECK(status["conductor"]["mode"] == "advise");
    CHECK(status["conductor"]["thermalised"].size() == 2); // it says what it would have done
    CHECK(status["conductor"]["trajectories"].get<std::uint64_t>() > 800);
    CHECK(data_of(run_forge({"status", "--run", off.folder().string(), "--json"}))["conductor"].is_null());
}

TEST_CASE("thermalisation ends where hot and cold agree, measurement is whole, and the same bits come again", "[conductor]") {
    const auto c = pairs("act");
    scenario s(c);
    const auto hash = s.finish();
    CHECK(events_of(s, "thermalised").size() == 4);
    for (std::uint32_t chain = 0; chain < 4; ++chain) {
        CAPTURE(chain);
        const auto after = thermalised_after(s, chain);
        CHECK(after % 10 == 0);
        CHECK(after >= 20);
        CHECK(after < 150);
        CHECK(after == thermalised_after(s, chain ^ 1u)); // both of a pair, or none
        auto book = s.open();
        std::size_t measured = 0;
        for (const auto& row : book.records(chain_id{chain}).or_throw())
            measured += row.record.measured ? 1 : 0;
        CHECK(measured == 120); // two points of 60
    }
    scenario again(c);
    CHECK(again.finish() == hash);
}

TEST_CASE("a run that is killed while its conductor decides comes to the same bits", "[conductor]") {
    auto c = pairs("act");
    c.measure = 300;
    scenario undisturbed(c);
    const auto hash = undisturbed.finish();
    for (const std::uint64_t at : {15u, 35u, 80u, 260u}) {
        CAPTURE(at);
        scenario s(c);
        {
            process p(s.command());
            REQUIRE(eventually(30.0, [&] { return s.committed(0) > at && s.committed(3) > at; }));
            p.send(SIGKILL);
            (void)p.wait();
        }
        CHECK(s.finish() == hash);
        auto book = s.open();
        CHECK(book.check().or_throw().ok()); // one live record per index, whatever was computed again
    }
}

TEST_CASE("points that the conductor adds are decisions of the ledger: a restart does not take them again", "[conductor]") {
    auto c = pairs("act", "extra_points = 2\n");
    c.measure = 400;
    scenario s(c);
    {
        process p(s.command());
        REQUIRE(eventually(60.0, [&] { return s.committed(0) > 1250; })); // beyond the plan's two points
        p.send(SIGKILL);
        (void)p.wait();
    }
    (void)s.finish();
    std::map<double, std::size_t> visits;
    auto book = s.open();
    for (std::uint32_t chain = 0; chain < 4; ++chain)
        for (const auto& segment : book.segments(chain_id{chain}).or_throw())
            ++visits[segment.params.beta];
    CHECK(visits.size() == 6); // four planned, two added
    for (const auto& [beta, n] : visits) {
        CAPTURE(beta);
        CHECK(n == 2); // each by both chains of a pair
        CHECK(beta >= 5.5);
        CHECK(beta <= 5.9);
    }
}

TEST_CASE("what the conductor may not do is refused before anything starts", "[conductor]") {
    auto single = pairs("act");
    single.start = "kind = \"hot\"";
    const auto r = scenario(single).run();
    CHECK(r.exit_code == 2);
    CHECK(r.err.find("a hot and a cold chain agree") != std::string::npos);
    auto odd = pairs("off");
    odd.chains = 3;
    CHECK(scenario(odd).run().exit_code == 2);
    scenario s(pairs("advise"));
    (void)s.finish();
    s.write(pairs("act")); // other physics from now on: not in this run directory
    const auto refused = s.run();
    CHECK(refused.exit_code == 4);
    CHECK(refused.err.find("conductor.thermalisation") != std::string::npos);
}
