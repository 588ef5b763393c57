// SPDX-License-Identifier: AGPL-3.0-only
#include "tests/physics/chain_runner.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <thread>

namespace forge::testing {

namespace {

/// sum_a F_a^2 per link, F_a = dS/domega_a for U -> exp(i omega T) U with tr T_a T_b = delta_ab / 2. Our force matrix is
/// F = sum_a F_a (i T_a), so that sum_a F_a^2 = -2 tr F^2.
double force_square_per_link(gauge_workspace& fields, double beta) {
    // Momenta zero, one kick of step -1: P = F. They are refreshed before the next trajectory anyway.
    fields.upload_momenta(momentum_field(fields.shape()));
    fields.kick(beta, -1.0);
    return 2.0 * fields.kinetic_energy() / static_cast<double>(fields.shape().links());
}

physics_outcome run_job(lattice_engine& engine, const physics_job& job, std::uint64_t seed) {
    const auto fields = engine.allocate(job.lattice);
    fields->upload(cold_start(job.lattice));
    auto current = measure(*fields);
    std::vector<physics_record> records;
    physics_outcome out;
    out.job = job;
    std::vector<double> virial;
    for (std::uint64_t i = 1; i <= std::uint64_t{job.params.n_thermalise} + job.params.n_measure; ++i) {
        physics_record r;
        r.measured = i > job.params.n_thermalise;
        r.observed = run_trajectory(*fields, job.params, {seed, i, 0}, i > job.params.n_warmup, current);
        if (!r.measured)
            continue;
        out.delta_h.push_back(r.observed.delta_h);
        if (job.measure_force && i % 10 == 0)
            virial.push_back(force_square_per_link(*fields, job.params.beta) - 8.0 * job.params.beta * r.observed.plaquette());
        records.push_back(r);
    }
    out.summary = summarise(records, job.lattice);
    out.virial = gamma_method(virial);
    return out;
}

} // namespace

std::vector<physics_outcome> run_jobs(const std::vector<physics_job>& jobs) {
    auto whole = opencl_system::discover(0).or_throw();
    const auto units = whole.devices().front().is_cpu ? whole.devices().front().compute_units : 1;
    auto system = opencl_system::discover(units).or_throw();
    std::vector<std::size_t> order(jobs.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto cost = [&jobs](std::size_t k) {
        const auto& j = jobs[k];
        return static_cast<double>(j.lattice.volume()) * j.params.n_steps * (j.params.n_measure + j.params.n_thermalise);
    };
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return cost(a) > cost(b); });
    std::vector<physics_outcome> outcomes(jobs.size());
    std::atomic<std::size_t> next{0};
    std::vector<std::thread> threads;
    for (const auto& device : system.devices())
        threads.emplace_back([&, id = device.id] {
            opencl_options options;
            options.cache_dir = default_cache_dir();
            const auto engine = system.make_engine(id, options).or_throw();
            for (std::size_t k = next++; k < order.size(); k = next++)
                outcomes[order[k]] = run_job(*engine, jobs[order[k]], 1000 + order[k]);
        });
    for (auto& t : threads)
        t.join();
    return outcomes;
}

double chi_squared_tail(double chi2, std::size_t n) {
    // Regularised upper incomplete gamma function Q(n/2, chi2/2): closed forms for half-integer steps.
    const double x = 0.5 * chi2;
    double q = n % 2 == 0 ? std::exp(-x) : std::erfc(std::sqrt(x));
    double a = n % 2 == 0 ? 1.0 : 0.5;
    double term = std::exp(-x + a * std::log(x) - std::lgamma(a + 1.0));
    for (; a < 0.5 * static_cast<double>(n) - 0.25; a += 1.0) {
        q += term;
        term *= x / (a + 1.0);
    }
    return q;
}

} // namespace forge::testing
