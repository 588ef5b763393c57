// SPDX-License-Identifier: AGPL-3.0-only
// The kernel files as the build embedded them.
#pragma once

#include <span>
#include <string_view>

namespace forge {

struct embedded_kernel {
    std::string_view name; ///< file name, e.g. "gauge_force.cl"
    std::string_view text;
};

[[nodiscard]] std::span<const embedded_kernel> embedded_kernels();

} // namespace forge
