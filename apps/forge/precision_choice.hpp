// SPDX-License-Identifier: AGPL-3.0-only
// Which arithmetic a chain works in: as asked, or measured on its device.
#pragma once

#include "libactors/control/campaign.hpp"
#include "libactors/engine/opencl/opencl_system.hpp"
#include "libactors/ledger/ledger.hpp"

namespace forge::app {

/// What was measured for one device and lattice; times are of one force evaluation, minimum of several.
struct precision_measurement {
    arithmetic chosen;
    std::string reason;
};

/// Measures the strategies on a device: force time in native and hybrid, the share at which both queues would end
/// together, the time of concurrent with that share, and the largest force difference to native.
/// automatic takes the fastest whose force differs by at most 1e-11 from native; ties go to native.
[[nodiscard]] result<precision_measurement> measure_precision(const opencl_system& system, const std::string& device, const opencl_options& options,
                                                              const campaign& plan);

/// One arithmetic per chain (chain c on devices[c mod n]). What had to be measured is written to the ledger as an event of
/// kind "precision" and read from there when the campaign goes on: the choice is part of the physics record's bits.
[[nodiscard]] result<std::vector<arithmetic>> decide_precision(const opencl_system& system, const std::vector<std::string>& devices, const opencl_options& options,
                                                               const campaign& plan, ledger& book, std::string& text);

} // namespace forge::app
