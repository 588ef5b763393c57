// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/bench/bench.hpp"

#include "libactors/hmc/start.hpp"
#include "libactors/hmc/trajectory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <optional>

namespace forge::bench {

namespace {

constexpr std::uint32_t lattice_sizes[] = {4, 8, 12, 16, 24, 32};
constexpr std::uint32_t steps = 12;
constexpr double n_forces = 2.0 * steps + 1.0; // omelyan2
constexpr double n_drifts = 2.0 * steps;
/// Repeating stops after this time, but not before the third: a median of fewer means nothing.
constexpr double patience_s = 4.0;
constexpr int repeats_min = 3;
/// Links and their spare copy, momenta: bytes per site on the device.
constexpr std::uint64_t device_bytes_per_site = 4 * (2 * 18 + 9) * 8;
constexpr std::uint64_t link_bytes_per_site = 4 * 18 * 8;

/// Why a lattice is left out; empty when it fits. A CPU's device memory is also the host's, where the start is made.
std::string obstacle(const opencl_device_info& d, const extents& l) {
    const std::uint64_t v = l.volume();
    const std::uint64_t needed = v * (device_bytes_per_site + (d.is_cpu ? link_bytes_per_site : 0));
    if (v * link_bytes_per_site > d.largest_buffer_bytes)
        return fmt::format("one field is {:.1f} GB, the largest buffer {:.1f} GB", 1e-9 * static_cast<double>(v * link_bytes_per_site),
                           1e-9 * static_cast<double>(d.largest_buffer_bytes));
    if (needed > d.memory_bytes / 2) // the driver and the scratch of the sums want some, too
        return fmt::format("it needs {:.1f} GB, half of the device's {:.1f} GB may be taken", 1e-9 * static_cast<double>(needed),
                           1e-9 * static_cast<double>(d.memory_bytes));
    return "";
}

const opencl_device_info& info_of(const bench_device& d) {
    const auto& all = d.system->devices();
    return *std::find_if(all.begin(), all.end(), [&d](const auto& i) { return i.id == d.id; });
}

/// Once unmeasured, then at least repeats_min times and until o.repeats or patience_s is reached.
template <class Measure>
timing repeated(const options& o, Measure measure_once) {
    (void)measure_once();
    std::vector<double> seconds;
    const double start = now_s();
    for (int r = 0; r < o.repeats && (r < repeats_min || now_s() - start < patience_s); ++r)
        seconds.push_back(measure_once());
    return timing_of(std::move(seconds));
}

/// Device time of the force kernel alone.
timing time_force(const bench_device& d, const options& o, const gauge_field& start) {
    const auto engine = engine_of(d, o, true);
    const auto fields = engine->allocate(start.shape());
    fields->upload(start);
    fields->refresh_momenta({7, 1, 0});
    (void)fields->take_profile();
    return repeated(o, [&] {
        fields->kick(6.0, 1e-3);
        (void)fields->kinetic_energy(); // waits
        double seconds = 0.0;
        for (const auto& k : fields->take_profile())
            if (k.name == "gauge_force_kick")
                seconds = k.seconds / static_cast<double>(k.launches);
        return seconds;
    });
}

/// Wall time of a trajectory, without event bookkeeping.
timing time_trajectory(const bench_device& d, const options& o, const gauge_field& start) {
    const auto engine = engine_of(d, o, false);
    const auto fields = engine->allocate(start.shape());
    fields->upload(start);
    segment_params params;
    params.beta = 6.0;
    params.n_steps = steps;
    auto current = measure(*fields);
    std::uint64_t i = 0;
    return repeated(o, [&] {
        const double begin = now_s();
        (void)run_trajectory(*fields, params, {7, ++i, 0}, false, current);
        return now_s() - begin;
    });
}

/// The peak is measured again beside every lattice: on a machine that others use, the one from the start of the run may
/// have been taken when they were busy, and kernels would then seem to beat the peak. The best seen is the peak.
double fma_peak(const bench_device& d, const options& o, double& best) {
    best = std::max({best, d.limits.fma_flops, d.system->measure_limits(d.id, o.repeats).or_throw().fma_flops});
    return best;
}

nlohmann::json ratio(const std::optional<double>& one, double all) { return one ? nlohmann::json(*one / all) : nlohmann::json(nullptr); }

} // namespace

nlohmann::json bench_scaling(const std::vector<bench_device>& devices, const options& o, bool quiet) {
    auto out = nlohmann::json::array();
    if (!quiet)
        std::cout << fmt::format("scaling     {:<8} {:<4} | {:>9} {:>9} {:>7} {:>7} {:>7} | {:>10} {:>10} {:>9} {:>7} {:>7} {:>7} {:>3}\n", "device", "L^4", "force min", "med ns/s", "GF/s",
                                 "of FMA", "cores x", "traj min", "med ms", "ns/s/forc", "GF/s", "of FMA", "cores x", "n");
    std::map<std::string, double> peaks; // by device
    for (const auto size : lattice_sizes) {
        if (size > o.largest)
            continue;
        const extents l{{size, size, size, size}};
        const double v = static_cast<double>(l.volume());
        gauge_field start; // made once per size, and only when some device can hold it
        std::optional<double> force_of_one, trajectory_of_one;
        for (const auto& d : devices) {
            if (const auto why = obstacle(info_of(d), l); !why.empty()) {
                out.push_back({{"device", d.label}, {"extents", l.n}, {"skipped", why}});
                if (!quiet)
                    std::cout << fmt::format("            {:<8} {:<4} | n/a: {}\n", d.label, size, why);
                continue;
            }
            if (!(start.shape() == l))
                start = hot_start(l, {7, 0, 0});
            const double peak = fma_peak(d, o, peaks[d.id]);
            const auto force = time_force(d, o, start);
            const auto whole = time_trajectory(d, o, start);
            const double force_rate = force_flops * v / force.minimum;
            const double rate = (n_forces * force_flops + n_drifts * drift_flops) * v / whole.minimum;
            out.push_back({{"device", d.label}, {"extents", l.n}, {"skipped", nullptr}, {"fma_flops_per_s", peak},
                           {"force", {{"minimum_ns_per_site", 1e9 * force.minimum / v}, {"median_ns_per_site", 1e9 * force.median / v}, {"n", force.n},
                                      {"flops_per_s", force_rate}, {"fraction_of_fma", force_rate / peak}, {"speed_up_of_cores", ratio(force_of_one, force.minimum)}}},
                           {"trajectory", {{"steps", steps}, {"forces", n_forces}, {"minimum_s", whole.minimum}, {"median_s", whole.median}, {"n", whole.n},
                                           {"ns_per_site_and_force", 1e9 * whole.minimum / v / n_forces}, {"flops_per_s", rate},
                                           {"fraction_of_fma", rate / peak}, {"speed_up_of_cores", ratio(trajectory_of_one, whole.minimum)}}}});
            if (!quiet) {
                const auto gain = [](const std::optional<double>& one, double all) { return one ? fmt::format("{:.2f}", *one / all) : std::string("-"); };
                std::cout << fmt::format("            {:<8} {:<4} | {:>9.1f} {:>9.1f} {:>7.1f} {:>7.2f} {:>7} | {:>10.3f} {:>10.3f} {:>9.1f} {:>7.1f} {:>7.2f} {:>7} {:>3}\n", d.label, size,
                                         1e9 * force.minimum / v, 1e9 * force.median / v, force_rate * 1e-9, force_rate / peak, gain(force_of_one, force.minimum),
                                         1e3 * whole.minimum, 1e3 * whole.median, 1e9 * whole.minimum / v / n_forces, rate * 1e-9, rate / peak,
                                         gain(trajectory_of_one, whole.minimum), whole.n)
                          << std::flush;
            }
            force_of_one = force.minimum; // devices come as one core, then all of them
            trajectory_of_one = whole.minimum;
        }
    }
    return out;
}

} // namespace forge::bench
