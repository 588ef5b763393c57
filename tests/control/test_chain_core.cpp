// SPDX-License-Identifier: AGPL-3.0-only
// What a chain does next, driven without actors.
#include "tests/control/chain_rig.hpp"

#include "libactors/numerics/statistics.hpp"

using namespace forge;
using namespace forge::testing;

TEST_CASE("a chain offers one record per index in order, and the records form a hash chain") {
    for (const std::uint32_t capacity : {1u, 2u, 64u}) {
        chain_rig rig(beginning(), capacity, {segment_of(3, 5), segment_of(2, 4)});
        rig.carry_out(rig.core.begin());
        rig.run_to_end();
        INFO("capacity " << capacity);
        CHECK(rig.offered.size() == 14);
        check_hash_chain(rig.offered, genesis_hash("seed", chain_id{1}));
        REQUIRE(rig.done);
        CHECK(rig.done->finished);
        CHECK(rig.core.phase() == chain_phase::done);
        CHECK(rig.core.sealed() == 14);
        CHECK(rig.seals.back().trajectory == 14);
        CHECK(rig.seals.back().head == hash_of(rig.offered.back()));
        CHECK(rig.seals.back().state == fake_state(14));
        CHECK(rig.finished_segments == std::vector<std::uint64_t>{2});
    }
}

TEST_CASE("segments follow each other at the first free index, thermalise first and end at n_measure") {
    chain_rig rig(beginning(), 64, {segment_of(3, 5), segment_of(0, 4)});
    rig.carry_out(rig.core.begin());
    rig.run_to_end();
    for (std::size_t k = 0; k < rig.offered.size(); ++k) {
        CHECK(rig.offered[k].segment.value == (k < 8 ? 1 : 2));
        CHECK(rig.offered[k].measured == (k >= 3));
    }
    CHECK(rig.offered.size() == 12);
}

TEST_CASE("warm-up trajectories run without a test, later ones with, in every segment") {
    chain_rig rig(beginning(), 64, {segment_of(4, 3, 2), segment_of(4, 3, 2)});
    rig.carry_out(rig.core.begin());
    rig.run_to_end();
    REQUIRE(rig.runs.size() == 14);
    for (std::size_t k = 0; k < rig.runs.size(); ++k)
        CHECK(rig.runs[k].test == (k % 7 >= 2));
}

TEST_CASE("without credit the chain holds its record and starts nothing") {
    for (const std::uint32_t capacity : {1u, 3u}) {
        chain_rig rig(beginning(), capacity, {segment_of(0, 10)});
        rig.recorder_takes = false;
        rig.carry_out(rig.core.begin());
        rig.run_to_end();
        INFO("capacity " << capacity);
        CHECK(rig.offered.size() == capacity);
        CHECK(rig.runs.size() == capacity + 1); // one more is finished and held
        CHECK(rig.core.back_pressured());
        CHECK(rig.core.credit().in_flight() == capacity);
        CHECK(!rig.step());
        for (std::uint32_t k = 0; k < 4; ++k) {
            rig.carry_out(rig.grant());
            CHECK(rig.offered.size() == capacity + k + 1);
            CHECK(rig.running.has_value()); // the credit freed it
            (void)rig.step();
        }
        CHECK(rig.on_edge_max == capacity);
        check_hash_chain(rig.offered, genesis_hash("seed", chain_id{1}));
    }
}

TEST_CASE("stop finishes the trajectory, seals it and ends") {
    chain_rig rig(beginning(), 64, {segment_of(0, 100)});
    rig.carry_out(rig.core.begin());
    for (int k = 0; k < 6; ++k)
        rig.step();
    rig.carry_out(rig.core.on_stop());
    CHECK(!rig.done); // trajectory 7 is under way
    CHECK(rig.core.phase() == chain_phase::stopping);
    rig.run_to_end();
    REQUIRE(rig.done);
    CHECK(!rig.done->finished);
    CHECK(rig.offered.size() == 7);
    REQUIRE(rig.seals.size() == 1);
    CHECK(rig.seals[0].trajectory == 7);
    CHECK(rig.seals[0].segment.number.value == 1);
    CHECK(rig.core.sealed() == 7);
}

