// SPDX-License-Identifier: AGPL-3.0-only
// Machines that die or freeze with chains on board: nothing sealed is lost, nothing is committed twice.
#include "tests/cluster/cluster.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace forge::test;

namespace {

/// Random moments: a node (0) or the coordinator (1), in turn.
void kill_at_random(const campaign_file& file, unsigned seed, int kills, double longest_s) {
    CAPTURE(seed);
    cluster lab(file);
    lab.start();
    auto two = lab.join("lab2");
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> moment(0.0, longest_s);
    int killed = 0;
    for (int k = 0; k < kills && lab.coordinator().program->running(); ++k) {
        CAPTURE(k);
        const auto offers = lab.coordinator().said("node lab2 offers");
        // Onto the node, without waiting: the kill may hit the move itself.
        for (const char* c : {"c0", "c1"})
            (void)run_forge({"chain", "migrate", c, std::string("lab2/opencl:0.") + (c[1]), "--run", lab.run().folder().string(), "--no-wait"});
        (void)eventually(moment(random), [&] { return !lab.coordinator().program->running(); });
        if (!lab.coordinator().program->running())
            break;
        ++killed;
        if (k % 2 == 0) {
            two.program->stop(SIGKILL);
            lab.start_node(two);
        } else {
            lab.coordinator().program->stop(SIGKILL);
            lab.start();
        }
        const int before = k % 2 == 0 ? offers : 0;
        INFO(lab.coordinator().program->err() << two.program->err());
        REQUIRE(eventually(30.0, [&] { return lab.coordinator().said("node lab2 offers") > before || !lab.coordinator().program->running(); }));
    }
    CHECK(killed >= kills * 2 / 3);
    lab.must_end_undisturbed(600.0);
}

} // namespace

TEST_CASE("a node that is killed loses nothing that was sealed; its chains go on elsewhere", "[loss]") {
    cluster lab;
    lab.start();
    auto two = lab.join("lab2");
    auto three = lab.join("lab3");
    lab.migrate("c0", "lab2/opencl:0.0");
    lab.migrate("c1", "lab2/opencl:0.1");
    const auto sealed = lab.chain("c0")["sealed"].get<std::uint64_t>();
    two.program->stop(SIGKILL);
    REQUIRE(eventually(20.0, [&] {
        for (const char* c : {"c0", "c1"})
            if (const auto row = lab.chain(c); row.is_null() || row["device"].get<std::string>().starts_with("lab2/"))
                return false;
        return true;
    }));
    REQUIRE(eventually(20.0, [&] { return !lab.chain("c0").is_null() && lab.chain("c0")["trajectory"].is_number(); })); // n/a until it is loaded
    CHECK(lab.chain("c0")["trajectory"].get<std::uint64_t>() >= sealed);
    CHECK(lab.coordinator().said("node lab2 is gone") == 1);
    lab.must_end_undisturbed();
}

TEST_CASE("a node that was frozen says what it dropped, rejoins, and changes nothing", "[loss]") {
    auto slow = travelling_campaign(); // a trajectory takes much longer than a message: the node freezes in one
    slow.steps = 400;
    slow.measure = 250;
    slow.thermalise = 10;
    cluster lab(slow);
    lab.start();
    auto two = lab.join("lab2");
    int frozen = 0;
    const auto refused = [&] { return two.said("of c0, computed under epoch") > 0 && lab.coordinator().said("of c0, computed under epoch") > 0; };
    while (!refused() && frozen < 3) { // unless it froze between two trajectories
        lab.migrate("c0", "lab2/opencl:0.0");
        two.program->send(SIGSTOP);
        ++frozen;
        REQUIRE(eventually(20.0, [&] { return lab.coordinator().said("node lab2 is gone") == frozen; })); // 5 s after the last heartbeat
        CHECK(lab.computes_on("c0", "opencl:"));
        two.program->send(SIGCONT);
        INFO(two.program->err());
        REQUIRE(eventually(20.0, [&] { return two.said("1 chain is dropped") == frozen && two.said("joined the campaign of lab1") == frozen + 1; }));
        REQUIRE(eventually(20.0, [&] { return lab.coordinator().said("node lab2 offers") == frozen + 1; }));
        (void)eventually(3.0, refused);
    }
    CHECK(refused()); // what it computed for an owner that is no more: both sides say so
    lab.migrate("c0", "lab2/opencl:0.1");
    lab.must_end_undisturbed();
}

TEST_CASE("a coordinator that is killed goes on with the same command; its nodes come back by themselves", "[loss]") {
    cluster lab;
    lab.start();
    auto two = lab.join("lab2");
    lab.migrate("c0", "lab2/opencl:0.0");
    const auto sealed = lab.chain("c0")["sealed"].get<std::uint64_t>();
    lab.coordinator().program->stop(SIGKILL);
    REQUIRE(eventually(20.0, [&] { return two.said("lost the coordinator lab1") == 1; }));
    lab.start();
    REQUIRE(eventually(30.0, [&] { return two.said("joined the campaign of lab1") == 2 && lab.coordinator().said("node lab2 offers") == 1; }));
    REQUIRE(eventually(20.0, [&] { return !lab.chain("c0").is_null() && lab.chain("c0")["trajectory"].is_number(); }));
    CHECK(lab.chain("c0")["trajectory"].get<std::uint64_t>() >= sealed);
    lab.must_end_undisturbed();
    CHECK(two.program->running());
}

TEST_CASE("nodes and coordinator killed in turn at 6 random moments", "[loss][kill]") {
    kill_at_random(travelling_campaign(), 20261121, 6, 0.7);
}

TEST_CASE("nodes and coordinator killed in turn at 60 random moments", "[kill][soak]") {
    auto c = travelling_campaign();
    c.measure = 8000;
    kill_at_random(c, 20261122, 60, 1.0);
}
