// SPDX-License-Identifier: AGPL-3.0-only
// Who may take part: invites, revocation, keys that others can read, a coordinator of another cluster.
#include "tests/cluster/cluster.hpp"

#include <catch2/catch.hpp>

using namespace forge::test;

namespace {

/// A campaign that is still there when the test has seen what it wants to see.
campaign_file endless() {
    auto c = travelling_campaign();
    c.measure = 1000000;
    return c;
}

process_result try_to_join(const cluster& lab, const std::string& name, const std::string& code) {
    return process(lab.join_command(lab.stranger(name), code)).wait(30.0);
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("an invite that was used, is wrong or has expired is refused in words", "[access]") {
    cluster lab(endless());
    lab.start();
    const auto used = lab.invite();
    auto two = lab.stranger("lab2");
    two.program = std::make_unique<process>(lab.join_command(two, used));
    REQUIRE(eventually(30.0, [&] { return two.said("joined the campaign of lab1") == 1; }));
    const auto issued = std::chrono::steady_clock::now();
    const auto brief = lab.invite("1s");
    const auto good = lab.invite(); // an open invite, so that the door is not simply shut

    const auto again = try_to_join(lab, "lab3", used);
    INFO(again.err);
    CHECK_FALSE(again.timed_out);
    CHECK(again.exit_code > 0);
    CHECK(has(again.err, "used already"));
    CHECK(has(again.err, "forge cluster invite")); // what to do
    CHECK_FALSE(std::filesystem::exists(lab.stranger("lab3").folder / "node.key"));

    REQUIRE(eventually(5.0, [&] { return std::chrono::steady_clock::now() - issued > std::chrono::milliseconds(2100); }));
    const auto late = try_to_join(lab, "lab3", brief);
    INFO(late.err);
    CHECK(late.exit_code > 0);
    CHECK(has(late.err, "expired"));

    auto altered = good;
    altered.back() = altered.back() == 'a' ? 'b' : 'a';
    const auto wrong = try_to_join(lab, "lab3", altered);
    INFO(wrong.err);
    CHECK(wrong.exit_code > 0);
    CHECK_FALSE(wrong.timed_out);

    const auto taken = try_to_join(lab, "lab2", good); // a name that another machine has: the folder is there, too
    CHECK(taken.exit_code > 0);
    CHECK(has(taken.err, "already"));
    CHECK(two.program->running());
    CHECK(lab.coordinator().program->running());
}

TEST_CASE("a node that is revoked is cut and cannot come back; its chain goes on", "[access]") {
    cluster lab(endless());
    lab.start();
    auto two = lab.join("lab2");
    lab.migrate("c0", "lab2/opencl:0.0");
    const auto revoked = run_forge({"cluster", "revoke", "lab2", "--cluster", lab.coordinator().folder.string()});
    REQUIRE(revoked.exit_code == 0);
    REQUIRE(eventually(15.0, [&] { return lab.coordinator().said("node lab2 is gone") == 1; }));
    CHECK(lab.computes_on("c0", "opencl:"));
    two.program->stop(SIGKILL);
    lab.start_node(two);
    REQUIRE(eventually(20.0, [&] { return two.said("cannot reach the coordinator") > 0 || !two.program->running(); }));
    INFO(two.program->err());
    CHECK(two.said("joined the campaign") == 0);
    CHECK(lab.coordinator().said("node lab2 offers") == 1);
    const auto list = data_of(run_forge({"cluster", "list", "--cluster", lab.coordinator().folder.string(), "--json"}));
    int shut_out = 0;
    for (const auto& row : list)
        shut_out += row["node"] == "lab2" && row["access"] == "revoked" ? 1 : 0;
    CHECK(shut_out == 1);
}

TEST_CASE("a key that others can read stops a node before anything starts", "[access]") {
    cluster lab(endless());
    lab.start();
    auto two = lab.join("lab2");
    two.program->stop(SIGTERM);
    std::filesystem::permissions(two.folder / "node.key", std::filesystem::perms::group_read | std::filesystem::perms::others_read, std::filesystem::perm_options::add);
    lab.start_node(two);
    const auto r = two.program->wait(20.0);
    INFO(r.err);
    CHECK_FALSE(r.timed_out);
    CHECK(r.exit_code > 0);
    CHECK(has(r.err, "node.key"));
    CHECK(has(r.err, "chmod"));
    CHECK_FALSE(has(r.err, "offers"));
}

TEST_CASE("a node does not work for the coordinator of another cluster", "[access]") {
    cluster lab(endless());
    cluster others(endless());
    lab.start();
    others.start();
    auto two = lab.join("lab2");
    two.program->stop(SIGTERM);
    lab.start_node(two, {"--coordinator", others.address()});
    REQUIRE(eventually(20.0, [&] { return two.said("cannot reach the coordinator") > 0 || !two.program->running(); }));
    INFO(two.program->err());
    CHECK(two.said("joined") == 0);
    CHECK(others.coordinator().said("node lab2 offers") == 0);
    // An invite of one cluster is nothing to the other, either.
    const auto code = lab.invite();
    (void)others.invite(); // its door is open
    const auto r = process(others.join_command(others.stranger("lab4"), code)).wait(30.0);
    INFO(r.err);
    CHECK(r.exit_code > 0);
    CHECK_FALSE(r.timed_out);
}

TEST_CASE("a node whose coordinator is not there waits, and says so once", "[access]") {
    cluster lab(endless());
    lab.start();
    auto two = lab.join("lab2");
    two.program->stop(SIGTERM);
    lab.coordinator().program->stop(SIGTERM);
    lab.start_node(two);
    REQUIRE(eventually(20.0, [&] { return two.said("cannot reach the coordinator") > 0; }));
    // The dialler tries again within this time, and more than once.
    CHECK_FALSE(eventually(4.0, [&] { return two.said("cannot reach the coordinator") > 1 || !two.program->running(); }));
    lab.start();
    REQUIRE(eventually(30.0, [&] { return two.said("joined the campaign of lab1") == 1; }));
    CHECK(two.program->stop(SIGTERM).exit_code == 0);
}
