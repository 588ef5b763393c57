// SPDX-License-Identifier: AGPL-3.0-only
// How long the conductor's network takes on this machine: what forge npu bench and bench npu print.
#pragma once

#include "libactors/engine/dense_engine.hpp"
#include "libactors/learn/npu_program.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace forge::app {

/// Wall time of one operation on this machine, in seconds; and what a model says of the device that was simulated.
struct npu_timing {
    std::string what;
    double minimum = 0.0;
    double p50 = 0.0;
    double p99 = 0.0;
    std::size_t n = 0;
    std::optional<double> model_s; ///< by the simulator's figures; unset where everything was measured
};

/// The network that is measured: `inputs` -> `units` -> heads of one component, weights drawn, ranges from drawn inputs.
[[nodiscard]] npu_program measured_program(std::uint32_t inputs, std::uint32_t units, std::size_t heads);

/// 50 -> 128 -> 11 heads: a step in software, hybrid and device-native on the simulator; one head; batches of 8; a training step.
/// @param repeats  each row is timed 200 * repeats times, rows with and without heads in turn.
[[nodiscard]] std::vector<npu_timing> measure_npu(int repeats);

[[nodiscard]] std::string table_of(const std::vector<npu_timing>& rows);
[[nodiscard]] nlohmann::json json_of(const std::vector<npu_timing>& rows);

} // namespace forge::app
