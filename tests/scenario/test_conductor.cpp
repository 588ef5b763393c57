// SPDX-License-Identifier: AGPL-3.0-only
// The conductor at work in the real program: what it may change, and what not even a kill may.
#include "tests/scenario/scenario.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <fstream>
#include <iterator>

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
    const auto drifts = events_of(advise, "drift_checked"); // of every chain's two segments, when measurement begins
    REQUIRE(drifts.size() == 8);
    for (const auto& e : drifts)
        CHECK((e.text.find("drift") != std::string::npos && e.trajectory));
    CHECK(events_of(off, "drift_checked").empty());
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
    REQUIRE(run_forge({"report", "--run", s.folder().string()}).exit_code == 0);
    std::ifstream report(s.folder() / "report" / "report.md");
    const std::string text(std::istreambuf_iterator<char>(report), {});
    CHECK(text.find("Hot against cold") != std::string::npos);
    CHECK(text.find("| 5.5000 | c0/s0 | c1/s0 | " + std::to_string(thermalised_after(s, 0)) + " and") != std::string::npos);
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

TEST_CASE("a conductor with a model: learnt from earlier runs, part of the physics, and what it learns is kept", "[conductor]") {
    campaign_file earlier;
    earlier.chains = 6;
    earlier.points = 6;
    earlier.thermalise = 5;
    earlier.measure = 225;
    earlier.start = "kind = \"hot\"";
    const scenario hot(earlier);
    (void)hot.finish();
    earlier.start = "kind = \"cold\"";
    const scenario cold(earlier);
    (void)cold.finish();

    // Bootstrap: the model is made once and kept with the run.
    const auto folders = "bootstrap = [\"" + hot.folder().string() + "\", \"" + cold.folder().string() + "\"]\n";
    auto c = pairs("act", folders);
    scenario s(c);
    const auto first = s.run({"--stop-after", "4s"});
    INFO(first.err);
    REQUIRE(first.exit_code == 0);
    CHECK(first.err.find("learns from 2 runs") != std::string::npos);
    REQUIRE(std::filesystem::exists(s.folder() / "conductor.model"));
    const auto second = s.run();
    CHECK(second.exit_code == 0);
    CHECK(second.err.find("learns from") == std::string::npos);
    const auto hash = data_of(second).at("ledger_hash");

    // The same model from a file gives the same bits, undisturbed.
    const auto model = (s.folder() / "conductor.model").string();
    scenario by_file(pairs("act", "model = \"" + model + "\"\n"));
    CHECK(by_file.finish() == hash);
    const auto status = data_of(run_forge({"status", "--run", by_file.folder().string(), "--json"}))["conductor"];
    CHECK(status["model"] == model);
    CHECK(status["learnt_rows"].get<std::uint64_t>() > 0);
    CHECK_FALSE(status["heads"].empty());
    const auto learnt = run_forge({"npu", "export", (by_file.folder() / "learnt.model").string()});
    CHECK(learnt.exit_code == 0);

    // What it learnt is another model: another campaign may use it, this run directory may not.
    by_file.write(pairs("act", "model = \"" + (by_file.folder() / "learnt.model").string() + "\"\n"));
    const auto other = by_file.run();
    CHECK(other.exit_code == 4);
    CHECK(other.err.find("conductor.model") != std::string::npos);

    const auto damaged = (s.scratch() / "damaged.model").string();
    std::filesystem::copy_file(model, damaged);
    flip(damaged, 5000);
    CHECK(scenario(pairs("advise", "model = \"" + damaged + "\"\n")).run().exit_code == 6);
    CHECK(scenario(pairs("advise", "model = \"" + model + ".none\"\n")).run().exit_code == 3);
    auto elsewhere = pairs("advise", "model = \"" + model + "\"\n");
    elsewhere.extents = "[4, 4, 4, 2]";
    const auto refused = scenario(elsewhere).run();
    CHECK(refused.exit_code == 4);
    CHECK(refused.err.find("another volume") != std::string::npos);
}

TEST_CASE("a chain whose partner is paused waits for it, and both go on", "[conductor]") {
    auto c = pairs("act");
    c.thermalise = 150;
    const auto hash = undisturbed_hash(c);
    scenario s(c);
    process p(s.command());
    REQUIRE(eventually(30.0, [&] { return s.committed(1) > 3; }));
    const auto paused = run_forge({"chain", "pause", "c1", "--run", s.folder().string()});
    if (paused.exit_code == 0 && s.committed(1) < 20) { // it had not measured yet
        const auto stand = s.committed(1);
        REQUIRE(eventually(30.0, [&] { return s.committed(2) > 60 && s.committed(3) > 60; })); // the other pair goes on
        CHECK(s.committed(0) < 10 * (stand / 10 + 2) + 1);
    }
    if (paused.exit_code == 0)
        (void)run_forge({"chain", "resume", "c1", "--run", s.folder().string()});
    const auto r = p.wait();
    CHECK(r.exit_code == 0);
    CHECK(data_of(r).at("ledger_hash") == hash);
}
