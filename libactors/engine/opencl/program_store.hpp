// SPDX-License-Identifier: AGPL-3.0-only
// One program per device and option set: from the disk cache when its key fits, else from source.
#pragma once

#include "libactors/engine/opencl/cl_handle.hpp"

#include <filesystem>
#include <string>

namespace forge::opencl {

/// A built program and where its binary belongs.
struct stored_program {
    program_handle program;
    std::string kernel_hash;             ///< first 16 hex digits of SHA-256(source, options)
    std::filesystem::path cache_file;    ///< empty: no cache
    bool from_cache = false;
};

/// The text of the kernel files of the lattice engine in their order.
[[nodiscard]] std::string kernel_source();
/// The text of the kernels that measure a device's limits.
[[nodiscard]] std::string limits_source();

/// Builds `source` for one device. A cached binary whose header, key or hash does not fit is ignored and rebuilt.
/// @throws failure with the build log.
[[nodiscard]] stored_program build_program(cl_context context, cl_device_id device, const std::string& source,
                                           const std::string& options,
                                           const std::filesystem::path& cache_dir);

/// Writes the binary beside a temporary name and renames it, so that concurrent processes only ever see whole files.
/// Called after the first launches: some drivers specialise kernels then. Failures are ignored: it is a cache.
void save_binary(const stored_program& p) noexcept;

} // namespace forge::opencl
