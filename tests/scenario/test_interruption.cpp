// SPDX-License-Identifier: AGPL-3.0-only
// Runs that are killed, stopped, doubled: the ledger ends where the undisturbed run ends.
#include "tests/scenario/scenario.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace forge::test;
using forge::chain_id;

namespace {

/// About four seconds on a small machine.
campaign_file long_campaign() {
    campaign_file c;
    c.measure = 1500;
    c.checkpoint = "interval_s = 0.1";
    return c;
}

void kill_and_resume(const campaign_file& c, unsigned seed, int kills, double longest_s) {
    CAPTURE(seed);
    scenario s(c);
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> moment(0.0, longest_s);
    int killed = 0;
    for (int k = 0; k < kills; ++k) {
        process p(s.command({"--quiet"}));
        const double after = moment(random);
        if (eventually(after, [&p] { return !p.running(); })) {
            INFO(p.err());
            REQUIRE(p.wait().exit_code == 0); // it finished before its moment came
            break;
        }
        CHECK(p.stop(SIGKILL).signal == SIGKILL);
        ++killed;
    }
    CHECK(killed >= kills / 2);
    check_whole(s, c);
}

} // namespace

TEST_CASE("killed at 20 random moments a campaign ends with the hash of the undisturbed run", "[kill]") {
    kill_and_resume(long_campaign(), 20261121, 20, 0.6);
}

TEST_CASE("killed at 200 random moments a campaign ends with the hash of the undisturbed run", "[kill][slow]") {
    auto c = long_campaign();
    c.measure = 20000;
    kill_and_resume(c, 20261122, 200, 0.8);
}

TEST_CASE("a signal or --stop-after ends a run sealed with exit code 0, and the same command goes on", "[stop]") {
    const auto c = long_campaign();
    const auto how = GENERATE(as<std::string>{}, "SIGINT", "SIGTERM", "--stop-after");
    CAPTURE(how);
    scenario s(c);
    process p(s.command(how == "--stop-after" ? std::vector<std::string>{"--stop-after", "2s"} : std::vector<std::string>{}));
    if (how != "--stop-after") {
        REQUIRE(eventually(30.0, [&s] { return s.committed(0) > 100 && s.committed(1) > 100; }));
        p.send(how == "SIGINT" ? SIGINT : SIGTERM);
    }
    const auto r = p.wait();
    INFO(r.err);
    CHECK_FALSE(r.timed_out);
    CHECK(r.exit_code == 0);
    CHECK(data_of(r).at("finished") == false);
    CHECK(r.err.find("To go on:  forge run " + s.file().string() + " --out " + s.folder().string()) != std::string::npos);
    const auto status = data_of(run_forge({"status", "--run", s.folder().string(), "--json"}));
    CHECK(status.at("state") == "stopped");
    {
        auto book = s.open();
        for (const auto& chain : status.at("chains")) {
            CHECK(chain.at("sealed") == chain.at("trajectory"));
            CHECK(chain.at("trajectory").get<std::uint64_t>() > 0);
        }
        for (std::uint32_t chain = 0; chain < 2; ++chain)
            CHECK(book.sealed(chain_id{chain}).or_throw() == book.count(chain_id{chain}).or_throw());
    }
    CHECK(s.finish() == undisturbed_hash(c));
}

TEST_CASE("a stop that comes while a run starts is obeyed, and nothing is lost", "[stop]") {
    const auto c = long_campaign();
    scenario s(c);
    process p(s.command());
    REQUIRE(eventually(30.0, [&s] { return std::filesystem::exists(s.folder() / "ledger.sqlite"); }));
    p.send(SIGTERM);
    const auto r = p.wait();
    INFO(r.err);
    CHECK(r.exit_code == 0);
    CHECK(data_of(r).at("finished") == false);
    CHECK(s.finish() == undisturbed_hash(c));
}

TEST_CASE("a second run on a directory in use is refused with the pid, and the first is undisturbed", "[lock]") {
    const auto c = long_campaign();
    scenario s(c);
    process first(s.command());
    REQUIRE(eventually(30.0, [&s] { return s.committed(0) > 10; }));
    const auto kept = read_all(s.folder() / "campaign.toml");
    auto other = c;
    other.checkpoint = "interval_s = 7.0"; // not physics, so only the lock can refuse it
    s.write(other);
    const auto second = s.run();
    INFO(second.err);
    REQUIRE(first.running());
    CHECK(second.exit_code == 4);
    CHECK(second.err.find("locked") != std::string::npos);
    CHECK(second.err.find(std::to_string(first.pid())) != std::string::npos);
    CHECK(read_all(s.folder() / "campaign.toml") == kept);
    const auto r = first.wait();
    CHECK(r.exit_code == 0);
    CHECK(data_of(r).at("ledger_hash") == undisturbed_hash(c));
}
