// SPDX-License-Identifier: AGPL-3.0-only
// The precision validator in a running campaign: it gets what the condition selects, no more and no less, and changes no bit.
#include "libactors/control/validation/running_result.hpp"
#include "tests/actors/campaign_bench.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <thread>

using namespace forge;
using namespace forge::test;

namespace {

using selected = std::set<std::pair<std::uint32_t, std::uint64_t>>; ///< chain, trajectory

campaign validated_campaign(const std::string& when) {
    auto c = small_campaign();
    c.validation.when = when;
    c.validation.capacity = 2;
    c.validation.droppable = false;
    return c;
}

/// Events of a kind, each (chain, trajectory) with how often it was seen.
std::map<std::pair<std::uint32_t, std::uint64_t>, int> events(const bench& b, const std::string& kind) {
    std::map<std::pair<std::uint32_t, std::uint64_t>, int> all;
    for (const auto& e : b.open().events().or_throw())
        if (e.kind == kind)
            ++all[{e.chain->value, *e.trajectory}];
    return all;
}

/// What a condition selects, from the ledger alone: two passes over plain numbers, no running values.
selected by_query(const bench& b, const std::function<bool(const physics_record&, double chi_l)>& condition) {
    selected all;
    auto book = b.open();
    for (std::uint32_t c = 0; c < b.plan().n_chains; ++c) {
        std::vector<double> l;
        std::optional<segment_no> segment;
        for (const auto& row : book.records(chain_id{c}).or_throw()) {
            if (segment != row.record.segment) {
                segment = row.record.segment;
                l.clear();
            }
            if (row.record.measured)
                l.push_back(std::hypot(row.record.observed.polyakov_re, row.record.observed.polyakov_im));
            double mean = 0.0, squares = 0.0;
            for (const double x : l)
                mean += x / static_cast<double>(l.size());
            for (const double x : l)
                squares += (x - mean) * (x - mean) / static_cast<double>(l.size());
            const double chi = l.size() < 2 ? -1.0 : static_cast<double>(b.plan().lattice.spatial_volume()) * squares;
            if (condition(row.record, chi))
                all.insert({c, row.record.trajectory});
        }
    }
    return all;
}

run_status run(const bench& b, const std::vector<engine_factory>& engines) {
    campaign_runtime runtime(b.parts(engines));
    return run_to_end(runtime);
}

} // namespace

TEST_CASE("the validator gets exactly what an independent query of the ledger selects, and finds the same bits", "[validation]") {
    const auto plain = undisturbed_hash(small_campaign());
    const bench b(validated_campaign("chi_l > 0.05 and not (trajectory > 100 and chain == 1)"));
    const auto s = run(b, {sound_reference(), sound_reference()});
    REQUIRE(s.all_finished);
    CHECK(b.hash() == plain);
    const auto expected = by_query(b, [](const physics_record& r, double chi_l) { return chi_l > 0.05 && !(r.trajectory > 100 && r.chain.value == 1); });
    REQUIRE(expected.size() > 10);
    REQUIRE(expected.size() < b.open().count(chain_id{0}).or_throw() + b.open().count(chain_id{1}).or_throw());
    selected got;
    for (const auto& [key, n] : events(b, "validated")) {
        CHECK(n == 1);
        got.insert(key);
    }
    CHECK(got == expected);
    CHECK(events(b, "validation_failed").empty());
    CHECK(s.validation.passed == expected.size());
    CHECK(s.validation.failed == 0);
    std::uint64_t sent = 0;
    for (const auto& [chain, e] : s.validation.edges) {
        CHECK(e.fill == 0);
        CHECK(e.fill_max <= 2);
        CHECK(e.dropped == 0);
        CHECK(e.sent == e.taken);
        sent += e.sent;
    }
    CHECK(sent == expected.size());
    for (const auto& e : b.open().events().or_throw())
        if (e.kind == "validated") {
            CHECK(e.text.find("same bits") != std::string::npos);
            // The newest configuration of a chain has no trajectory after it; every other one has its twin.
            const bool last = *e.trajectory == b.trajectories_of(*e.chain);
            CHECK((e.text.find("twin dH +0.0e+00") != std::string::npos) == !last);
        }
}

