// SPDX-License-Identifier: AGPL-3.0-only
// What counts joules on this machine: processor counters, board sensors, accelerators, or a model.
#pragma once

#include "libactors/base/energy.hpp"
#include "libactors/base/result.hpp"

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace forge::energy {

/// More than any package of today draws: a counter that was not read for longer than it lasts at this may have wrapped twice.
inline constexpr double highest_watts = 1000.0;
/// Sampled power is integrated by trapezoids over gaps up to this; after a longer one the sum is unknown.
inline constexpr double sample_gap_max_s = 10.0;

/// All packages of the processor (RAPL through powercap: intel-rapl:N/energy_uj, zones named package-*; what is inside a package, and
/// psys, which holds them all, is not added). Counters wrap at max_energy_range_uj and are followed in 64 bits.
/// A package that cannot be read makes the whole unknown; the note says the line that opens it.
/// @param root  of the zones; another folder for tests.
[[nodiscard]] std::unique_ptr<energy_meter> rapl_meter(const std::filesystem::path& root = "/sys/class/powercap");

/// Names of the devices that have energy*_input, power*_input or power*_average, each once.
[[nodiscard]] std::vector<std::string> hwmon_devices(const std::filesystem::path& root = "/sys/class/hwmon");
/// Sensors of every hwmon device of this name: counters (energy*_input, microjoules) where it has them, else power (power*_input, or
/// power*_average; microwatts) integrated between calls.
[[nodiscard]] std::unique_ptr<energy_meter> hwmon_meter(std::string device, const std::filesystem::path& root = "/sys/class/hwmon");

/// Watts that somebody configured, times seconds. @param watts  unset: a meter that says "none".
[[nodiscard]] std::unique_ptr<energy_meter> model_meter(std::optional<double> watts, std::string what);

/// One meter for each accelerator that NVML knows, by its index there: its energy counter (millijoules; Volta and later), else its power
/// integrated between calls. The library is loaded at run time and stays loaded; a machine without it has no such meter, which is no error.
struct nvml_meters {
    std::vector<std::unique_ptr<energy_meter>> meters;
    std::string note; ///< why there are none
};
[[nodiscard]] nvml_meters find_nvml(const std::string& library = "libnvidia-ml.so.1");

/// Joules of several places together: unknown when one is; the source is the least trusted of them (model below any sensor).
[[nodiscard]] energy_reading sum_of(std::span<const energy_reading> readings);

/// What one stage did between two readings.
struct stage_occupancy {
    std::string stage;
    double device_s = 0.0;               ///< seconds that it held devices, summed over devices
    std::optional<double> direct_joules; ///< that a meter of its own counted, idle not in it
};
struct stage_share {
    std::string stage;
    double joules = 0.0;
};

/// Joules of the node to stages: what a stage's own meter counted, and of the rest (idle power, host) a share by occupied
/// device-seconds: E_i = direct_i + (E - sum direct) d_i / sum d. The shares sum to the node's joules (to rounding).
/// @return errc::conflict when the stages' own meters say more than the node; errc::invalid_argument when nobody held a device
///         (nobody to attribute to), or for a number below 0.
[[nodiscard]] result<std::vector<stage_share>> attribute(double node_joules, std::span<const stage_occupancy> stages);

} // namespace forge::energy
