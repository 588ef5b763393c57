// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/transport/nodes.hpp"

#include "libactors/transport/join.hpp"
#include "libactors/transport/secure_file.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace forge {

using namespace testing;

namespace {

/// A coordinator that listens, with a clock that the test moves.
struct coordinator {
    test_cluster c;
    std::atomic<std::int64_t> shift_s{0};
    std::atomic<bool> disk_full{false};
    membership stored;
    test_node a{c, c.alpha};
    std::shared_ptr<join_office> office = std::make_shared<join_office>(
        c.ca, "lab", membership{{}, c.nodes}, [this] { return now + std::chrono::seconds(shift_s); },
        [this](const membership& m) -> result<void> {
            if (disk_full)
                return error{errc::no_space, "full", "", ""};
            stored = m;
            return {};
        },
        [this](const allow_list& list) { a.net->set_allow_list(list); });

    coordinator() { a.net->set_join_desk(office); }
    ~coordinator() { a.net.reset(); }
    result<joined> join(const invite_code& code, const std::string& name) {
        return join_cluster("127.0.0.1", a.port, code, name, now);
    }
};

void require_refused(const result<joined>& r, errc code, const std::string& words) {
    REQUIRE_FALSE(r.ok());
    INFO(r.reason().what);
    CHECK(r.reason().code == code);
    CHECK_THAT(r.reason().what, Catch::Contains(words));
}

} // namespace

TEST_CASE("a machine joins with one code and is a member at once") {
    coordinator k;
    const auto code = k.office->invite(60s).or_throw();
    auto in = k.join(invite_from_text(to_text(code)).or_throw(), "gamma");
    if (!in)
        FAIL(to_text(in.reason()));
    CHECK(in->identity.name == "gamma");
    CHECK(in->cluster == "lab");
    CHECK(in->nodes.admits(in->identity.fingerprint));
    CHECK(in->nodes.admits(k.c.alpha.fingerprint));
    CHECK(k.stored.nodes == in->nodes);
    CHECK_FALSE(k.office->open());
    const folder f;
    REQUIRE(save_identity(f.path, in->identity).ok());
    CHECK(load_identity(f.path, now).or_throw().fingerprint == in->identity.fingerprint);

    test_cluster theirs = k.c;
    theirs.nodes = in->nodes;
    test_node g(theirs, in->identity);
    g.net->dial(k.a.address());
    CHECK(wait_for_links(k.a, 1));
    CHECK(k.a.lines("gamma joined from") == 1);
    // And it can be sent away again.
    REQUIRE(k.office->revoke("gamma").ok());
    CHECK(eventually(3, [&] { return k.a.last().port->closed(); }));
}

TEST_CASE("a code that is used, expired, foreign or made up is refused, and says which") {
    coordinator k;
    const auto first = k.office->invite(60s).or_throw();
    const auto second = k.office->invite(60s).or_throw(); // keeps the door open
    SECTION("used") {
        REQUIRE(k.join(first, "gamma").ok());
        require_refused(k.join(first, "delta"), errc::permission_denied, "used already");
        CHECK(k.a.lines("this invite code was used already") == 1);
    }
    SECTION("expired") {
        const auto longer = k.office->invite(3600s).or_throw();
        k.shift_s = 120;
        require_refused(k.join(first, "gamma"), errc::permission_denied, "has expired");
        CHECK(k.join(longer, "gamma").ok());
    }
    SECTION("unknown secret") {
        invite_code guess = first;
        guess.secret[0] ^= 1;
        require_refused(k.join(guess, "gamma"), errc::permission_denied, "unknown here");
    }
    SECTION("of another cluster: nothing is said to the wrong coordinator") {
        invite_code other = first;
        other.authority[3] ^= 1;
        require_refused(k.join(other, "gamma"), errc::permission_denied, "does not belong to the cluster");
        CHECK(k.a.net->counters().joined == 0);
    }
    SECTION("all expired: the door is shut") {
        k.shift_s = 120;
        require_refused(k.join(second, "gamma"), errc::permission_denied, "does not take this kind of connection");
    }
    CHECK(k.a.links().empty());
}

TEST_CASE("a proof for another connection does not pass, and does not use the invite up") {
    coordinator k;
    const auto code = k.office->invite(60s).or_throw();
    const auto request = make_signing_request("gamma").or_throw();
    const auto binding = random_array<32>(), other = random_array<32>();
    join_ask ask{spoken_versions, invite_id_of(code), join_proof(invite_key_of(code), join_side::joiner, other), "gamma", request.request_pem};
    CHECK_THAT(k.office->admit(ask, binding).reason().what, Catch::Contains("code is wrong"));
    ask.proof = join_proof(invite_key_of(code), join_side::coordinator, binding); // reflected
    CHECK_FALSE(k.office->admit(ask, binding).ok());
    ask.proof = join_proof(invite_key_of(code), join_side::joiner, binding);
    CHECK(k.office->admit(ask, binding).ok());
    CHECK_FALSE(k.office->admit(ask, binding).ok());
}

TEST_CASE("names are not taken over, and what is not stored did not happen") {
    coordinator k;
    const auto code = k.office->invite(60s).or_throw();
    require_refused(k.join(code, "beta"), errc::conflict, "a node named beta is in the cluster already");
    k.disk_full = true;
    require_refused(k.join(code, "gamma"), errc::permission_denied, "could not store the new member");
    CHECK(k.office->now_valid().nodes == k.c.nodes);
    k.disk_full = false;
    CHECK(k.join(code, "gamma").ok());
}

TEST_CASE("a member that does not know the secret cannot pose as the coordinator") {
    coordinator k;
    const auto code = k.office->invite(60s).or_throw();
    // beta has a certificate of the right authority and a desk that grants everything.
    struct impostor : join_desk {
        const test_cluster& c;
        explicit impostor(const test_cluster& cluster) : c(cluster) {}
        bool open() override { return true; }
        result<join_grant> admit(const join_ask& ask, std::span<const std::uint8_t> binding) override {
            auto pem = sign_request(c.ca, ask.request_pem, ask.name, year).or_throw();
            const auto nodes = c.nodes.with(fingerprint_of(pem).or_throw(), ask.name).or_throw();
            return join_grant{join_proof(digest{}, join_side::coordinator, binding), "lab", pem, c.ca.certificate_pem, nodes};
        }
    };
    test_node b(k.c, k.c.beta);
    b.net->set_join_desk(std::make_shared<impostor>(k.c));
    require_refused(join_cluster("127.0.0.1", b.port, code, "gamma", now), errc::permission_denied, "does not know the invite's secret");
    CHECK(k.office->open()); // the real invite was not touched
}

TEST_CASE("joining ends at its deadline when nobody answers") {
    coordinator k;
    const auto code = k.office->invite(60s).or_throw();
    const int silent = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t n = sizeof at;
    REQUIRE(::bind(silent, reinterpret_cast<sockaddr*>(&at), n) == 0);
    REQUIRE(::listen(silent, 4) == 0);
    REQUIRE(::getsockname(silent, reinterpret_cast<sockaddr*>(&at), &n) == 0);
    const auto start = std::chrono::steady_clock::now();
    const auto r = join_cluster("127.0.0.1", ntohs(at.sin_port), code, "gamma", now, 300ms);
    require_refused(r, errc::io_failed, "no progress in time");
    CHECK(std::chrono::steady_clock::now() - start < 1s);
    ::close(silent);
    require_refused(join_cluster("127.0.0.1", ntohs(at.sin_port), code, "gamma", now), errc::io_failed, "cannot reach");
}

} // namespace forge
