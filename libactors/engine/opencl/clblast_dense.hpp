// SPDX-License-Identifier: AGPL-3.0-only
// The dense engine on an OpenCL device, by CLBlast. No OpenCL type leaves this folder.
#pragma once

#include "libactors/engine/dense_engine.hpp"

#include <memory>
#include <string>

namespace forge {

/// "opencl:N" as opencl_system numbers them. Products by CLBlast's Sgemm in tiles of a fixed number of rows, so that a row has the same bits in
/// any batch; examples are not needed. Cost: measured wall time.
///
/// Nothing is compiled before the first run, which then takes 17 to 75 s on PoCL with a cold cache (its disk cache and CLBlast's
/// per-process cache make later ones fast). Worth it for large matrices and batches only: forge's models of 128 units run faster on the host
/// than a launch takes (bench npu --slow prints the size where this turns).
/// @return errc::device_unavailable without such a device, errc::device_failed.
[[nodiscard]] result<std::unique_ptr<dense_engine>> make_clblast_engine(const std::string& device_id);

} // namespace forge