TEST_CASE("stop before the first trajectory ends at once with nothing to seal") {
    chain_rig rig(beginning(), 4, {segment_of(0, 5)});
    rig.carry_out(rig.core.on_stop());
    REQUIRE(rig.done);
    CHECK(!rig.done->finished);
    CHECK(rig.seals.empty());
    CHECK(rig.offered.empty());
}

TEST_CASE("a stop under back-pressure waits for the record to leave") {
    chain_rig rig(beginning(), 1, {segment_of(0, 10)});
    rig.recorder_takes = false;
    rig.carry_out(rig.core.begin());
    rig.run_to_end();
    rig.carry_out(rig.core.on_stop());
    CHECK(!rig.done);
    rig.carry_out(rig.grant());
    REQUIRE(rig.done);
    CHECK(rig.core.sealed() == 2);
    CHECK(rig.offered.size() == 2);
}

TEST_CASE("seals come at the next boundary, before the next run, once per request") {
    chain_rig rig(beginning(), 64, {segment_of(0, 20)});
    rig.carry_out(rig.core.begin());
    rig.step();
    rig.step();
    rig.core.on_seal_due();
    CHECK(rig.seals.empty());
    const auto commands = rig.core.on_trajectory(fake_numbers(3), fake_state(3), 0.01);
    REQUIRE(commands.size() == 3);
    CHECK(std::holds_alternative<offer_command>(commands[0]));
    REQUIRE(std::holds_alternative<seal_command>(commands[1]));
    CHECK(std::get<seal_command>(commands[1]).trajectory == 3);
    CHECK(std::holds_alternative<run_command>(commands[2]));
    rig.running.reset();
    rig.carry_out(commands);
    rig.step();
    CHECK(rig.seals.size() == 1);
}

TEST_CASE("a failing seal pauses the chain, which keeps its state, and a retry resumes it") {
    chain_rig rig(beginning(), 64, {segment_of(0, 10)});
    rig.carry_out(rig.core.begin());
    rig.step();
    rig.store_fails = true;
    rig.core.on_seal_due();
    rig.run_to_end();
    CHECK(rig.core.phase() == chain_phase::paused);
    CHECK(rig.core.pause_reason() == "the disk is full");
    const auto stands_at = rig.core.trajectory();
    CHECK(stands_at < 10);
    rig.carry_out(rig.core.on_retry()); // still full
    CHECK(rig.core.phase() == chain_phase::paused);
    CHECK(!rig.running);
    CHECK(rig.core.sealed() == 0);
    rig.store_fails = false;
    rig.carry_out(rig.core.on_retry());
    CHECK(rig.core.sealed() == stands_at);
    rig.run_to_end();
    REQUIRE(rig.done);
    CHECK(rig.offered.size() == 10);
    check_hash_chain(rig.offered, genesis_hash("seed", chain_id{1}));
}

TEST_CASE("a stop while the storage is full ends only after the last trajectory is sealed") {
    chain_rig rig(beginning(), 64, {segment_of(0, 10)});
    rig.carry_out(rig.core.begin());
    rig.step();
    rig.store_fails = true;
    rig.carry_out(rig.core.on_stop());
    rig.run_to_end();
    CHECK(!rig.done);
    rig.store_fails = false;
    rig.carry_out(rig.core.on_retry());
    REQUIRE(rig.done);
    CHECK(rig.core.sealed() == rig.core.trajectory());
}

TEST_CASE("pause starts nothing and resume goes on with the same records") {
    chain_rig rig(beginning(), 64, {segment_of(0, 10)});
    rig.carry_out(rig.core.begin());
    rig.step();
    rig.carry_out(rig.core.on_pause("asked"));
    rig.run_to_end();
    CHECK(rig.core.phase() == chain_phase::paused);
    CHECK(rig.offered.size() == 2); // the one under way was finished
    CHECK(!rig.running);
    rig.carry_out(rig.core.on_resume());
    rig.run_to_end();
    CHECK(rig.done);
    check_hash_chain(rig.offered, genesis_hash("seed", chain_id{1}));
}

