// SPDX-License-Identifier: AGPL-3.0-only
// One edge at run time: random walks of producer and consumer, and what must hold after each step.
#include "libactors/flow/channel.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

using namespace forge;

namespace {

using ids = std::vector<std::uint64_t>;

/// What an outside observer notes down.
struct notes {
    ids accepted, dropped, filtered, taken, given_back;
    std::uint64_t replaced = 0, granted = 0, held = 0;
};

void check_sums(const edge_channel& e, const notes& n) {
    const auto c = e.counters();
    CHECK(c.sent == n.accepted.size());
    CHECK(c.dropped == n.dropped.size());
    CHECK(c.filtered == n.filtered.size());
    CHECK(c.replaced == n.replaced);
    CHECK(c.held == n.held);
    CHECK(c.sent == c.taken + c.fill + c.replaced + c.lost);
    CHECK(c.lost == n.given_back.size());
    CHECK(c.fill <= e.via().capacity);
    CHECK(c.fill_max <= e.via().capacity);
    CHECK(c.fill <= c.fill_max);
    if (e.is_open())
        CHECK(c.credits == e.via().capacity - c.fill);
}

/// Offers, takes and grants by chance; an item that would block is offered again. @return the notes, all items drained.
notes walk(edge_channel& e, std::mt19937& g, int n_steps, unsigned n_priorities) {
    notes n;
    std::uint64_t next = 0;
    std::uint32_t in_hand = 0;
    const bool latest = e.via().kind == channel_kind::latest;
    for (int step = 0; step < n_steps || e.counters().fill > 0; ++step) {
        const auto event = step < n_steps ? g() % 3 : 1 + g() % 2;
        if (event == 0) {
            const bool passes = g() % 2 == 0, blocks = e.would_block() && (passes || e.via().kind != channel_kind::filtered);
            const auto full = e.counters().credits == 0;
            switch (e.offer({next, static_cast<std::uint32_t>(g() % n_priorities)}, passes)) {
            case offer_outcome::replaced:
                CHECK((latest && full));
                ++n.replaced;
                [[fallthrough]];
            case offer_outcome::accepted: n.accepted.push_back(next++); break;
            case offer_outcome::dropped:
                CHECK(full);
                n.dropped.push_back(next++);
                break;
            case offer_outcome::filtered:
                CHECK((e.via().kind == channel_kind::filtered && !passes));
                n.filtered.push_back(next++);
                break;
            case offer_outcome::would_block:
                CHECK((blocks && full));
                ++n.held;
                break;
            case offer_outcome::closed: FAIL("nobody closed it"); break;
            }
        } else if (event == 1) {
            if (const auto i = e.take()) {
                n.taken.push_back(i->id);
                in_hand += latest ? 0 : 1;
            }
        } else if (in_hand > 0) {
            const auto k = 1 + static_cast<std::uint32_t>(g() % in_hand);
            e.grant(k);
            in_hand -= k;
        }
        check_sums(e, n);
    }
    CHECK(n.accepted.size() + n.dropped.size() + n.filtered.size() == next);
    return n;
}

} // namespace

TEST_CASE("on edges that hold nothing is lost, nothing is doubled, and the order stays") {
    std::mt19937 g(21);
    for (const auto& via : {channel::bounded(1), channel::bounded(4), channel::unbounded(100), channel::broadcast(3), channel::filtered("beta > 5", 5)}) {
        edge_channel e(via, false);
        const auto n = walk(e, g, 4000, 1);
        CHECK(n.taken == n.accepted);
        CHECK(std::is_sorted(n.taken.begin(), n.taken.end()));
        CHECK(n.dropped.empty());
        CHECK(n.filtered.empty() == (via.kind != channel_kind::filtered));
        CHECK(n.taken.size() > 300);
        if (via.capacity < 10)
            CHECK(e.counters().fill_max == via.capacity);
    }
}

TEST_CASE("before a droppable stage nobody is held: what has no place is dropped and counted") {
    std::mt19937 g(22);
    edge_channel e(channel::bounded(2), true);
    const auto n = walk(e, g, 4000, 1);
    CHECK(n.held == 0);
    CHECK(n.dropped.size() > 100);
    CHECK(n.taken == n.accepted);
}

