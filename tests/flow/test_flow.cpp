// SPDX-License-Identifier: AGPL-3.0-only
// Credit and topology.
#include "libactors/flow/topology.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

using namespace forge;

namespace {

bool mentions(const result<void>& r, const std::string& text) {
    return !r && r.reason().what.find(text) != std::string::npos;
}

topology two_stages(std::uint32_t capacity) {
    return {{{"a", "hmc_producer", {}, {}, {}}, {"b", "bayesian_steerer", {}, {}, {}}}, {{"a", "b", channel::bounded(capacity)}}};
}

} // namespace

TEST_CASE("an account never has more in flight than its capacity, whatever the order of events") {
    for (const std::uint32_t capacity : {1u, 2u, 7u, 64u}) {
        credit_account account(capacity);
        std::mt19937 generator(9);
        std::uint32_t in_flight = 0;
        for (int event = 0; event < 2000; ++event) {
            if (generator() % 2 == 0) {
                CHECK(account.may_send() == (in_flight < capacity));
                if (account.may_send()) {
                    account.sent();
                    ++in_flight;
                }
            } else if (in_flight > 0) {
                const auto n = 1 + static_cast<std::uint32_t>(generator() % in_flight);
                account.granted(n);
                in_flight -= n;
            }
            CHECK(account.in_flight() == in_flight);
            CHECK(account.in_flight() <= account.capacity());
        }
    }
}

TEST_CASE("sending without credit breaks the contract and changes nothing") {
    credit_account account(2);
    account.sent();
    account.sent();
    CHECK(!account.may_send());
    CHECK_THROWS_AS(account.sent(), contract_broken);
    CHECK(account.in_flight() == 2);
}

TEST_CASE("granting more than is in flight breaks the contract, even where 32 bits overflow") {
    credit_account account(4);
    CHECK_THROWS_AS(account.granted(1), contract_broken);
    account.sent();
    CHECK_THROWS_AS(account.granted(2), contract_broken);
    CHECK_THROWS_AS(account.granted(0xffffffffu), contract_broken);
    CHECK_THROWS_AS(account.granted(0xfffffffeu), contract_broken);
    CHECK(account.in_flight() == 1);
    account.granted(1);
    CHECK(account.in_flight() == 0);
    account.granted(0);
    CHECK(account.in_flight() == 0);
}

TEST_CASE("a topology without faults validates") {
    CHECK(validate(two_stages(1)).ok());
    CHECK(validate(two_stages(edge_capacity_max)).ok());
    CHECK(validate(topology{}).ok());
}

TEST_CASE("validation finds each fault") {
    auto twice = two_stages(1);
    twice.stages.push_back({"a", "steerer", {}, {}, {}});
    CHECK(mentions(validate(twice), "stage a is declared twice"));

    auto unknown = two_stages(1);
    unknown.edges.push_back({"a", "nowhere", channel::latest()});
    CHECK(mentions(validate(unknown), "there is no stage nowhere"));
    unknown = two_stages(1);
    unknown.edges.push_back({"elsewhere", "b", channel::latest()});
    CHECK(mentions(validate(unknown), "there is no stage elsewhere"));

    CHECK(mentions(validate(two_stages(0)), "capacity 0"));
    CHECK(mentions(validate(two_stages(65)), "capacity 65"));

    auto cycle = two_stages(3);
    cycle.edges.push_back({"b", "a", channel::bounded(3)});
    CHECK(mentions(validate(cycle), "cycle"));
    auto self = two_stages(3);
    self.edges.push_back({"a", "a", channel::bounded(1)});
    CHECK(mentions(validate(self), "cycle"));
}

TEST_CASE("a cycle is allowed where one of its edges cannot block") {
    auto t = two_stages(3);
    t.edges.push_back({"b", "a", channel::latest()});
    CHECK(validate(t).ok());
}

TEST_CASE("a diamond of blocking edges is no cycle, a long ring is") {
    const auto one = channel::bounded(1);
    topology diamond{{{"a", "hmc_producer", {}, {}, {}}, {"b", "observable", {}, {}, {}}, {"c", "precision_validator", {}, {}, {}}, {"d", "bayesian_steerer", {}, {}, {}}},
                     {{"a", "b", one}, {"a", "c", one}, {"b", "d", one}, {"c", "d", one}}};
    CHECK(validate(diamond).ok());
    diamond.edges.push_back({"d", "a", one});
    CHECK(mentions(validate(diamond), "every edge of the cycle a -> b -> d -> a can block"));
    diamond.edges.back().via = channel::latest();
    CHECK(validate(diamond).ok());
    diamond.edges.back().via = one;
    diamond.stages[0].config.droppable = true; // decisions for a full chain are dropped: nobody is held
    CHECK(validate(diamond).ok());
}

TEST_CASE("validation reports every fault at once") {
    topology t{{{"a", "chain", {}, {}, {}}, {"a", "chain", {}, {}, {}}}, {{"a", "x", channel::bounded(0)}, {"y", "a", channel::bounded(99)}}};
    const auto r = validate(t);
    for (const char* part : {"stage a is declared twice", "there is no stage x", "there is no stage y", "capacity 0", "capacity 99"})
        CHECK(mentions(r, part));
    CHECK(r.reason().code == errc::invalid_argument);
}

TEST_CASE("the topology of a scan is valid and gives every chain a worker, the recorder and the steerer") {
    for (const std::size_t n_devices : {std::size_t{1}, std::size_t{2}, std::size_t{3}})
        for (const std::uint32_t n_chains : {1u, 2u, 5u}) {
            std::vector<std::string> devices;
            for (std::size_t d = 0; d < n_devices; ++d)
                devices.push_back("opencl:0." + std::to_string(d));
            const auto t = scan_topology(devices, n_chains, 7);
            INFO(n_devices << " devices, " << n_chains << " chains");
            CHECK(validate(t).ok());
            CHECK(t.stages.size() == n_devices + n_chains + 2);
            for (std::uint32_t c = 0; c < n_chains; ++c) {
                const std::string chain = "chain.c" + std::to_string(c);
                CHECK(t.find_edge(chain, "recorder").via.kind == channel_kind::bounded);
                CHECK(t.find_edge(chain, "recorder").via.capacity == 7);
                CHECK(t.find_edge("steerer", chain).via.kind == channel_kind::latest);
                CHECK(t.find_edge(chain, "worker." + devices[c % n_devices]).via.kind == channel_kind::latest);
            }
            CHECK_THROWS_AS(t.find_edge("recorder", "steerer"), contract_broken);
        }
}