TEST_CASE("a restart from any seal continues with identical records") {
    const std::vector<segment_params> plan{segment_of(3, 5, 1), segment_of(2, 4, 2)};
    chain_rig whole(beginning(), 8, plan);
    whole.carry_out(whole.core.begin());
    whole.run_to_end();
    REQUIRE(whole.offered.size() == 14);
    for (std::uint64_t at = 1; at < 14; ++at) {
        const auto& last = whole.offered[at - 1];
        const bool second = last.segment.value == 2;
        chain_start s = beginning();
        s.trajectory = at;
        s.head = hash_of(last);
        s.state = last.state;
        s.segment = opened_segment{last.segment, second ? 1u : 0u, second ? 9u : 1u, plan[second ? 1 : 0]};
        s.next_ordinal = second ? 2 : 1;
        for (std::uint64_t i = s.segment->first_trajectory; i <= at; ++i)
            if (whole.offered[i - 1].measured)
                s.measured.push_back(whole.offered[i - 1].observed.plaquette());
        chain_rig rest(s, 8, plan);
        rest.next_number = second ? 3 : 2;
        rest.carry_out(rest.core.begin());
        rest.run_to_end();
        INFO("restart after trajectory " << at);
        CHECK(std::vector(whole.offered.begin() + static_cast<std::ptrdiff_t>(at), whole.offered.end()) == rest.offered);
        REQUIRE(rest.done);
        for (const auto& r : rest.runs) {
            const auto& same = whole.runs[r.trajectory - 1];
            CHECK(r.test == same.test);
            CHECK(r.params == same.params);
        }
    }
}

TEST_CASE("a target error stops measuring at the first look where it is reached, and looks every 50") {
    auto p = segment_of(5, 5000);
    p.target_error = 3e-5; // of numbers spread evenly over 1e-3: sigma 2.9e-4, so about 100 of them
    chain_rig rig(beginning(), 64, {p});
    rig.carry_out(rig.core.begin());
    rig.run_to_end();
    REQUIRE(rig.done);
    const auto n = rig.offered.size() - 5;
    CHECK(n % 50 == 0);
    CHECK(n < 5000);
    std::vector<double> series;
    for (const auto& r : rig.offered)
        if (r.measured)
            series.push_back(r.observed.plaquette());
    CHECK(series.size() == n);
    CHECK(*gamma_method(series).error <= *p.target_error);
    for (std::size_t look = 50; look < n; look += 50) { // no earlier look would have stopped it
        const auto g = gamma_method(std::span(series).first(look));
        CHECK(!(g.reliable && *g.error <= *p.target_error));
    }
}

TEST_CASE("a target that is never reached ends at n_measure") {
    auto p = segment_of(0, 120);
    p.target_error = 1e-12;
    chain_rig rig(beginning(), 64, {p});
    rig.carry_out(rig.core.begin());
    rig.run_to_end();
    CHECK(rig.offered.size() == 120);
}

TEST_CASE("phases are told as they are") {
    chain_rig rig(beginning(), 64, {segment_of(2, 2)});
    CHECK(rig.core.phase() == chain_phase::starting);
    CHECK(std::holds_alternative<ask_segment_command>(rig.core.begin()[0]));
    CHECK(rig.core.phase() == chain_phase::waiting_for_decision);
    rig.carry_out(rig.core.on_segment(opened_segment{segment_no{1}, 0, 1, segment_of(2, 2)}));
    CHECK(rig.core.phase() == chain_phase::thermalising);
    rig.step();
    rig.step();
    CHECK(rig.core.phase() == chain_phase::measuring);
    CHECK(rig.core.done_in_segment() == 2);
    for (const auto p : {chain_phase::starting, chain_phase::thermalising, chain_phase::measuring, chain_phase::waiting_for_decision,
                         chain_phase::paused, chain_phase::stopping, chain_phase::done})
        CHECK(!name_of(p).empty());
}

TEST_CASE("events that nobody asked for break the contract") {
    chain_rig rig(beginning(), 64, {segment_of(0, 2)});
    CHECK_THROWS_AS(rig.core.on_trajectory(fake_numbers(1), fake_state(1), 0.0), contract_broken);
    CHECK_THROWS_AS(rig.core.on_segment(std::nullopt), contract_broken);
    (void)rig.core.begin();
    CHECK_THROWS_AS(rig.core.on_segment(opened_segment{segment_no{1}, 0, 5, segment_of(0, 2)}), contract_broken);
    CHECK_THROWS_AS(rig.core.on_granted(1), contract_broken);
}
