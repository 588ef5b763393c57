// SPDX-License-Identifier: AGPL-3.0-only
// A pipeline for the ordering policy to choose in: arms with true rates, block noise, common drift. Same seed, same blocks.
#pragma once

#include "libactors/control/supervision/ordering_policy.hpp"
#include "libactors/numerics/counter_rng.hpp"

#include <cmath>
#include <functional>
#include <map>

namespace forge {

struct pipeline_world {
    std::map<std::string, double> rate;  ///< true trajectories per second
    double noise = 0.03;                 ///< standard deviation of log rate per block
    double drift = 0.05;                 ///< amplitude of a common slow wave, period 400 blocks
    std::uint32_t seed = 1;
    std::uint64_t trajectories = 20;     ///< per block
    double pause_s = 0.0;
    std::function<double(const std::string&, std::uint64_t)> extra = [](const std::string&, std::uint64_t) { return 1.0; };
    std::map<std::string, double> watts{}; ///< empty: no joules
    energy_source source = energy_source::none;
};

struct world_run {
    policy_log log;
    std::vector<ordering_decision> decisions;
    std::vector<std::string> ran;       ///< arm of every block
    std::vector<std::size_t> when;      ///< block of every decision
    std::size_t switches = 0;           ///< commanded ones
    double elapsed_s = 0.0, spent_s = 0.0, budget_s = 0.0;
    std::string incumbent;
};

/// Runs `blocks` blocks and does what is commanded, nothing else. Events in `at` happen before the block of that number.
inline world_run run_world(const pipeline_world& w, policy_settings s, std::vector<std::string> arms, std::uint64_t blocks,
                           const std::multimap<std::uint64_t, policy_event>& at = {}) {
    world_run run;
    run.log = {s, arms, {}};
    auto policy = ordering_policy::make(s, arms).or_throw();
    std::string running = arms.front();
    const std::function<void(policy_event)> feed = [&](policy_event e) {
        run.log.events.push_back(e);
        std::optional<std::string> next;
        for (auto& d : policy.on(e)) {
            run.switches += d.kind == decision_kind::switch_to && d.commanded ? 1 : 0;
            if (d.commanded)
                next = d.arm;
            run.decisions.push_back(std::move(d));
            run.when.push_back(run.ran.size());
        }
        if (next && *next != running) {
            running = *next;
            feed(ordering_applied{running, w.pause_s, false});
        }
    };
    for (std::uint64_t k = 0; k < blocks; ++k) {
        for (auto [e, end] = at.equal_range(k); e != end; ++e)
            feed(e->second);
        const auto z = normal_pair(philox4x32({static_cast<std::uint32_t>(k), 0, 0, 77}, {w.seed, 9}))[0];
        const double wave = 1.0 + w.drift * std::sin(2.0 * std::acos(-1.0) * (static_cast<double>(k) / 400.0 + 0.37 * w.seed));
        const double rate = w.rate.at(running) * wave * std::exp(w.noise * z) * w.extra(running, k);
        block_measured b{running, k, static_cast<double>(w.trajectories) / rate, w.trajectories, std::nullopt, energy_source::none};
        if (w.watts.contains(running)) {
            b.joules = w.watts.at(running) * b.duration_s;
            b.source = w.source;
        }
        run.ran.push_back(running);
        feed(b);
    }
    run.elapsed_s = policy.elapsed_s();
    run.spent_s = policy.spent_s();
    run.budget_s = policy.budget_s();
    run.incumbent = policy.incumbent();
    return run;
}

/// The policy in mode act for a run of about `blocks` blocks of `block_s`.
inline policy_settings acting(std::uint64_t blocks, double block_s, std::uint64_t seed = 1) {
    policy_settings s;
    s.mode = policy_mode::act;
    s.seed = seed;
    s.planned_s = static_cast<double>(blocks) * block_s;
    return s;
}

} // namespace forge
