// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/transport/attacker.hpp"
#include "tests/transport/nodes.hpp"
#include "tests/transport/tcp_proxy.hpp"

#include <future>

namespace forge {

using namespace testing;

namespace {

std::shared_ptr<std::vector<std::byte>> blob(std::size_t n, unsigned salt = 1) {
    auto bytes = std::make_shared<std::vector<std::byte>>(n);
    for (std::size_t k = 0; k < n; ++k)
        (*bytes)[k] = static_cast<std::byte>((k * 31 + (k >> 12) * 7 + salt) & 0xff);
    return bytes;
}

/// Two members with a link between them; beta dialled.
struct linked {
    test_cluster c;
    test_node a{c, c.alpha}, b{c, c.beta};
    linked() {
        b.net->dial(a.address());
        REQUIRE(wait_for_links(a, 1));
        REQUIRE(wait_for_links(b, 1));
    }
    [[nodiscard]] const link_peer& beta() const { return first_.empty() ? (first_ = a.links()).front().wire->peer() : first_.front().wire->peer(); }
    ~linked() { first_.clear(); }

private:
    mutable std::vector<up_link> first_;
};

/// Collects what `done` is told; a transfer that outlives the test's interest still has somewhere to tell it.
struct outcome {
    std::shared_ptr<std::promise<result<stream_report>>> promise = std::make_shared<std::promise<result<stream_report>>>();
    std::future<result<stream_report>> future = promise->get_future();
    [[nodiscard]] transfer_done done() const {
        return [p = promise](result<stream_report> r) { p->set_value(std::move(r)); };
    }
    result<stream_report> get() {
        REQUIRE(future.wait_for(10s) == std::future_status::ready);
        return future.get();
    }
};

} // namespace

TEST_CASE("a blob is fetched over its own connection, and both sides agree on its hash") {
    linked n;
    const auto size = GENERATE(std::size_t{0}, std::size_t{1}, chunk_bytes_default, chunk_bytes_default * 5 + 17);
    const auto bytes = blob(size);
    outcome sent;
    const auto id = n.a.net->transfers().serve(n.beta(), memory_source(bytes), {}, sent.done()).or_throw();
    stream_progress progress;
    const auto copy = std::make_shared<std::vector<std::byte>>();
    const auto got = n.b.net->fetch(n.a.address(), id, memory_sink(copy, size), progress);
    if (!got)
        FAIL(to_text(got.reason()));
    CHECK(*copy == *bytes);
    CHECK(got->moved == size);
    CHECK(got->total == total_of(progress));
    const auto report = sent.get();
    REQUIRE(report.ok());
    CHECK(report->total == got->total);
    CHECK_FALSE(n.a.last().port->closed());
}

TEST_CASE("a file is pushed and arrives byte for byte") {
    linked n;
    const folder f;
    const auto bytes = blob(3 << 20);
    std::ofstream(f.path / "source", std::ios::binary).write(reinterpret_cast<const char*>(bytes->data()), 3 << 20);
    const auto progress = std::make_shared<stream_progress>();
    outcome stored;
    stream_options small;
    small.chunk_bytes = chunk_bytes_min;
    small.window = 1;
    const auto id = n.a.net->transfers().receive(n.beta(), file_sink(f.path / "copy", 1 << 30).or_throw(), progress, small, stored.done()).or_throw();
    const auto sent = n.b.net->push(n.a.address(), id, file_source(f.path / "source").or_throw(), small);
    REQUIRE(sent.ok());
    REQUIRE(stored.get().ok());
    CHECK(text_of(f.path / "copy") == text_of(f.path / "source"));
    CHECK(progress->chunks.size() == 12);
    CHECK(file_source(f.path / "missing").reason().code == errc::not_found);
}

TEST_CASE("an interrupted transfer goes on where it stopped") {
    linked n;
    const auto bytes = blob(20 * chunk_bytes_min + 99);
    stream_options o;
    o.chunk_bytes = chunk_bytes_min;
    o.window = 2;
    stream_progress progress;
    const auto copy = std::make_shared<std::vector<std::byte>>();
    tcp_proxy wire(n.a.port);
    std::uint64_t moved = 0;
    std::size_t before = 0;
    for (const std::size_t allowance : {5 * chunk_bytes_min, 7 * chunk_bytes_min}) {
        outcome sent;
        const auto id = n.a.net->transfers().serve(n.beta(), memory_source(bytes), o, sent.done()).or_throw();
        wire.cut_after(allowance);
        const auto got = n.b.net->fetch(n.a.address(wire.port), id, memory_sink(copy, 1 << 30), progress, o);
        REQUIRE_FALSE(got.ok());
        CHECK(got.reason().code == errc::io_failed);
        CHECK_FALSE(sent.get().ok());
        CHECK(progress.chunks.size() > before);
        before = progress.chunks.size();
    }
    REQUIRE(before < 21);
    outcome sent;
    const auto id = n.a.net->transfers().serve(n.beta(), memory_source(bytes), o, sent.done()).or_throw();
    const auto got = n.b.net->fetch(n.a.address(wire.port), id, memory_sink(copy, 1 << 30), progress, o);
    REQUIRE(got.ok());
    moved = got->moved;
    CHECK(moved == bytes->size() - before * chunk_bytes_min);
    CHECK(*copy == *bytes);
}

TEST_CASE("a transfer id is good for one connection of one peer in one direction") {
    linked n;
    const auto bytes = blob(1000);
    const auto copy = std::make_shared<std::vector<std::byte>>();
    stream_progress progress;
    const auto fetch = [&](test_node& who, transfer_id id) {
        return who.net->fetch(n.a.address(), id, memory_sink(copy, 1000), progress);
    };
    const auto require_unknown = [](const result<stream_report>& r) {
        REQUIRE_FALSE(r.ok());
        CHECK(r.reason().code == errc::permission_denied);
        CHECK_THAT(r.reason().what, Catch::Contains("no transfer with this id"));
    };
    stream_options brief;
    brief.claimed_within = 50ms;
    SECTION("unknown") { require_unknown(fetch(n.b, 4711)); }
    SECTION("used") {
        const auto id = n.a.net->transfers().serve(n.beta(), memory_source(bytes), {}, nullptr).or_throw();
        CHECK(fetch(n.b, id).ok());
        progress = {};
        require_unknown(fetch(n.b, id));
    }
    SECTION("wrong direction, and the id stays good") {
        const auto id = n.a.net->transfers().serve(n.beta(), memory_source(bytes), {}, nullptr).or_throw();
        require_unknown(n.b.net->push(n.a.address(), id, memory_source(bytes)));
        CHECK(fetch(n.b, id).ok());
    }
    SECTION("another run of the same member") {
        const auto id = n.a.net->transfers().serve(n.beta(), memory_source(bytes), {}, nullptr).or_throw();
        test_node other(n.c, n.c.beta);
        require_unknown(fetch(other, id));
        CHECK(fetch(n.b, id).ok());
    }
    SECTION("late") {
        const auto id = n.a.net->transfers().serve(n.beta(), memory_source(bytes), brief, nullptr).or_throw();
        std::this_thread::sleep_for(100ms);
        require_unknown(fetch(n.b, id));
    }
    SECTION("withdrawn") {
        const auto id = n.a.net->transfers().serve(n.beta(), memory_source(bytes), {}, nullptr).or_throw();
        n.a.net->transfers().withdraw(id);
        require_unknown(fetch(n.b, id));
    }
    CHECK(n.b.net->fetch(n.a.address(), 0, memory_sink(copy, 1), progress).reason().code == errc::invalid_argument);
}

TEST_CASE("what does not fit or has changed is refused in words") {
    linked n;
    stream_options o;
    o.chunk_bytes = chunk_bytes_min;
    stream_progress progress;
    const auto copy = std::make_shared<std::vector<std::byte>>();
    SECTION("longer than expected") {
        outcome sent;
        const auto id = n.a.net->transfers().serve(n.beta(), memory_source(blob(1001)), o, sent.done()).or_throw();
        CHECK(n.b.net->fetch(n.a.address(), id, memory_sink(copy, 1000), progress, o).reason().code == errc::no_space);
        CHECK(copy->empty());
        CHECK_THAT(sent.get().reason().what, Catch::Contains("1001 bytes are offered, 1000 are expected at most"));
    }
    SECTION("the source changed between two attempts") {
        const auto first = blob(5 * chunk_bytes_min, 1), second = blob(5 * chunk_bytes_min, 2);
        stream_sink stopping{1 << 30, [&](std::uint64_t offset, std::span<const std::byte>) -> result<void> {
                                 return offset < 3 * chunk_bytes_min ? result<void>() : error{errc::io_failed, "unplugged", "", ""};
                             }};
        auto id = n.a.net->transfers().serve(n.beta(), memory_source(first), o, nullptr).or_throw();
        CHECK(n.b.net->fetch(n.a.address(), id, stopping, progress, o).reason().what == "unplugged");
        CHECK(progress.chunks.size() == 3);
        id = n.a.net->transfers().serve(n.beta(), memory_source(second), o, nullptr).or_throw();
        copy->resize(3 * chunk_bytes_min);
        CHECK(n.b.net->fetch(n.a.address(), id, memory_sink(copy, 1 << 30), progress, o).reason().code == errc::checksum_mismatch);
        CHECK(progress == stream_progress{}); // start again
    }
    SECTION("the receiver cannot store: the sender learns why, in the middle of its chunks") {
        stream_sink full{1 << 30, [&](std::uint64_t offset, std::span<const std::byte>) -> result<void> {
                             return offset < 3 * chunk_bytes_min ? result<void>() : error{errc::no_space, "the disk is full", "", ""};
                         }};
        outcome sent;
        const auto id = n.a.net->transfers().serve(n.beta(), memory_source(blob(60 * chunk_bytes_min)), o, sent.done()).or_throw();
        CHECK(n.b.net->fetch(n.a.address(), id, full, progress, o).reason().code == errc::no_space);
        CHECK(progress.chunks.size() == 3);
        CHECK_THAT(sent.get().reason().what, Catch::Contains("the disk is full"));
    }
    SECTION("another length between two attempts") {
        progress.offer = {77, static_cast<std::uint32_t>(chunk_bytes_min)};
        progress.chunks.resize(1);
        const auto id = n.a.net->transfers().serve(n.beta(), memory_source(blob(78)), o, nullptr).or_throw();
        CHECK(n.b.net->fetch(n.a.address(), id, memory_sink(copy, 100), progress, o).reason().code == errc::conflict);
    }
}

TEST_CASE("a chunk with a wrong check value is never stored") {
    linked n;
    std::atomic<int> stored{0};
    const auto progress = std::make_shared<stream_progress>();
    outcome received;
    const stream_sink sink{1 << 30, [&](std::uint64_t, std::span<const std::byte>) -> result<void> {
                               ++stored;
                               return {};
                           }};
    const auto id = n.a.net->transfers().receive(n.beta(), sink, progress, {}, received.done()).or_throw();
    attacker x(n.a.port, {n.c.beta.certificate_pem, n.c.beta.key_pem, "forge-data/1"});
    hello h;
    h.name = "beta";
    h.cluster = "lab";
    h.node_id = n.b.net->options().node_id;
    h.incarnation = n.b.net->options().incarnation;
    h.kind = connection_kind::data;
    h.role = stream_role::send;
    h.transfer = id;
    x.send_frame(frame_type::hello, encode(h));
    std::this_thread::sleep_for(200ms); // the answer must be out before the next frame, as the protocol says
    x.send_frame(frame_type::offer, encode(stream_offer{10, static_cast<std::uint32_t>(chunk_bytes_min)}));
    std::vector<std::byte> chunk;
    for (const auto b : encode(chunk_header{0, random_array<16>()}))
        chunk.push_back(b);
    chunk.resize(chunk_header_bytes + 10);
    x.send_frame(frame_type::chunk, chunk);
    const auto r = received.get();
    REQUIRE_FALSE(r.ok());
    CHECK(r.reason().code == errc::checksum_mismatch);
    CHECK(stored == 0);
    CHECK(progress->chunks.empty());
}

TEST_CASE("a transfer ends at its idle deadline, when its node is withdrawn, when asked, and with its hub") {
    linked n;
    tcp_proxy wire(n.a.port);
    stream_progress progress;
    const auto copy = std::make_shared<std::vector<std::byte>>();
    stream_options o;
    o.idle = 400ms;
    // A sink that waits keeps the transfer alive as long as the test needs.
    std::atomic<bool> inside{false}, go{false};
    const stream_sink slow{1 << 30, [&](std::uint64_t, std::span<const std::byte>) -> result<void> {
                               inside = true;
                               CHECK(eventually(5, [&] { return go.load(); }));
                               return {};
                           }};
    outcome sent;
    std::stop_source asked;
    const auto id = n.a.net->transfers().serve(n.beta(), memory_source(blob(40 << 20)), o, sent.done()).or_throw();
    auto fetched = std::async(std::launch::async, [&] {
        return n.b.net->fetch(n.a.address(wire.port), id, slow, progress, o, asked.get_token());
    });
    REQUIRE(eventually(5, [&] { return inside.load(); }));
    SECTION("black hole") {
        wire.black_hole = true;
        go = true;
        const auto start = std::chrono::steady_clock::now();
        CHECK(fetched.get().reason().code == errc::io_failed);
        CHECK(sent.get().reason().code == errc::io_failed);
        CHECK(std::chrono::steady_clock::now() - start < 2s);
    }
    SECTION("withdrawn at the serving side") {
        n.a.net->set_allow_list(n.c.nodes.without("beta").or_throw());
        CHECK(sent.get().reason().code == errc::interrupted);
        go = true;
        CHECK_FALSE(fetched.get().ok());
    }
    SECTION("withdrawn at the fetching side") {
        n.b.net->set_allow_list(n.c.nodes.without("alpha").or_throw());
        go = true;
        CHECK_FALSE(fetched.get().ok());
        CHECK_FALSE(sent.get().ok());
    }
    SECTION("asked") {
        asked.request_stop();
        go = true;
        CHECK_FALSE(fetched.get().ok());
    }
    SECTION("hub stops") {
        n.a.net->stop();
        CHECK(sent.get().reason().code == errc::interrupted);
        go = true;
        CHECK_FALSE(fetched.get().ok());
    }
    CHECK(progress.chunks.size() < 80);
}

TEST_CASE("the desk holds a bounded number of ids") {
    linked n;
    for (std::size_t k = 0; k < transfer_desk::waiting_max; ++k)
        REQUIRE(n.a.net->transfers().serve(n.beta(), memory_source(blob(1)), {}, nullptr).ok());
    CHECK_FALSE(n.a.net->transfers().serve(n.beta(), memory_source(blob(1)), {}, nullptr).ok());
}

} // namespace forge
