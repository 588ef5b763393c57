// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/bench/bench.hpp"

#include "libactors/hmc/start.hpp"
#include "libactors/hmc/trajectory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <thread>

namespace forge::bench {

namespace {

/// flop and bytes per site and launch; bytes as if every field were read and written once (fresh caches).
struct kernel_cost {
    double flops;
    double bytes;
};
const std::map<std::string, kernel_cost> costs{
    {"gauge_force_kick", {force_flops, 4 * (18 + 2 * 9) * 8.0}}, {"link_drift", {drift_flops, 4 * (2 * 18 + 9) * 8.0}},
    {"gauge_force_step", {force_flops + drift_flops, 4 * (2 * 18 + 2 * 9) * 8.0}},
    {"gauge_plaquette", {12 * 198.0 + 6 * 36.0, 4 * 18 * 8.0}},  {"momenta_refresh", {4 * 8 * 60.0, 4 * 9 * 8.0}},
    {"momenta_kinetic", {4 * 18.0, 4 * 9 * 8.0}},                {"reunitarise_links", {4 * 150.0, 4 * 2 * 18 * 8.0}},
    {"gauge_force_kick_df64", {force_flops, 4 * (18 + 2 * 9) * 8.0}}, // flop as if in fp64: the work that is done
    {"gauge_plaquette_df64", {12 * 198.0 + 6 * 36.0, 4 * 18 * 8.0}},
    {"momenta_kinetic_df64", {4 * 18.0, 4 * 9 * 8.0}},
    {"links_fingerprint", {0.0, 4 * 18 * 8.0}},                  {"polyakov_trace", {198.0, 18 * 8.0}},
};

/// Links, the links of the next step and momenta of one chain: what a trajectory walks over again and again.
constexpr double bytes_per_site = 4 * (2 * 18 + 9) * 8.0;

/// The memory that a working set of `bytes` a compute unit lives in.
const device_limits::level& level_of(const device_limits& limits, double bytes) {
    for (const auto& l : limits.levels)
        if (bytes <= 1.5 * static_cast<double>(l.footprint)) // the sizes are chosen well inside each cache
            return l;
    return limits.levels.back();
}

std::unique_ptr<gauge_workspace> thermal_fields(lattice_engine& engine, const extents& l) {
    auto fields = engine.allocate(l);
    fields->upload(hot_start(l, {7, 0, 0}));
    fields->refresh_momenta({7, 1, 0});
    return fields;
}

} // namespace

std::unique_ptr<lattice_engine> engine_of(const bench_device& d, const options& o, bool profile) {
    opencl_options options;
    options.width = o.width;
    options.block = o.block;
    options.profile = profile;
    options.cache_dir = default_cache_dir();
    return d.system->make_engine(d.id, options).or_throw();
}

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

timing timing_of(std::vector<double> seconds) {
    std::sort(seconds.begin(), seconds.end());
    return {seconds.front(), seconds[seconds.size() / 2], seconds.size()};
}

nlohmann::json bench_limits(const std::vector<bench_device>& devices, bool quiet) {
    auto out = nlohmann::json::array();
    for (const auto& d : devices) {
        auto levels = nlohmann::json::array();
        std::string text;
        for (const auto& l : d.limits.levels) {
            levels.push_back({{"footprint_bytes", l.footprint}, {"read_bytes_per_s", l.read_bytes}, {"triad_bytes_per_s", l.triad_bytes}});
            text += fmt::format("            {:<8} {:>8} KiB a core: read {:7.1f} GB/s   triad {:7.1f} GB/s\n", d.label, l.footprint >> 10, l.read_bytes * 1e-9, l.triad_bytes * 1e-9);
        }
        out.push_back({{"device", d.label}, {"fma_flops_per_s", d.limits.fma_flops}, {"triad_bytes_per_s", d.limits.triad_bytes}, {"launch_s", d.limits.launch_s}, {"upload_bytes_per_s", d.limits.upload_bytes}, {"download_bytes_per_s", d.limits.download_bytes},
                       {"levels", levels}});
        if (!quiet)
            std::cout << fmt::format("limits      {:<8} fp64 FMA {:7.1f} GF/s   launch {:.1f} us   copy to device {:.1f} GB/s, from device {:.1f} GB/s\n{}", d.label,
                                     d.limits.fma_flops * 1e-9, d.limits.launch_s * 1e6, d.limits.upload_bytes * 1e-9, d.limits.download_bytes * 1e-9, text);
    }
    return out;
}

nlohmann::json bench_kernels(const std::vector<bench_device>& devices, const options& o, bool quiet) {
    auto out = nlohmann::json::array();
    if (!quiet)
        std::cout << fmt::format("kernels     {:<8} {:<6} {:<18} {:>9} {:>9} {:>8} {:>8} {:>8} {:>9} {:>7}\n", "device", "L^4", "kernel", "min ns/s", "med ns/s",
                                 "GF/s", "of FMA", "GB/s", "of memory", "limit");
    for (const auto& d : devices) {
        const auto engine = engine_of(d, o, true);
        for (const auto size : o.sizes) {
            const extents l{{size, size, size, size}};
            const auto fields = thermal_fields(*engine, l);
            fields->set_arithmetic(o.precision);
            std::map<std::string, std::vector<double>> seconds;
            for (int r = 0; r < o.repeats + 1; ++r) {
                fields->kick(5.7, 1e-3);
                fields->drift(1e-3);
                fields->kick_and_drift(5.7, 1e-3, 1e-3);
                fields->refresh_momenta({7, static_cast<std::uint64_t>(r), 0});
                (void)fields->kinetic_energy();
                (void)fields->plaquette();
                fields->reunitarise();
                (void)fields->polyakov_loop();
                (void)fields->fingerprint();
                for (const auto& t : fields->take_profile())
                    if (r > 0 && costs.contains(t.name)) // the first launch compiles
                        seconds[t.name].push_back(t.seconds / static_cast<double>(t.launches));
            }
            for (const auto& [name, values] : seconds) {
                const auto t = timing_of(values);
                const double v = static_cast<double>(l.volume());
                const auto& c = costs.at(name);
                const double flops = c.flops * v / t.minimum;
                const double bytes = c.bytes * v / t.minimum;
                const double memory = level_of(d.limits, bytes_per_site * v / static_cast<double>(d.compute_units)).triad_bytes;
                const double of_fma = flops / d.limits.fma_flops;
                const double of_memory = bytes / memory;
                const char* binding = of_fma >= of_memory ? "FMA" : "memory";
                out.push_back({{"device", d.label}, {"extents", l.n}, {"kernel", name}, {"minimum_ns_per_site", 1e9 * t.minimum / v}, {"median_ns_per_site", 1e9 * t.median / v},
                               {"n", t.n}, {"flops_per_s", flops}, {"fraction_of_fma", of_fma}, {"bytes_per_s", bytes},
                               {"fraction_of_memory", of_memory}, {"binding_limit", binding}});
                if (!quiet)
                    std::cout << fmt::format("            {:<8} {:<6} {:<18} {:>9.1f} {:>9.1f} {:>8.1f} {:>8.2f} {:>8.1f} {:>9.2f} {:>7}\n", d.label, size, name,
                                             1e9 * t.minimum / v, 1e9 * t.median / v, flops * 1e-9, of_fma, bytes * 1e-9, of_memory, binding);
            }
        }
    }
    return out;
}

nlohmann::json bench_trajectory(const std::vector<bench_device>& devices, const options& o, bool quiet) {
    auto out = nlohmann::json::array();
    for (const auto& d : devices)
        for (const auto size : o.sizes) {
            const extents l{{size, size, size, size}};
            segment_params params;
            params.beta = 6.0;
            params.n_steps = 12;
            // Time without profiling first: event bookkeeping costs.
            std::vector<double> wall;
            std::vector<operation_time> profile;
            double profiled_wall = 0.0;
            for (const bool with_profile : {false, true}) {
                const auto engine = engine_of(d, o, with_profile);
                const auto fields = thermal_fields(*engine, l);
                auto current = measure(*fields);
                for (std::uint64_t i = 1; i <= 2; ++i)
                    (void)run_trajectory(*fields, params, {7, i, 0}, false, current);
                (void)fields->take_profile();
                for (int r = 0; r < o.repeats; ++r) {
                    const double start = now_s();
                    (void)run_trajectory(*fields, params, {7, static_cast<std::uint64_t>(r) + 3, 0}, false, current);
                    (with_profile ? profiled_wall += now_s() - start : (wall.push_back(now_s() - start), 0.0));
                }
                if (with_profile)
                    profile = fields->take_profile();
            }
            const auto t = timing_of(wall);
            double device_s = 0.0;
            for (const auto& k : profile)
                device_s += k.seconds;
            auto split = nlohmann::json::array();
            std::string text;
            for (const auto& k : profile) {
                split.push_back({{"kernel", k.name}, {"launches", static_cast<double>(k.launches) / o.repeats}, {"share", k.seconds / profiled_wall}});
                text += fmt::format("            {:<20} {:>6.1f} launches {:>6.1f} %\n", k.name, static_cast<double>(k.launches) / o.repeats, 100.0 * k.seconds / profiled_wall);
            }
            const double host = 1.0 - device_s / profiled_wall;
            const double v = static_cast<double>(l.volume());
            out.push_back({{"device", d.label}, {"extents", l.n}, {"steps", params.n_steps}, {"forces", 25}, {"minimum_s", t.minimum}, {"median_s", t.median}, {"n", t.n},
                           {"ns_per_site_and_force", 1e9 * t.minimum / v / 25.0}, {"split", split}, {"host_share", host}});
            if (!quiet)
                std::cout << fmt::format("trajectory  {:<8} {}^4: min {:.2f} ms, median {:.2f} ms (n = {}), {:.0f} ns per site and force; host and gaps {:.1f} %\n{}", d.label,
                                         size, 1e3 * t.minimum, 1e3 * t.median, t.n, 1e9 * t.minimum / v / 25.0, 100.0 * host, text);
        }
    return out;
}

nlohmann::json bench_pair(const opencl_system& parts, const options& o, bool quiet) {
    if (parts.devices().size() < 2)
        return nullptr;
    const extents l{{8, 8, 8, 8}};
    segment_params params;
    params.beta = 6.0;
    params.n_steps = 12;
    const int rounds = std::max(20, o.repeats);
    struct lane {
        std::unique_ptr<lattice_engine> engine;
        std::unique_ptr<gauge_workspace> fields;
        configuration_numbers current;
    };
    std::vector<lane> lanes(2);
    const auto work = [&](std::size_t k) {
        for (int r = 0; r < rounds; ++r)
            (void)run_trajectory(*lanes[k].fields, params, {k, static_cast<std::uint64_t>(r), 0}, false, lanes[k].current);
    };
    for (std::size_t k = 0; k < 2; ++k) {
        lanes[k].engine = engine_of({"", parts.devices()[k].id, &parts, {}, 1}, o, false);
        lanes[k].fields = thermal_fields(*lanes[k].engine, l);
        lanes[k].current = measure(*lanes[k].fields);
        work(k);
    }
    std::vector<double> one;
    std::vector<double> two;
    for (int r = 0; r < 5; ++r) {
        double start = now_s();
        work(0);
        one.push_back(now_s() - start);
        start = now_s();
        std::thread other(work, 1);
        work(0);
        other.join();
        two.push_back(now_s() - start);
    }
    const auto t1 = timing_of(one);
    const auto t2 = timing_of(two);
    const double gain = 2.0 * t1.minimum / t2.minimum;
    const double gain_median = 2.0 * t1.median / t2.median;
    if (!quiet)
        std::cout << fmt::format("pair        two 8^4 chains on two sub-devices: {:.2f} x one (minimum), {:.2f} x (median), {} trajectories x {} rounds\n", gain, gain_median, rounds, t1.n);
    return {{"gain_minimum", gain}, {"gain_median", gain_median}, {"one_minimum_s", t1.minimum}, {"two_minimum_s", t2.minimum}, {"n", t1.n}};
}

} // namespace forge::bench
