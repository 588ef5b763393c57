// SPDX-License-Identifier: AGPL-3.0-only
// Plans, run by a machine that knows only what may be done when.
#include "libactors/flow/reconfigure.hpp"
#include "tests/flow/random_topology.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <set>

using namespace forge;

namespace {

using action = plan_step::action;

/// A pipeline that runs: which stages stand, and which edges may have something on them.
struct machine {
    topology t;
    std::set<std::string> stands;
    std::set<std::pair<std::string, std::string>> used; ///< edges with items
    std::set<std::string> ever_paused;

    explicit machine(topology start) : t(std::move(start)) {
        for (const auto& e : t.edges)
            used.insert({e.from, e.to});
    }

    void run(const plan_step& s) {
        INFO(s.text());
        switch (s.what) {
        case action::pause:
            REQUIRE(t.find_stage(s.stage_id) != nullptr);
            REQUIRE(stands.insert(s.stage_id).second);
            ever_paused.insert(s.stage_id);
            break;
        case action::drain: {
            const auto& e = t.find_edge(s.from, s.to);
            REQUIRE(stands.contains(s.from)); // or it would fill again
            if (can_block(e, t))
                REQUIRE(!stands.contains(s.to)); // somebody has to take what must not be lost
            used.erase({s.from, s.to});
            break;
        }
        case action::rewire: {
            const auto& c = s.change;
            for (const auto* e : {&c.edge_before, &c.edge_after})
                if (*e) {
                    REQUIRE(stands.contains((*e)->from));
                    REQUIRE(stands.contains((*e)->to));
                    REQUIRE(!used.contains({(*e)->from, (*e)->to}));
                }
            if (c.stage_before)
                REQUIRE(stands.contains(c.stage_before->id));
            t = applied(t, c);
            if (c.stage_before && !c.stage_after) {
                stands.erase(c.stage_before->id);
                for (const auto& e : t.edges)
                    REQUIRE((e.from != c.stage_before->id && e.to != c.stage_before->id));
            }
            if (c.stage_after && !c.stage_before)
                stands.insert(c.stage_after->id);
            break;
        }
        case action::resume:
            REQUIRE(stands.erase(s.stage_id) == 1);
            for (const auto& e : t.edges)
                if (e.from == s.stage_id)
                    used.insert({e.from, e.to});
            break;
        }
    }
};

std::set<std::string> affected(const topology& a, const topology& b) {
    std::set<std::string> ids;
    for (const auto& c : diff(a, b)) {
        for (const auto* s : {&c.stage_before, &c.stage_after})
            if (*s)
                ids.insert((*s)->id);
        for (const auto* e : {&c.edge_before, &c.edge_after})
            if (*e)
                ids.insert({(*e)->from, (*e)->to});
    }
    return ids;
}

} // namespace

TEST_CASE("a diff is empty exactly for equal graphs, and its changes lead from one to the other and back") {
    std::mt19937 g(11);
    for (int round = 0; round < 300; ++round) {
        const auto a = random_topology(g), b = round % 5 == 0 ? a : random_topology(g);
        const auto changes = diff(a, b);
        CHECK(changes.empty() == (a == b));
        CHECK(changes.empty() == (hash_of(a) == hash_of(b)));
        auto t = a;
        for (const auto& c : changes) {
            t = applied(t, c);
            for (const auto& e : t.edges) // no edge hangs in the air
                CHECK((t.find_stage(e.from) != nullptr && t.find_stage(e.to) != nullptr));
            CHECK(!c.text().empty());
        }
        CHECK(t == b);
        for (auto c = changes.rbegin(); c != changes.rend(); ++c)
            t = applied(t, c->inverse());
        CHECK(t == a);
    }
    CHECK_THROWS_AS(applied({}, topology_change{stage{"x", "recorder", {}, {}, {}}, {}, {}, {}}), contract_broken);
}

TEST_CASE("a plan leads to the new graph, keeps what must not be lost, and leaves the unaffected alone") {
    std::mt19937 g(12);
    std::size_t n_steps = 0, n_untouched = 0;
    for (int round = 0; round < 300; ++round) {
        const auto a = random_topology(g);
        auto b = round % 2 == 0 ? a : random_topology(g);
        for (std::size_t k = 0; round % 2 == 0 && k < b.edges.size(); ++k) // a few edges only
            if (g() % 4 == 0)
                b.edges[k].via.capacity = b.edges[k].via.kind == channel_kind::latest ? 1 : 9;
        const auto plan = reconfiguration_plan(a, b);
        machine m(a);
        for (const auto& s : plan)
            m.run(s);
        CHECK(m.t == b);
        CHECK(m.stands.empty());
        const auto may = affected(a, b);
        for (const auto& id : m.ever_paused)
            CHECK(may.contains(id));
        for (const auto& s : a.stages)
            n_untouched += m.ever_paused.contains(s.id) ? 0 : 1;
        n_steps += plan.size();
    }
    CHECK(n_steps > 1000);
    CHECK(n_untouched > 100);
}

TEST_CASE("a plan that breaks off after any number of steps is taken back") {
    std::mt19937 g(13);
    for (int round = 0; round < 40; ++round) {
        const auto a = random_topology(g), b = random_topology(g);
        const auto plan = reconfiguration_plan(a, b);
        for (std::size_t n = 0; n <= plan.size(); ++n) {
            machine m(a);
            for (std::size_t k = 0; k < n; ++k)
                m.run(plan[k]);
            for (const auto& s : rollback_plan(a, b, n))
                m.run(s);
            CHECK(m.t == a);
            CHECK(m.stands.empty());
        }
    }
}

TEST_CASE("seed 000's reaction to a full validator pauses the producer and the validator only") {
    const topology with{{{"big", "hmc_producer", {}, {}, {}}, {"small", "hmc_producer", {}, {}, {}}, {"val", "precision_validator", {}, {}, {}},
                         {"rec", "recorder", {}, {}, {}}},
                        {{"big", "rec", channel::bounded(4)}, {"small", "rec", channel::bounded(4)}, {"big", "val", channel::filtered("chi > 10", 4)}}};
    auto without = with;
    without.stages.erase(without.stages.begin() + 2);
    without.edges.pop_back();
    std::string text;
    for (const auto& s : reconfiguration_plan(with, without))
        text += s.text() + "\n";
    CHECK(text == "pause big\n"
                  "drain big -> val\n"
                  "pause val\n"
                  "rewire: remove edge big -> val\n"
                  "rewire: remove stage val\n"
                  "resume big\n");
    CHECK(reconfiguration_plan(with, with).empty());
}
