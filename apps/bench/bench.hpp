// SPDX-License-Identifier: AGPL-3.0-only
// bench: what the machine can do, what the kernels reach, where a trajectory's time goes. Everything measured in one run.
#pragma once

#include "libactors/engine/opencl/opencl_system.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
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
};

struct options {
    int repeats = 10;
    std::vector<std::uint32_t> sizes{8, 16}; ///< L of L^4
    std::uint32_t width = 0;
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

} // namespace forge::bench
