// SPDX-License-Identifier: AGPL-3.0-only
// A look into the middle of a trajectory: it changes nothing, and what it sees is H there.
#include "tests/hmc/hmc_tools.hpp"

using namespace forge;
using namespace forge::testing;

namespace {

constexpr double beta = 5.7;
const extents probed{{4, 4, 2, 4}};

segment_params of_steps(std::uint32_t n, integrator_kind kind = integrator_kind::omelyan2) {
    segment_params p;
    p.beta = beta;
    p.n_steps = n;
    p.integrator = kind;
    return p;
}

struct outcome {
    std::vector<trajectory_observables> reported;
    configuration_numbers current;
    gauge_field links;
    std::vector<trajectory_probe> seen;
    friend bool operator==(const outcome& a, const outcome& b) { return a.reported == b.reported && a.current == b.current && a.links == b.links; }
};

outcome run(lattice_engine& engine, const gauge_field& links, const segment_params& p, std::uint32_t n, bool with_probe) {
    const auto w = engine.allocate(links.shape());
    w->upload(links);
    outcome all;
    all.current = measure(*w);
    for (std::uint32_t i = 1; i <= n; ++i) {
        trajectory_probe seen;
        all.reported.push_back(run_trajectory(*w, p, {21, i, 1}, true, all.current, with_probe ? &seen : nullptr));
        all.seen.push_back(seen);
    }
    all.links = w->download();
    return all;
}

double rms_of(const std::vector<double>& x) {
    double sum = 0.0;
    for (const double v : x)
        sum += v * v;
    return std::sqrt(sum / static_cast<double>(x.size()));
}

/// rms of H(middle) - H(start), and its correlation with H(end) - H(start).
std::pair<double, double> middle_and_end(lattice_engine& engine, const gauge_field& links, std::uint32_t steps, std::uint32_t n) {
    const auto all = run(engine, links, of_steps(steps), n, true);
    std::vector<double> x, y;
    for (std::size_t k = 0; k < n; ++k) {
        x.push_back(*all.seen[k].delta_h_middle);
        y.push_back(all.reported[k].delta_h);
    }
    double mx = 0.0, my = 0.0, xx = 0.0, xy = 0.0, yy = 0.0;
    for (std::size_t k = 0; k < n; ++k) {
        mx += x[k] / n;
        my += y[k] / n;
    }
    for (std::size_t k = 0; k < n; ++k) {
        xx += (x[k] - mx) * (x[k] - mx);
        xy += (x[k] - mx) * (y[k] - my);
        yy += (y[k] - my) * (y[k] - my);
    }
    return {rms_of(x), xy / std::sqrt(xx * yy)};
}

} // namespace

TEST_CASE("a probe changes no bit of a trajectory, accepted or rejected") {
    for (const auto& v : two_engines()) {
        const auto links = thermalised(engine_of(v), probed, beta, 10);
        for (const auto kind : {integrator_kind::leapfrog, integrator_kind::omelyan2})
            for (const std::uint32_t steps : {1u, 3u, 6u}) {
                const auto without = run(engine_of(v), links, of_steps(steps, kind), 6, false);
                const auto with = run(engine_of(v), links, of_steps(steps, kind), 6, true);
                INFO(v.name << ", " << name_of(kind) << ", " << steps << " steps");
                CHECK(with == without);
                for (std::size_t k = 0; k < with.seen.size(); ++k) {
                    CHECK(with.seen[k].delta_h_middle.has_value() == (steps > 1));
                    CHECK(with.reported[k].accepted == (with.reported[k].delta_h <= with.seen[k].minus_log_u));
                    CHECK(with.seen[k].kinetic_start > 0.0);
                }
            }
    }
}

TEST_CASE("in the middle a probe sees what half of the steps leave, momenta and positions at one time") {
    for (const auto& v : two_engines()) {
        const auto links = thermalised(engine_of(v), probed, beta, 10);
        const auto w = engine_of(v).allocate(probed);
        for (const auto kind : {integrator_kind::leapfrog, integrator_kind::omelyan2})
            for (const std::uint32_t steps : {2u, 5u, 8u}) {
                const auto seen = run(engine_of(v), links, of_steps(steps, kind), 1, true).seen.front();
                const std::uint32_t half = steps / 2;
                INFO(v.name << ", " << name_of(kind) << ", " << steps << " steps");
                CHECK(*seen.delta_h_middle == Approx(energy_error(*w, links, {21, 1, 1}, kind, beta, half * (1.0 / steps), half)).margin(1e-9));
                w->refresh_momenta({21, 1, 1});
                CHECK(seen.kinetic_start == w->kinetic_energy());
            }
    }
}

TEST_CASE("H in the middle is off by O(step^2), and says something of the end") {
    const auto v = two_engines().back();
    const auto links = thermalised(engine_of(v), probed, beta, 40);
    constexpr std::uint32_t n = 160;
    const auto [coarse, correlation] = middle_and_end(engine_of(v), links, 6, n);
    const auto [fine, again] = middle_and_end(engine_of(v), links, 12, n);
    INFO(v.name << ", N " << n << ", rms " << coarse << " and " << fine << ", correlation " << correlation << " and " << again);
    CHECK(coarse / fine == Approx(4.0).epsilon(0.25)); // the rms of n values is known to 1 / sqrt(2 n): 8 % on the ratio
    CHECK(correlation > 5.0 / std::sqrt(double{n})); // five standard errors of none
    CHECK(again > 5.0 / std::sqrt(double{n}));
}
