// SPDX-License-Identifier: AGPL-3.0-only
// Measures what a device can do at best. Private header.
#pragma once

#include "libactors/engine/opencl/cl_handle.hpp"
#include "libactors/engine/opencl/opencl_system.hpp"

namespace forge::opencl {

/// @throws failure
[[nodiscard]] device_limits limits_of(cl_device_id device, const opencl_device_info& info, int repeats);

} // namespace forge::opencl
