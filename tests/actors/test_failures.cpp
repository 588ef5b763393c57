// SPDX-License-Identifier: AGPL-3.0-only
// The actors of a campaign together, on devices that fail.
#include "tests/actors/campaign_bench.hpp"

#include <catch2/catch.hpp>

using namespace forge;
using namespace forge::test;

namespace {

const failure lost_device(error{errc::device_failed, "clEnqueueNDRangeKernel: CL_OUT_OF_RESOURCES", "reference:0", "is the device there?"});

bool mentions(const std::vector<std::string>& notices, const std::string& text) {
    return std::any_of(notices.begin(), notices.end(), [&text](const std::string& n) { return n.find(text) != std::string::npos; });
}

std::size_t events_of(const bench& b, const std::string& kind) {
    std::size_t n = 0;
    for (const auto& e : b.open().events().or_throw())
        n += e.kind == kind ? 1 : 0;
    return n;
}

} // namespace

TEST_CASE("a chain whose device fails once restarts from its last seal and comes to the same hash", "[failure]") {
    const auto nth = GENERATE(1u, 2u, 150u, 333u, 600u); // 2 drifts a step, 8 a trajectory, about 1100 in all
    CAPTURE(nth);
    const auto f = std::make_shared<fault>();
    f->on_drift = [nth](std::uint64_t n) {
        if (n == nth)
            throw lost_device;
    };
    const bench b;
    {
        campaign_runtime runtime(b.parts({faulty_reference(f)}));
        const auto s = run_to_end(runtime);
        CHECK(s.all_finished);
        CHECK(mentions(s.notices, "restarts from its last seal"));
        CHECK(mentions(s.notices, "CL_OUT_OF_RESOURCES"));
        std::size_t restarts = 0;
        std::uint64_t epochs = 0;
        for (const auto& c : s.chains) {
            restarts += c.restarts;
            epochs += c.epoch;
        }
        CHECK(restarts == 1);
        CHECK(epochs == 3); // one of the chains took a second one
    }
    CHECK(b.hash() == undisturbed_hash(b.plan()));
    auto book = b.open();
    CHECK(book.check().or_throw().ok());
    for (std::uint32_t c = 0; c < 2; ++c)
        CHECK(book.count(chain_id{c}, false).or_throw() == b.trajectories_of(chain_id{c})); // nothing superseded
    CHECK(events_of(b, "chain_restarted") == 1);
}

TEST_CASE("a chain whose device always fails is given up after three restarts, and the other finishes", "[failure]") {
    const auto f = std::make_shared<fault>();
    f->on_drift = [](std::uint64_t) { throw lost_device; };
    const bench b;
    {
        campaign_runtime runtime(b.parts({faulty_reference(f), sound_reference()}));
        const auto s = run_to_end(runtime);
        CHECK_FALSE(s.all_finished);
        REQUIRE(s.chains.size() == 2);
        CHECK(s.chains[0].phase == "failed");
        CHECK(s.chains[0].restarts == 3);
        CHECK(s.chains[0].reason.find("CL_OUT_OF_RESOURCES") != std::string::npos);
        CHECK(s.chains[1].phase == "done");
        CHECK(s.chains[1].trajectory == b.trajectories_of(chain_id{1}));
        CHECK(mentions(s.notices, "c0 was given up"));
    }
    CHECK(f->drifts == 4); // once and three restarts
    CHECK(events_of(b, "chain_restarted") == 3);
    CHECK(events_of(b, "chain_given_up") == 1);
    {
        campaign_runtime mended(b.parts({sound_reference(), sound_reference()})); // another day, another device
        CHECK(run_to_end(mended).all_finished);
    }
    CHECK(b.hash() == undisturbed_hash(b.plan()));
}

TEST_CASE("failures of any type are handled alike", "[failure]") {
    const auto f = std::make_shared<fault>();
    const auto kind = GENERATE(as<std::string>{}, "runtime_error", "bad_alloc", "int");
    CAPTURE(kind);
    f->on_drift = [kind](std::uint64_t n) {
        if (n != 100)
            return;
        if (kind == "runtime_error")
            throw std::runtime_error("a surprise");
        if (kind == "bad_alloc")
            throw std::bad_alloc();
        throw 42;
    };
    const bench b;
    {
        campaign_runtime runtime(b.parts({faulty_reference(f), sound_reference()}));
        const auto s = run_to_end(runtime);
        CHECK(s.all_finished);
        CHECK(s.chains[0].restarts == 1);
        CHECK(s.chains[1].restarts == 0);
        CHECK_FALSE(s.notices.empty());
    }
    CHECK(b.hash() == undisturbed_hash(b.plan()));
}

TEST_CASE("devices whose engine cannot be made end the campaign with their reason", "[failure]") {
    const auto kind = GENERATE(as<std::string>{}, "error value", "failure", "runtime_error");
    CAPTURE(kind);
    std::atomic<int> asked{0};
    const engine_factory broken = [&asked, kind]() -> result<std::unique_ptr<lattice_engine>> {
        ++asked;
        if (kind == "failure")
            throw failure(error{errc::device_unavailable, "no such device any more", "opencl:9", ""});
        if (kind == "runtime_error")
            throw std::runtime_error("no such device any more");
        return error{errc::device_unavailable, "no such device any more", "opencl:9", "forge device list"};
    };
    const bench b;
    campaign_runtime runtime(b.parts({broken}));
    const auto s = run_to_end(runtime);
    CHECK_FALSE(s.all_finished);
    CHECK(asked == 8); // two chains, each once and three restarts
    REQUIRE(s.chains.size() == 2);
    for (const auto& c : s.chains) {
        CHECK(c.phase == "failed");
        CHECK(c.reason.find("no such device any more") != std::string::npos);
    }
    CHECK(mentions(s.notices, "c1 was given up"));
}

TEST_CASE("a start configuration that cannot be made ends the campaign with its reason", "[failure]") {
    const bool throws = GENERATE(false, true);
    CAPTURE(throws);
    const bench b;
    auto parts = b.parts({sound_reference()});
    parts.start_links = [throws](chain_id) -> result<gauge_field> {
        if (throws)
            throw std::runtime_error("the start vanished");
        return error{errc::not_found, "the start vanished", "start.ildg", ""};
    };
    campaign_runtime runtime(std::move(parts));
    const auto s = run_to_end(runtime);
    CHECK_FALSE(s.all_finished);
    REQUIRE(s.chains.size() == 2);
    for (const auto& c : s.chains) {
        CHECK(c.phase == "failed");
        CHECK(c.reason.find("the start vanished") != std::string::npos);
    }
}

TEST_CASE("a stop while a failed chain waits for its restart ends the campaign", "[failure]") {
    const auto f = std::make_shared<fault>();
    f->on_drift = [](std::uint64_t n) {
        if (n > 60)
            throw lost_device;
    };
    const bench b;
    campaign_runtime runtime(b.parts({faulty_reference(f)}));
    REQUIRE(eventually(30.0, [&runtime] { return !runtime.status().notices.empty(); }));
    runtime.request_stop();
    const auto s = run_to_end(runtime);
    CHECK_FALSE(s.all_finished);
    CHECK(b.open().check().or_throw().ok());
}
