// SPDX-License-Identifier: AGPL-3.0-only
// Every way in that is none: refused before any byte reaches a port, within the deadline, with one line in the log.
#include "tests/transport/attacker.hpp"
#include "tests/transport/nodes.hpp"

#include <sys/resource.h>
#include <sys/times.h>

namespace forge {

using namespace testing;

namespace {

disguise as(const node_identity& who) { return {who.certificate_pem, who.key_pem}; }

hello hello_from(const node_identity& who) {
    hello h;
    h.node_id = random_array<16>();
    h.incarnation = random_array<16>();
    h.name = who.name;
    h.cluster = "lab";
    return h;
}

std::string fingerprint_text(const node_identity& who) { return to_hex(who.fingerprint); }

/// The node under attack, and what must be true after every attempt.
struct target {
    test_cluster c;
    test_node a{c, c.alpha};

    /// @param why  words of the log line.  @param fingerprint  hex, or "none".
    void require_refused(const std::string& why, const std::string& fingerprint) {
        REQUIRE(eventually(1, [&] { return a.lines("refused 127.0.0.1") == 1; }));
        std::this_thread::sleep_for(50ms);
        INFO(a.log());
        CHECK(a.lines("refused 127.0.0.1") == 1);
        CHECK(a.lines(why) == 1);
        CHECK(a.lines("(fingerprint " + fingerprint + ")") == 1);
        CHECK(a.links().empty());
        const auto n = a.net->counters();
        CHECK(n.links_up == 0);
        CHECK(n.refused == 1);
        CHECK(n.joined == 0);
        CHECK(n.transfers == 0);
    }
    /// A member still comes in.
    void require_open() {
        test_node b(c, c.beta);
        b.net->dial(a.address());
        CHECK(wait_for_links(a, 1));
    }
};

double cpu_seconds() {
    rusage u{};
    ::getrusage(RUSAGE_SELF, &u);
    return static_cast<double>(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + 1e-6 * static_cast<double>(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

long resident_kib() {
    std::ifstream status("/proc/self/statm");
    long total = 0, resident = 0;
    status >> total >> resident;
    return resident * 4;
}

} // namespace

TEST_CASE("without an accepted certificate nothing gets in") {
    target t;
    const auto attempt = [&](const disguise& d, int alert, const std::string& why, const std::string& fingerprint) {
        attacker x(t.a.port, d);
        x.send_frame(frame_type::hello, encode(hello_from(t.c.beta)));
        const std::string answer = x.until_closed();
        CHECK(answer.empty());
        CHECK(x.alert() == alert);
        CHECK(x.seconds() < 1.0);
        t.require_refused(why, fingerprint);
        t.require_open();
    };
    const auto foreign_ca = make_authority("lab", year).or_throw();

    SECTION("no certificate") { attempt({}, 116, "peer did not return a certificate", "none"); }
    SECTION("another authority, same names") {
        const auto beta = make_identity(foreign_ca, "beta", year).or_throw();
        attempt(as(beta), 48, "unable to get local issuer certificate", fingerprint_text(beta));
    }
    SECTION("expired") {
        const auto beta = make_identity(t.c.ca, "beta", {now - 48h, now - 24h}).or_throw();
        t.a.net->set_allow_list(t.c.nodes.with(beta.fingerprint, "beta").or_throw());
        attempt(as(beta), 45, "certificate has expired", fingerprint_text(beta));
    }
    SECTION("our authority, but not on the list") {
        const auto gamma = make_identity(t.c.ca, "beta", year).or_throw();
        attempt(as(gamma), 42, "not on the allow-list", fingerprint_text(gamma));
    }
    SECTION("revoked") {
        const auto gamma = make_identity(t.c.ca, "gamma", year).or_throw();
        t.a.net->set_allow_list(t.c.nodes.with(gamma.fingerprint, "gamma").or_throw().without("gamma").or_throw());
        attempt(as(gamma), 44, "was revoked", fingerprint_text(gamma));
    }
    SECTION("TLS 1.2") {
        disguise d = as(t.c.beta);
        d.version_min = d.version_max = TLS1_2_VERSION;
        attempt(d, 70, "unsupported protocol", "none");
    }
    SECTION("no protocol name, or one that is not ours") {
        disguise d = as(t.c.beta);
        d.protocol = "h2";
        attempt(d, 120, "no application protocol", "none");
    }
    SECTION("joining while no invite is open") {
        disguise d;
        d.protocol = "forge-join/1";
        attempt(d, 120, "no application protocol", "none");
    }
}

TEST_CASE("a member without a protocol name gets nowhere") {
    target t;
    disguise d = as(t.c.beta);
    d.protocol.clear();
    attacker x(t.a.port, d);
    x.until_closed();
    t.require_refused("no common protocol name", fingerprint_text(t.c.beta));
}

TEST_CASE("an open invite opens joining only: a link still needs its certificate") {
    target t;
    membership start{{}, t.c.nodes};
    const auto office = std::make_shared<join_office>(t.c.ca, "lab", start, [] { return now; }, nullptr, nullptr);
    REQUIRE(office->invite(60s).ok());
    t.a.net->set_join_desk(office);
    SECTION("link without certificate") {
        attacker x(t.a.port, {});
        x.until_closed();
        CHECK(x.alert() == 116);
        t.require_refused("peer did not return a certificate", "none");
    }
    SECTION("a hello in place of the request to join") {
        disguise d;
        d.protocol = "forge-join/1";
        attacker x(t.a.port, d);
        CHECK(x.shaken());
        x.send_frame(frame_type::hello, encode(hello_from(t.c.beta)));
        x.until_closed();
        t.require_refused("first frame is not the one expected", "none");
    }
    SECTION("a joiner that says nothing") {
        disguise d;
        d.protocol = "forge-join/1";
        attacker x(t.a.port, d);
        x.until_closed();
        CHECK(x.seconds() > 2.5);
        CHECK(x.seconds() < 4.0);
        t.require_refused("no complete TLS and hello", "none");
    }
}

TEST_CASE("a listed certificate with a wrong hello is refused with words") {
    target t;
    const auto attempt = [&](std::span<const std::byte> payload, const std::string& why, bool words) {
        attacker x(t.a.port, as(t.c.beta));
        REQUIRE(x.shaken());
        x.send_frame(frame_type::hello, payload);
        const std::string answer = x.until_closed();
        CHECK(x.seconds() < 1.0);
        CHECK(answer.empty() == !words);
        if (words)
            CHECK(answer[0] == static_cast<char>(frame_type::refused));
        t.require_refused(why, fingerprint_text(t.c.beta));
    };
    hello h = hello_from(t.c.beta);
    SECTION("another cluster") { h.cluster = "other", attempt(encode(h), "belongs to cluster other", true); }
    SECTION("another's name") { h.name = "alpha", attempt(encode(h), "calls itself alpha", true); }
    SECTION("newer version") { h.versions = {7, 9}, attempt(encode(h), "the peer speaks versions 7 to 9", true); }
    SECTION("our own incarnation") { h.incarnation = t.a.net->options().incarnation, attempt(encode(h), "reached itself", true); }
    SECTION("our node id") { h.node_id = t.a.net->options().node_id, attempt(encode(h), "has this node's id", true); }
    SECTION("a data hello on a link") {
        h.kind = connection_kind::data, h.role = stream_role::send, h.transfer = 5;
        attempt(encode(h), "another kind of connection", true);
    }
    SECTION("one byte too many") {
        auto bytes = encode(h);
        bytes.push_back(std::byte{0});
        attempt(bytes, "malformed hello", true);
    }
    SECTION("inner length lies") {
        auto bytes = encode(h);
        bytes[hello_fixed_bytes - 2] = std::byte{255};
        attempt(bytes, "malformed hello", true);
    }
    SECTION("garbage") { attempt(std::vector<std::byte>(100, std::byte{0x41}), "malformed hello", true); }
}

TEST_CASE("a hello as long as a header can say is refused at the header") {
    target t;
    const long before = resident_kib();
    attacker x(t.a.port, as(t.c.beta));
    const std::vector<std::byte> four_gib(64, std::byte{0xff}); // also as a 32-bit length: 4 GiB - 1
    SECTION("as a hello") {
        const std::byte head[] = {std::byte{1}, std::byte{0xff}, std::byte{0xff}, std::byte{0xff}};
        x.send(head);
    }
    SECTION("as nothing known") { x.send(four_gib); }
    SECTION("data in place of the hello") { x.send_frame(frame_type::data, four_gib); }
    x.until_closed();
    CHECK(x.seconds() < 1.0);
    t.require_refused("first frame is not the one expected", fingerprint_text(t.c.beta));
    CHECK(resident_kib() - before < 16 << 10);
}

TEST_CASE("a member that breaks the frames after its hello is cut off") {
    target t;
    attacker x(t.a.port, as(t.c.beta));
    x.send_frame(frame_type::hello, encode(hello_from(t.c.beta)));
    REQUIRE(wait_for_links(t.a, 1));
    SECTION("unknown type") { x.send(std::vector<std::byte>(8, std::byte{77})); }
    SECTION("frame too long") {
        const std::byte head[] = {std::byte{2}, std::byte{1}, std::byte{0}, std::byte{1}};
        x.send(head);
    }
    SECTION("a second hello") { x.send_frame(frame_type::hello, encode(hello_from(t.c.beta))); }
    REQUIRE(eventually(1, [&] { return t.a.last().port->closed(); }));
    CHECK_THAT(t.a.last().port->why(), Catch::Contains("a frame that no link carries"));
    CHECK(t.a.last().port->size() == 0);
}

TEST_CASE("a member that asks for answers and never reads is cut off") {
    target t;
    attacker x(t.a.port, as(t.c.beta));
    x.send_frame(frame_type::hello, encode(hello_from(t.c.beta)));
    REQUIRE(wait_for_links(t.a, 1));
    std::vector<std::byte> pings;
    for (int k = 0; k < 1000; ++k)
        for (const auto b : {3, 8, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1})
            pings.push_back(static_cast<std::byte>(b));
    const auto port = t.a.last().port;
    std::thread flood([&] {
        for (int k = 0; k < 2000 && !port->closed(); ++k)
            x.send(pings);
    });
    CHECK(eventually(8, [&] { return port->closed(); }));
    flood.join();
}

TEST_CASE("plain TCP garbage is refused at once, silence at the deadline") {
    target t;
    const int fd = tcp_connect(t.a.port);
    SECTION("garbage") {
        const std::string garbage(64 << 10, 'G');
        CHECK(::send(fd, garbage.data(), garbage.size(), MSG_NOSIGNAL) > 0);
        CHECK(wait_for_end(fd) < 1.0);
        t.require_refused("wrong version number", "none");
    }
    SECTION("silence costs nothing") {
        const double before = cpu_seconds();
        const double seconds = wait_for_end(fd);
        CHECK(seconds > 2.8);
        CHECK(seconds < 4.0);
        CHECK((cpu_seconds() - before) / seconds < 0.01);
        t.require_refused("no complete TLS and hello within 3000 ms", "none");
    }
    SECTION("a listed member that is silent after TLS") {
        attacker x(t.a.port, as(t.c.beta));
        x.until_closed();
        CHECK(x.seconds() > 2.8);
        CHECK(x.seconds() < 4.0);
        ::shutdown(fd, SHUT_RDWR);
        REQUIRE(eventually(1, [&] { return t.a.net->counters().refused == 2; }));
        CHECK(t.a.lines("(fingerprint " + fingerprint_text(t.c.beta) + ")") == 1);
    }
    ::close(fd);
}

TEST_CASE("forty silent connections take sixteen places and no time") {
    target t;
    const long memory = resident_kib();
    const double before = cpu_seconds();
    const auto start = std::chrono::steady_clock::now();
    std::vector<int> fds;
    for (int k = 0; k < 40; ++k)
        fds.push_back(tcp_connect(t.a.port));
    std::vector<double> ends;
    for (const int fd : fds) {
        wait_for_end(fd);
        ends.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        ::close(fd);
    }
    CHECK(ends.back() < 4.0);
    CHECK(eventually(1, [&] { return t.a.net->counters().refused == 40; }));
    CHECK(t.a.lines("no complete TLS and hello") == 16);
    CHECK(t.a.lines("unauthenticated already") >= 1);
    CHECK(t.a.links().empty());
    CHECK((cpu_seconds() - before) / ends.back() < 0.02);
    CHECK(resident_kib() - memory < 16 << 10);
    t.require_open();
}

TEST_CASE("the one who is refused learns why") {
    const test_cluster c;
    const auto reason = [&](test_node& who, const node_address& to) {
        who.net->dial(to);
        REQUIRE(eventually(5, [&] { return !who.failures().empty(); }));
        return who.failures().front();
    };
    test_node a(c, c.alpha);
    SECTION("not listed") {
        const auto gamma = make_identity(c.ca, "gamma", year).or_throw();
        test_node g(c, gamma);
        const error e = reason(g, a.address());
        CHECK(e.code == errc::permission_denied);
        CHECK_THAT(e.what, Catch::Contains("does not list this node's certificate"));
    }
    SECTION("another cluster's authority") {
        test_cluster other;
        other.nodes = other.nodes.with(c.alpha.fingerprint, "alpha").or_throw();
        test_node b(other, other.beta);
        const error e = reason(b, a.address());
        CHECK(e.code == errc::permission_denied);
        CHECK_THAT(e.what, Catch::Contains("is not accepted"));
    }
    SECTION("another node than expected") {
        test_node b(c, c.beta);
        CHECK_THAT(reason(b, {"127.0.0.1", a.port, "gamma"}).what, Catch::Contains("alpha answered where gamma was expected"));
    }
    SECTION("versions") {
        test_node b(c, c.beta, {}, {spoken_versions.max + 1, spoken_versions.max + 2});
        const error e = reason(b, a.address());
        CHECK(e.code == errc::version_too_new);
        CHECK_THAT(e.what, Catch::Contains("version 3") && Catch::Contains("versions 4 to 5"));
    }
    SECTION("a common version among several") {
        test_node b(c, c.beta, {}, {spoken_versions.min - 1, spoken_versions.max + 1});
        b.net->dial(a.address());
        REQUIRE(wait_for_links(b, 1));
        CHECK(b.last().wire->peer().version == spoken_versions.max);
    }
    SECTION("cluster id") {
        test_node b(c, c.beta, {}, spoken_versions, "other");
        const error e = reason(b, a.address());
        CHECK(e.code == errc::conflict);
        CHECK_THAT(e.what, Catch::Contains("belongs to cluster other"));
    }
    SECTION("nobody there") {
        test_node b(c, c.beta);
        const auto port = a.port;
        a.net->stop();
        const error e = reason(b, {"127.0.0.1", port, "alpha"});
        CHECK(e.code == errc::io_failed);
        CHECK_THAT(e.what, Catch::Contains("cannot reach"));
    }
}

} // namespace forge