TEST_CASE("a slow validator holds the chain where nothing may be dropped, and drops where it may", "[validation]") {
    const auto plain = undisturbed_hash(small_campaign());
    for (const bool droppable : {false, true}) {
        CAPTURE(droppable);
        auto plan = validated_campaign("trajectory >= 1");
        plan.validation.droppable = droppable;
        plan.n_chains = 2;
        const bench b(plan);
        auto parts = b.parts({sound_reference()});
        auto slow = std::make_shared<fault>();
        slow->on_drift = [](std::uint64_t) { std::this_thread::sleep_for(std::chrono::microseconds(500)); };
        parts.devices.push_back({"reference:slow", faulty_reference(slow)});
        parts.plan.devices = {"reference:0"};
        parts.plan.validation.device = "reference:slow";
        run_status s;
        {
            campaign_runtime runtime(std::move(parts));
            s = run_to_end(runtime);
        }
        REQUIRE(s.all_finished);
        CHECK(b.hash() == plain);
        std::uint64_t committed = 0, dropped = 0;
        for (std::uint32_t c = 0; c < 2; ++c)
            committed += b.open().count(chain_id{c}).or_throw();
        for (const auto& [chain, e] : s.validation.edges) {
            CHECK(e.fill_max <= 2);
            CHECK(e.fill == 0);
            dropped += e.dropped;
        }
        CHECK(s.validation.passed + dropped == committed);
        CHECK((droppable || dropped == 0));
        CHECK(events(b, "validated").size() == s.validation.passed);
    }
}

TEST_CASE("a validator whose device fails is replaced three times, says so, and the campaign goes on", "[validation]") {
    const auto plain = undisturbed_hash(small_campaign());
    const bench b(validated_campaign("trajectory >= 1"));
    auto parts = b.parts({sound_reference(), sound_reference()});
    auto broken = std::make_shared<fault>();
    broken->on_drift = [](std::uint64_t n) {
        if (n % 40 == 0)
            throw failure(error{errc::device_failed, "the device gave up", "reference:broken", ""});
    };
    // A slot that only the validator asks for an engine: the campaign has two chains and two devices before it.
    parts.devices.push_back({"reference:broken", faulty_reference(broken)});
    parts.plan.validation.device = "reference:broken";
    run_status s;
    {
        campaign_runtime runtime(std::move(parts));
        s = run_to_end(runtime);
    }
    REQUIRE(s.all_finished);
    CHECK(b.hash() == plain);
    std::uint64_t failed = 0;
    for (const auto& [key, n] : events(b, "validation_failed"))
        failed += static_cast<std::uint64_t>(n);
    CHECK(failed == 4); // the first one and its three successors
    const auto said = std::count_if(s.notices.begin(), s.notices.end(), [](const auto& n) { return n.find("the validator ended") != std::string::npos; });
    CHECK(said == 4);
    CHECK(std::any_of(s.notices.begin(), s.notices.end(), [](const auto& n) { return n.find("nothing is validated any more") != std::string::npos; }));
    CHECK(s.validation.passed > 0);
}

TEST_CASE("a validator on a device that the campaign does not have is a notice", "[validation]") {
    auto plan = validated_campaign("trajectory >= 1");
    plan.validation.device = "opencl:77";
    const bench b(plan);
    const auto s = run(b, {sound_reference()});
    CHECK(s.all_finished);
    CHECK(events(b, "validated").empty());
    CHECK(std::any_of(s.notices.begin(), s.notices.end(), [](const auto& n) { return n.find("opencl:77") != std::string::npos; }));
}