TEST_CASE("latest keeps the newest and never blocks") {
    std::mt19937 g(23);
    edge_channel e(channel::latest(), false);
    const auto n = walk(e, g, 4000, 1);
    CHECK((n.held == 0 && n.dropped.empty()));
    CHECK(n.replaced > 100);
    CHECK(n.taken.size() + n.replaced == n.accepted.size());
    CHECK(std::is_sorted(n.taken.begin(), n.taken.end()));
    CHECK(e.offer({7, 0}) == offer_outcome::accepted);
    CHECK(e.offer({8, 0}) == offer_outcome::replaced);
    CHECK(e.take()->id == 8);
    CHECK(!e.take());
}

TEST_CASE("higher priorities go first, offers among equals in their order") {
    edge_channel e(channel::bounded(5), false);
    const std::pair<std::uint64_t, std::uint32_t> offered[] = {{1, 0}, {2, 5}, {3, 0}, {4, 9}, {5, 5}};
    for (const auto& [id, priority] : offered)
        CHECK(e.offer({id, priority}) == offer_outcome::accepted);
    ids taken;
    while (const auto i = e.take())
        taken.push_back(i->id);
    CHECK(taken == ids{4, 2, 5, 1, 3});

    std::mt19937 g(24);
    edge_channel many(channel::bounded(6), false);
    auto n = walk(many, g, 4000, 3);
    std::sort(n.taken.begin(), n.taken.end());
    CHECK(n.taken == n.accepted);
}

TEST_CASE("a dead consumer closes its edge: what was under way goes back, and nobody is held any more") {
    edge_channel e(channel::bounded(3), false);
    for (const std::uint64_t id : {1u, 2u, 3u})
        CHECK(e.offer({id, 0}) == offer_outcome::accepted);
    CHECK(e.take()->id == 1);
    CHECK(e.offer({4, 0}) == offer_outcome::would_block);
    const auto back = e.close();
    REQUIRE(back.size() == 3);
    for (std::size_t k = 0; k < 3; ++k)
        CHECK(back[k].id == k + 1);
    CHECK(!e.would_block());
    CHECK(e.offer({4, 0}) == offer_outcome::closed);
    CHECK(!e.take());
    e.grant(1); // crossed the closing
    const auto c = e.counters();
    CHECK((c.sent == 3 && c.lost == 3 && c.fill == 0 && c.credits == 0 && c.taken == 0));
    CHECK(e.close().empty());
}

TEST_CASE("granting what was not taken breaks the contract") {
    edge_channel e(channel::bounded(2), false);
    CHECK_THROWS_AS(e.grant(1), contract_broken);
    CHECK(e.offer({1, 0}) == offer_outcome::accepted);
    CHECK_THROWS_AS(e.grant(1), contract_broken);
    CHECK_THROWS_AS(edge_channel(channel::bounded(0), false), contract_broken);
}

TEST_CASE("a broadcast reaches every consumer in the same order, or none yet") {
    edge_channel a(channel::broadcast(2), false), b(channel::broadcast(5), false), c(channel::broadcast(1), true);
    const std::vector<edge_channel*> all{&a, &b, &c};
    std::mt19937 g(25);
    std::uint64_t next = 0;
    ids got_a, got_b;
    for (int step = 0; step < 3000; ++step) {
        if (g() % 2 == 0) {
            const bool blocks = a.would_block() || b.would_block();
            const auto outcome = broadcast(all, {next, 0});
            CHECK((outcome == offer_outcome::would_block) == blocks);
            next += blocks ? 0 : 1;
        }
        auto& e = g() % 2 == 0 ? a : b;
        if (const auto i = e.take()) {
            (&e == &a ? got_a : got_b).push_back(i->id);
            e.grant();
        }
        CHECK(a.counters().sent == b.counters().sent);
        CHECK(a.counters().sent == next);
        CHECK(c.counters().sent + c.counters().dropped == next);
    }
    CHECK(next > 500);
    for (const auto* got : {&got_a, &got_b})
        for (std::size_t k = 0; k < got->size(); ++k)
            CHECK((*got)[k] == k);
    CHECK(a.close().size() <= 2);
    CHECK(b.close().size() <= 5);
    CHECK(c.close().size() <= 1);
    CHECK(broadcast(all, {next, 0}) == offer_outcome::closed);
}
