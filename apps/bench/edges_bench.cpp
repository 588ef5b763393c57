// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/bench/bench.hpp"

#include "actors/runtime/campaign_runtime.hpp"
#include "libactors/hmc/trajectory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

namespace forge::bench {

namespace {

constexpr std::uint32_t trajectories = 2000; ///< of a campaign, over all chains: some tenths of a second
constexpr std::uint32_t warm_up = 100;

/// One integrator step on 2^4: as little physics as a trajectory can have.
campaign smallest_campaign(std::uint32_t chains, std::uint32_t capacity) {
    campaign c;
    c.name = "edges";
    c.seed = "edges";
    c.n_chains = chains;
    c.lattice = extents{{2, 2, 2, 2}};
    c.beta_min = 5.7;
    c.beta_max = 5.7;
    c.beta_points = chains; // a segment each
    c.hmc.n_steps = 1;
    c.hmc.n_thermalise = warm_up / chains;
    c.hmc.n_warmup = 10;
    c.hmc.n_measure = (trajectories - warm_up) / chains;
    c.edge_capacity = capacity;
    return c;
}

struct pipeline_run {
    double seconds = 0.0;
    double busy = 0.0;           ///< fraction of the worker's time
    double back_pressured = 0.0; ///< of the chains' time, mean
    std::uint32_t deepest = 0;   ///< records between a chain and the ledger, largest seen
};

/// The whole life of a campaign, from the first actor to the last: the engine exists before, the ledger is new.
pipeline_run run_pipeline(const bench_device& d, const options& o, const campaign& plan, const std::filesystem::path& folder) {
    std::filesystem::create_directories(folder);
    runtime_parts p;
    p.plan = plan;
    p.seed = *plan.seed;
    p.precision.assign(plan.n_chains, arithmetic{});
    p.shape = scan_topology({d.id}, plan.n_chains, plan.edge_capacity);
    const auto text = physics_text(plan);
    p.book = std::make_shared<ledger>(ledger::create_or_open(folder / "ledger.sqlite", {p.seed, text, sha256_of(text), plan.n_chains, "bench"}).or_throw());
    p.store = std::make_shared<checkpoint_store>(checkpoint_store::open(folder / "checkpoints").or_throw());
    p.start_links = [l = plan.lattice](chain_id) -> result<gauge_field> { return cold_start(l); };
    p.provenance = "bench";
    // Built and warm before the clock starts: the first launch of a kernel on these extents compiles it. The worker asks
    // once; a second time would mean that it was restarted, and the timing is worth nothing then.
    auto ready = std::make_shared<std::unique_ptr<lattice_engine>>(engine_of(d, o, false));
    {
        const auto fields = (*ready)->allocate(plan.lattice);
        fields->upload(cold_start(plan.lattice));
        auto current = measure(*fields);
        auto params = plan.hmc;
        params.beta = plan.beta_min;
        (void)run_trajectory(*fields, params, {7, 1, 0}, false, current);
    }
    p.devices.push_back({d.id, [ready]() -> result<std::unique_ptr<lattice_engine>> {
                             if (!*ready)
                                 return error{errc::internal, "the benchmark's worker was restarted", "", ""};
                             return std::move(*ready);
                         }});
    pipeline_run r;
    run_status last;
    const double start = now_s();
    {
        campaign_runtime runtime(std::move(p));
        runtime.wait();
        r.seconds = now_s() - start;
        last = runtime.status();
    }
    if (!last.all_finished)
        throw failure(error{errc::internal, "a benchmark campaign did not finish", folder.string(), ""});
    for (const auto& s : last.stages) {
        if (s.stage.starts_with("worker."))
            r.busy = s.busy;
        if (!s.stage.starts_with("chain."))
            continue;
        r.back_pressured += s.back_pressured / plan.n_chains;
        r.deepest = std::max(r.deepest, s.queue_depth_max);
    }
    return r;
}

/// The same trajectories in a loop, with nobody to report to: what the pipeline is measured against.
double run_bare(const bench_device& d, const options& o, const campaign& plan) {
    const auto engine = engine_of(d, o, false);
    const auto fields = engine->allocate(plan.lattice);
    fields->upload(cold_start(plan.lattice));
    auto current = measure(*fields);
    auto params = plan.hmc;
    params.beta = plan.beta_min;
    std::uint64_t i = 0;
    (void)run_trajectory(*fields, params, {7, ++i, 0}, false, current);
    const double start = now_s();
    for (std::uint32_t k = 0; k < trajectories; ++k)
        (void)run_trajectory(*fields, params, {7, ++i, 0}, i > warm_up, current);
    return now_s() - start;
}

} // namespace

nlohmann::json bench_edges(const std::vector<bench_device>& devices, const options& o, bool quiet) {
    const scratch_folder folder;
    const auto& d = devices.front(); // one core where the device can be split: the actors get another
    const int repeats = std::clamp(o.repeats, 3, 5);
    const auto per_s = [](double seconds) { return trajectories / seconds; };
    nlohmann::json out{{"device", d.label}, {"extents", smallest_campaign(1, 1).lattice.n}, {"trajectories", trajectories}, {"rows", nlohmann::json::array()}};
    if (!quiet)
        std::cout << fmt::format("edges       {}, 2^4, 1 step, {} trajectories a run, chain -> worker -> recorder with ledger and seal; bare: the same in a loop\n"
                                 "            {:>6} {:>8} {:>10} {:>10} {:>10} {:>10} {:>8} {:>12} {:>15} {:>8} {:>3}\n", d.label, trajectories, "chains", "capacity", "best 1/s",
                                 "med 1/s", "bare best", "bare med", "of bare", "worker busy", "back-pressured", "deepest", "n");
    for (const std::uint32_t chains : {1u, 4u})
        for (const std::uint32_t capacity : {1u, 4u, 16u, 64u}) {
            std::vector<double> seconds, bare, busy, back_pressured;
            std::uint32_t deepest = 0;
            // In turns, so that what else the machine does falls on both.
            for (int r = 0; r < repeats; ++r) {
                const auto plan = smallest_campaign(chains, capacity);
                bare.push_back(run_bare(d, o, plan));
                const auto run = run_pipeline(d, o, plan, folder.path / fmt::format("{}-{}-{}", chains, capacity, r));
                seconds.push_back(run.seconds);
                busy.push_back(run.busy);
                back_pressured.push_back(run.back_pressured);
                deepest = std::max(deepest, run.deepest);
            }
            const auto t = timing_of(seconds);
            const auto b = timing_of(bare);
            const double busy_median = timing_of(busy).median;
            const double waiting_median = timing_of(back_pressured).median;
            out["rows"].push_back({{"chains", chains}, {"capacity", capacity}, {"maximum_per_s", per_s(t.minimum)}, {"median_per_s", per_s(t.median)}, {"n", t.n},
                                   {"bare_maximum_per_s", per_s(b.minimum)}, {"bare_median_per_s", per_s(b.median)}, {"fraction_of_bare", b.median / t.median},
                                   {"worker_busy_median", busy_median}, {"chains_back_pressured_median", waiting_median}, {"queue_depth_max", deepest}});
            if (!quiet)
                std::cout << fmt::format("            {:>6} {:>8} {:>10.0f} {:>10.0f} {:>10.0f} {:>10.0f} {:>8.2f} {:>12.2f} {:>15.2f} {:>8} {:>3}\n", chains, capacity, per_s(t.minimum),
                                         per_s(t.median), per_s(b.minimum), per_s(b.median), b.median / t.median, busy_median, waiting_median, deepest, t.n)
                          << std::flush;
        }
    return out;
}

} // namespace forge::bench
