// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/bench/bench.hpp"

#include "libactors/hmc/start.hpp"
#include "libactors/hmc/trajectory.hpp"
#include "libactors/numerics/difference.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iostream>

namespace forge::bench {

namespace {

std::vector<double> force_of(gauge_workspace& fields) {
    fields.upload_momenta(momentum_field(fields.shape()));
    fields.kick(6.0, -1.0); // P = F
    const auto momenta = fields.download_momenta();
    return {momenta.reals().begin(), momenta.reals().end()};
}

nlohmann::json json_of(const difference_summary& d) {
    auto decades = nlohmann::json::array();
    for (std::size_t k = 0; k < d.decades.size(); ++k)
        if (d.decades[k] > 0)
            decades.push_back({{"from_power_of_ten", difference_summary::lowest_decade + static_cast<int>(k)}, {"count", d.decades[k]}});
    return {{"n", d.n}, {"equal", d.equal}, {"max", d.max}, {"rms", d.rms}, {"decades", decades}};
}

std::string text_of(const difference_summary& d) {
    std::string text = fmt::format("max {:.2e} rms {:.2e}  |", d.max, d.rms);
    for (std::size_t k = 0; k < d.decades.size(); ++k)
        if (d.decades[k] > 0)
            text += fmt::format(" 1e{}: {:.1f} %", difference_summary::lowest_decade + static_cast<int>(k), 100.0 * static_cast<double>(d.decades[k]) / static_cast<double>(d.n));
    return text;
}

} // namespace

nlohmann::json bench_precision(const std::vector<bench_device>& devices, const options& o, bool quiet) {
    auto out = nlohmann::json::array();
    for (const auto& d : devices)
        for (const auto size : o.sizes) {
            const extents l{{size, size, size, size}};
            opencl_options options;
            options.width = o.width;
            options.cache_dir = default_cache_dir();
            const auto engine = d.system->make_engine(d.id, options).or_throw();
            segment_params params;
            params.beta = 6.0;
            params.n_steps = 12;
            // A configuration in equilibrium-like condition: a hot start, moved by a few trajectories without a test.
            const auto fields = engine->allocate(l);
            fields->upload(hot_start(l, {7, 0, 0}));
            auto current = measure(*fields);
            for (std::uint64_t i = 1; i <= 10; ++i)
                (void)run_trajectory(*fields, params, {7, i, 0}, false, current);
            const gauge_field start = fields->download();
            std::vector<double> native_force;
            gauge_field native_end;
            double native_dh = 0.0;
            plaquette_sums native_sums;
            for (const arithmetic a : {arithmetic{}, arithmetic{precision_strategy::hybrid, 0.0}, arithmetic{precision_strategy::concurrent, 0.25}}) {
                fields->upload(start);
                fields->set_arithmetic(a);
                params.precision = a;
                std::vector<double> seconds;
                for (int r = 0; r < o.repeats + 1; ++r) {
                    const double begin = now_s();
                    fields->kick(6.0, 0.0);
                    (void)fields->kinetic_energy(); // waits
                    if (r > 0)
                        seconds.push_back(now_s() - begin);
                }
                const auto t = timing_of(seconds);
                const auto force = force_of(*fields);
                current = measure(*fields);
                const auto sums = current.sums;
                const auto observed = run_trajectory(*fields, params, {7, 99, 0}, false, current);
                const auto end = fields->download();
                const std::string name = name_of(a.strategy);
                nlohmann::json row{{"device", d.label}, {"extents", l.n}, {"strategy", name}, {"df64_share", a.strategy == precision_strategy::concurrent ? nlohmann::json(a.df64_share) : nlohmann::json(nullptr)},
                                   {"force_minimum_ns_per_site", 1e9 * t.minimum / static_cast<double>(l.volume())}, {"force_median_ns_per_site", 1e9 * t.median / static_cast<double>(l.volume())}, {"delta_h", observed.delta_h}};
                if (a.strategy == precision_strategy::native) {
                    native_force = force;
                    native_end = end;
                    native_dh = observed.delta_h;
                    native_sums = sums;
                    if (!quiet)
                        std::cout << fmt::format("precision   {:<8} {}^4 {:<11} force {:.0f} ns/site (min of {})  dH {:.10f}\n", d.label, size, name, 1e9 * t.minimum / static_cast<double>(l.volume()), t.n, observed.delta_h);
                } else {
                    const auto f = difference_of(force, native_force);
                    const auto e = difference_of(end.reals(), native_end.reals());
                    const double p = std::abs(sums.spatial + sums.temporal - native_sums.spatial - native_sums.temporal) / (18.0 * static_cast<double>(l.volume()));
                    row["force_difference"] = json_of(f);
                    row["links_after_trajectory_difference"] = json_of(e);
                    row["plaquette_difference"] = p;
                    row["delta_h_difference"] = observed.delta_h - native_dh;
                    if (!quiet)
                        std::cout << fmt::format("precision   {:<8} {}^4 {:<11} force {:.0f} ns/site (min of {})  dH - dH(native) {:+.2e}  P {:.1e}\n              force {}\n              links after a trajectory {}\n", d.label, size,
                                                 name, 1e9 * t.minimum / static_cast<double>(l.volume()), t.n, observed.delta_h - native_dh, p, text_of(f), text_of(e));
                }
                out.push_back(row);
            }
        }
    return out;
}

} // namespace forge::bench
