// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/transport/nodes.hpp"
#include "tests/transport/tcp_proxy.hpp"

#include <numeric>

namespace forge {

using namespace testing;

namespace {

std::vector<char> pattern(std::size_t n) {
    std::vector<char> bytes(n);
    for (std::size_t k = 0; k < n; ++k)
        bytes[k] = static_cast<char>((k * 131 + k / 977) & 0xff);
    return bytes;
}

} // namespace

TEST_CASE("a link comes up between two members and carries bytes both ways, in order") {
    const test_cluster c;
    test_node a(c, c.alpha), b(c, c.beta);
    b.net->dial(a.address());
    REQUIRE(wait_for_links(a, 1));
    REQUIRE(wait_for_links(b, 1));
    CHECK(a.last().wire->peer().name == "beta");
    CHECK(b.last().wire->peer().name == "alpha");
    CHECK(b.last().wire->peer().dialled);
    CHECK(a.last().wire->peer().fingerprint == c.beta.fingerprint);
    CHECK(a.last().wire->peer().node_id == b.net->options().node_id);
    CHECK(a.last().wire->peer().version == spoken_versions.max);
    const auto big = pattern(5 << 20);
    auto copy = big;
    CHECK(a.last().wire->send(copy));
    CHECK(copy.empty());
    b.last().say("hello");
    REQUIRE(eventually(10, [&] { return b.last().port->size() == big.size() && a.last().port->size() == 5; }));
    CHECK(b.last().port->received() == std::string(big.begin(), big.end()));
    CHECK(a.last().port->received() == "hello");
    CHECK(eventually(5, [&] { return a.last().wire->round_trip_ms() > 0; }));
    CHECK(a.last().wire->queued() == 0);
}

TEST_CASE("bye hands over what is queued, and stopping a hub says it on every link") {
    const test_cluster c;
    test_node a(c, c.alpha), b(c, c.beta);
    const auto id = b.net->dial(a.address());
    REQUIRE(wait_for_links(a, 1));
    REQUIRE(wait_for_links(b, 1));
    b.net->hang_up(id);
    auto bytes = pattern(3 << 20);
    REQUIRE(b.last().wire->send(bytes));
    b.last().wire->bye();
    REQUIRE(eventually(10, [&] { return a.last().port->closed() && b.last().port->closed(); }));
    CHECK(a.last().port->size() == 3 << 20);
    CHECK(a.last().port->why() == "the peer said goodbye");
    CHECK(b.last().port->why() == "said goodbye");

    b.net->dial(a.address());
    REQUIRE(wait_for_links(a, 2));
    REQUIRE(wait_for_links(b, 2));
    const auto start = std::chrono::steady_clock::now();
    b.net->stop();
    CHECK(std::chrono::steady_clock::now() - start < 2s);
    CHECK(eventually(2, [&] { return a.last().port->why() == "the peer said goodbye"; }));
    // What is left of a link after its hub does nothing and harms nobody.
    std::vector<char> late{'x'};
    CHECK_FALSE(b.last().wire->send(late));
    b.last().wire->close("again");
    b.last().wire->bye();
    b.last().wire->resume();
    const auto port = std::make_shared<memory_port>();
    b.last().wire->bind(port);
    CHECK(port->closed());
}

TEST_CASE("a link that was cut is dialled again, with a growing pause") {
    const test_cluster c;
    test_node a(c, c.alpha), b(c, c.beta);
    tcp_proxy wire(a.port);
    b.net->dial(a.address(wire.port));
    REQUIRE(wait_for_links(b, 1));
    for (std::size_t k = 2; k <= 4; ++k) {
        wire.cut();
        REQUIRE(wait_for_links(b, k));
        REQUIRE(wait_for_links(a, k));
        b.last().say("again");
        REQUIRE(eventually(5, [&] { return a.last().port->received() == "again"; }));
    }
    CHECK(b.downs().size() == 3);
    CHECK(a.links().front().port->closed());
}

TEST_CASE("a peer behind a black hole is given up by both sides, and found again") {
    const test_cluster c;
    test_node a(c, c.alpha, quick_limits()), b(c, c.beta, quick_limits());
    tcp_proxy wire(a.port);
    b.net->dial(a.address(wire.port));
    REQUIRE(wait_for_links(a, 1));
    REQUIRE(wait_for_links(b, 1));
    std::this_thread::sleep_for(1200ms); // twice the limit: heartbeats keep an idle link alive
    CHECK_FALSE(a.last().port->closed());
    const auto start = std::chrono::steady_clock::now();
    wire.black_hole = true;
    REQUIRE(eventually(5, [&] { return a.last().port->closed() && b.last().port->closed(); }));
    const auto took = std::chrono::steady_clock::now() - start;
    CHECK(took > 350ms);
    CHECK(took < 1500ms);
    CHECK_THAT(a.last().port->why(), Catch::Contains("no sign of life"));
    wire.black_hole = false;
    wire.cut();
    CHECK(wait_for_links(b, 2, 10));
}

TEST_CASE("a newer link replaces a half-open one") {
    const test_cluster c;
    test_node a(c, c.alpha), b(c, c.beta);
    tcp_proxy wire(a.port);
    const auto id = b.net->dial(a.address(wire.port));
    REQUIRE(wait_for_links(a, 1));
    wire.black_hole = true; // a does not notice for 5 s
    b.net->hang_up(id);
    test_node again(c, c.beta); // the restarted process of the same member
    again.net->dial(a.address());
    REQUIRE(wait_for_links(a, 2, 3));
    CHECK(eventually(1, [&] { return a.links()[0].port->closed(); }));
    CHECK(a.links()[0].port->why() == "replaced by a newer connection");
    REQUIRE(wait_for_links(again, 1)); // each side hears of its link for itself
    again.last().say("new");
    CHECK(eventually(3, [&] { return a.links()[1].port->received() == "new"; }));
    CHECK_FALSE(a.links()[1].port->closed());
}

TEST_CASE("two nodes that dial each other settle on one link") {
    const test_cluster c;
    test_node a(c, c.alpha), b(c, c.beta);
    a.net->dial(b.address());
    b.net->dial(a.address());
    REQUIRE(eventually(10, [&] {
        std::this_thread::sleep_for(500ms);
        const auto open = [](const test_node& n) {
            const auto all = n.links();
            return std::count_if(all.begin(), all.end(), [](const auto& l) { return !l.port->closed(); });
        };
        return open(a) == 1 && open(b) == 1;
    }));
    a.last().say("one");
    CHECK(eventually(3, [&] { return b.last().port->received() == "one"; }));
}

TEST_CASE("a reader that falls behind stops the sender, not the memory; above the cap the link is closed") {
    const test_cluster c;
    link_limits small;
    small.backlog_max = 1 << 20;
    small.queued_max = 8 << 20;
    test_node a(c, c.alpha, small), b(c, c.beta, small);
    b.net->dial(a.address());
    REQUIRE(wait_for_links(a, 1));
    REQUIRE(wait_for_links(b, 1));
    a.last().port->backlog = 2 << 20;
    auto bytes = pattern(1 << 20);
    REQUIRE(b.last().wire->send(bytes));
    std::this_thread::sleep_for(300ms);
    const auto stopped_at = a.last().port->size();
    CHECK(stopped_at < 64 << 10); // the first piece was refused more
    a.last().port->backlog = 0;
    a.last().wire->resume();
    REQUIRE(eventually(5, [&] { return a.last().port->size() == 1 << 20; }));

    a.last().port->backlog = 2 << 20;
    bool accepted = true;
    for (int k = 0; k < 64 && accepted; ++k) {
        auto more = pattern(1 << 20);
        accepted = b.last().wire->send(more);
    }
    CHECK_FALSE(accepted);
    REQUIRE(eventually(3, [&] { return b.links()[0].port->closed(); }));
    CHECK_THAT(b.links()[0].port->why(), Catch::Contains("outbound queue above 8 MiB"));
}

TEST_CASE("a withdrawn certificate closes the link and keeps it closed") {
    const test_cluster c;
    test_node a(c, c.alpha), b(c, c.beta);
    b.net->dial(a.address());
    REQUIRE(wait_for_links(a, 1));
    a.net->set_allow_list(c.nodes.without("beta").or_throw());
    REQUIRE(eventually(2, [&] { return a.last().port->closed(); }));
    CHECK(a.last().port->why() == "the certificate was withdrawn");
    REQUIRE(eventually(5, [&] { return !b.failures().empty(); }));
    CHECK(b.failures().front().code == errc::permission_denied);
    CHECK_THAT(b.failures().front().what, Catch::Contains("revoked"));
    CHECK(a.links().size() == 1);
    a.net->set_allow_list(c.nodes);
    CHECK(wait_for_links(a, 2, 10));
}

} // namespace forge
