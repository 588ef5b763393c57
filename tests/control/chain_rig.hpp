// SPDX-License-Identifier: AGPL-3.0-only
// A chain core with a fake worker, recorder, steerer and store around it.
#pragma once

#include "libactors/control/chain_core.hpp"

#include <catch2/catch.hpp>

#include <deque>
#include <functional>

namespace forge::testing {

/// The worker's numbers are a function of the trajectory alone, as a real chain's are of its noise.
inline trajectory_observables fake_numbers(std::uint64_t i) {
    trajectory_observables o;
    o.plaquette_spatial = 0.5 + 1e-3 * double((i * 2654435761u) % 997) / 997.0;
    o.plaquette_temporal = o.plaquette_spatial;
    o.accepted = true;
    return o;
}

inline state_hash fake_state(std::uint64_t i) { return {i * 3 + 1, i * 5 + 2}; }

struct chain_rig {
    chain_core core;
    std::uint32_t capacity;
    std::vector<segment_params> plan; ///< of the segments, by ordinal
    bool recorder_takes = true;       ///< false: records stay on the edge
    bool store_fails = false;

    std::vector<physics_record> offered;
    std::vector<run_command> runs;
    std::vector<seal_command> seals;
    std::vector<std::uint64_t> finished_segments;
    std::optional<done_command> done;
    std::optional<run_command> running{}; ///< what the worker is busy with
    std::uint32_t on_edge = 0;
    std::uint32_t on_edge_max = 0;
    std::uint32_t next_number = 1;

    std::vector<check_command> checks;
    std::function<std::optional<bool>(const check_command&)> thermalised; ///< unset answer: none for now

    chain_rig(chain_start start, std::uint32_t c, std::vector<segment_params> p, std::uint32_t check_every = 0)
        : core(std::move(start), c, check_every), capacity(c), plan(std::move(p)) {}

    void carry_out(const std::vector<chain_command>& commands) {
        std::deque<chain_command> todo(commands.begin(), commands.end());
        const auto more = [&](const std::vector<chain_command>& c) { todo.insert(todo.end(), c.begin(), c.end()); };
        while (!todo.empty()) {
            const auto next = todo.front();
            todo.pop_front();
            if (const auto* run = std::get_if<run_command>(&next)) {
                REQUIRE(!running); // one trajectory at a time
                running = *run;
                runs.push_back(*run);
            } else if (const auto* check = std::get_if<check_command>(&next)) {
                REQUIRE(!running);
                checks.push_back(*check);
                if (const auto says = thermalised(*check))
                    more(core.on_checked(check->done, *says));
            } else if (const auto* offer = std::get_if<offer_command>(&next)) {
                offered.push_back(offer->record);
                on_edge_max = std::max(on_edge_max, ++on_edge);
                REQUIRE(on_edge <= capacity);
                if (recorder_takes)
                    more(grant());
            } else if (const auto* ask = std::get_if<ask_segment_command>(&next)) {
                if (ask->ordinal < plan.size())
                    more(core.on_segment(opened_segment{segment_no{next_number++}, ask->ordinal, ask->first_trajectory, plan[ask->ordinal]}));
                else
                    more(core.on_segment(std::nullopt));
            } else if (const auto* seal = std::get_if<seal_command>(&next)) {
                seals.push_back(*seal);
                more(store_fails ? core.on_seal_failed("the disk is full") : core.on_sealed(seal->trajectory));
            } else if (const auto* finish = std::get_if<finish_segment_command>(&next)) {
                finished_segments.push_back(finish->number.value);
            } else {
                REQUIRE(!done);
                done = std::get<done_command>(next);
            }
        }
    }
    std::vector<chain_command> grant() {
        --on_edge;
        return core.on_granted(1);
    }
    /// The worker finishes what it runs.
    bool step() {
        if (!running)
            return false;
        const auto i = running->trajectory;
        running.reset();
        carry_out(core.on_trajectory(fake_numbers(i), fake_state(i), 0.01));
        return true;
    }
    void run_to_end() {
        for (int k = 0; k < 100000 && step(); ++k)
            ;
    }
};

inline chain_start beginning() {
    chain_start s;
    s.chain = chain_id{1};
    s.epoch = epoch_no{1};
    s.head = genesis_hash("seed", chain_id{1});
    s.state = fake_state(0);
    return s;
}

inline segment_params segment_of(std::uint32_t thermalise, std::uint32_t measure, std::uint32_t warmup = 0) {
    segment_params p;
    p.beta = 5.7;
    p.n_thermalise = thermalise;
    p.n_measure = measure;
    p.n_warmup = warmup;
    return p;
}

/// One record per index in order, each naming the hash of the one before.
inline void check_hash_chain(const std::vector<physics_record>& records, digest head, std::uint64_t first = 1) {
    for (const auto& r : records) {
        CHECK(r.trajectory == first++);
        CHECK(r.previous == head);
        head = hash_of(r);
    }
}

} // namespace forge::testing
