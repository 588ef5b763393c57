// SPDX-License-Identifier: AGPL-3.0-only
// The sums of ridge regression on an OpenCL device, by CLBlast. No OpenCL type leaves this folder.
#pragma once

#include "libactors/engine/gram_engine.hpp"

#include <memory>
#include <string>

namespace forge {

/// "opencl:N" as opencl_system numbers them. X^T [X, Y] by one Dgemm for every 2,048 rows; a short last tile is filled with rows of zeros, so
/// that every product has one shape. The device's product is added to the sums on the host, where they stay.
///
/// Nothing is compiled before the first product, which then takes 17 to 75 s on PoCL with a cold cache (longer on a busy
/// machine). PoCL is no faster than the host by processor time; GPUs were not measured. bench npu --slow prints both (docs/notes/echo_state.md, section 7d).
/// @return errc::device_unavailable without such a device, errc::unsupported when it has no fp64 (gram_engine.hpp says why float will not
///         do), errc::device_failed.
[[nodiscard]] result<std::unique_ptr<gram_engine>> make_clblast_gram(const std::string& device_id);

/// May a device with or without fp64 form such sums? @return errc::unsupported, naming the device, when not.
[[nodiscard]] result<void> judge_gram_device(const std::string& device_id, bool fp64);

} // namespace forge
