// SPDX-License-Identifier: AGPL-3.0-only
// Work-items per group, kernel by kernel, as measured once and kept on disk. Private header.
#pragma once

#include "libactors/engine/opencl/cl_handle.hpp"
#include "libactors/engine/opencl/opencl_system.hpp"

#include <map>

namespace forge::opencl {

/// Chosen size by kernel name. Any choice gives the same bits; a missing one means the engine's default.
using local_sizes = std::map<std::string, std::size_t>;

/// CACHE/tuning/KEY.txt, KEY from device, driver, compute units, kernels (source and layout) and extents; empty
/// without a cache folder.
[[nodiscard]] std::filesystem::path local_sizes_file(const std::filesystem::path& cache_dir, cl_device_id device, const std::string& kernel_hash,
                                                     const extents& l);

/// The table in the file. A file that is missing, damaged (its last line is the SHA-256 of the lines before) or of
/// another version is no table: it is measured again when someone asks.
[[nodiscard]] local_sizes read_local_sizes(const std::filesystem::path& file);

/// Replaces the file as a whole (temporary name, rename), so that readers in other processes see one table or the other.
[[nodiscard]] result<void> write_local_sizes(const std::filesystem::path& file, const local_sizes& sizes);

} // namespace forge::opencl
