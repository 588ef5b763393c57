// SPDX-License-Identifier: AGPL-3.0-only
// bench: what the machine can do, what the kernels reach, where a trajectory's time goes. Everything measured in one run.
#pragma once

#include "libactors/engine/opencl/opencl_system.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace forge::bench {

/// Minimum, median and number of repeated timings, in seconds.
struct timing {
    double minimum = 0.0;
    double median = 0.0;
    std::size_t n = 0;
};
[[nodiscard]] timing timing_of(std::vector<double> seconds);
[[nodiscard]] double now_s();

/// One device, with what it can do at best.
struct bench_device {
    std::string label; ///< "1 core", "2 cores"
    std::string id;
    const opencl_system* system;
    device_limits limits;
    std::uint32_t compute_units = 1;
};

struct options {
    int repeats = 10;
    std::vector<std::uint32_t> sizes{8, 16}; ///< L of L^4
    std::uint32_t width = 0;
    std::uint32_t largest = 32; ///< L of the largest lattice of bench_scaling
    std::optional<int> block;   ///< vectors per layout block; unset: the device's own
    arithmetic precision;       ///< of bench_kernels
    bool slow = false;          ///< bench_npu: CLBlast, too, which compiles for a minute first
};

/// flop per site of the force on its four links: 12 + 1 products, sums and projection a link (dense count).
inline constexpr double force_flops = 10752.0;
/// flop per site of the drift: exponential and product, four links.
inline constexpr double drift_flops = 4 * 620.0;

[[nodiscard]] std::unique_ptr<lattice_engine> engine_of(const bench_device& d, const options& o, bool profile);

/// A folder of this process that goes when the object goes; one at a time.
struct scratch_folder {
    std::filesystem::path path;
    scratch_folder();
    ~scratch_folder();
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;
};

/// Each returns its JSON and prints its table to standard output unless `quiet`.
[[nodiscard]] nlohmann::json bench_limits(const std::vector<bench_device>& devices, bool quiet);
[[nodiscard]] nlohmann::json bench_kernels(const std::vector<bench_device>& devices, const options& o, bool quiet);
[[nodiscard]] nlohmann::json bench_trajectory(const std::vector<bench_device>& devices, const options& o, bool quiet);
/// Speed of the three arithmetics, and what double-float changes: force, plaquette, dH, a whole trajectory.
[[nodiscard]] nlohmann::json bench_precision(const std::vector<bench_device>& devices, const options& o, bool quiet);
[[nodiscard]] nlohmann::json bench_pair(const opencl_system& parts, const options& o, bool quiet);
[[nodiscard]] nlohmann::json bench_ledger(const options& o, bool quiet);
/// Peak memory of whole campaigns (4^4 and 16^4), each in a process of its own. @param forge  path of the binary.
[[nodiscard]] nlohmann::json bench_memory(const std::string& forge, bool quiet);

/// What only some ask for, because it takes minutes. Lattices from 4^4 to 32^4, as far as the device's memory goes: whole
/// trajectories and the force kernel, on one core and on the whole device, and what the other cores add.
[[nodiscard]] nlohmann::json bench_scaling(const std::vector<bench_device>& devices, const options& o, bool quiet);
/// Trajectories a second through chain -> worker -> recorder on a lattice so small that the pipeline is what is measured.
[[nodiscard]] nlohmann::json bench_edges(const std::vector<bench_device>& devices, const options& o, bool quiet);
/// The conductor's network: a step in software and on the simulator, heads, batches, training; with o.slow the size from which
/// CLBlast on the first device beats the host.
[[nodiscard]] nlohmann::json bench_npu(const options& o, bool quiet);

} // namespace forge::bench
