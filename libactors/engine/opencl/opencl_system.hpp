// SPDX-License-Identifier: AGPL-3.0-only
// The OpenCL devices of this machine, and engines on them. No OpenCL type leaves this folder.
#pragma once

#include "libactors/base/result.hpp"
#include "libactors/engine/lattice_engine.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace forge {

struct opencl_device_info {
    std::string id; ///< "opencl:0"; part k of a split CPU device: "opencl:0.k"
    std::string name;
    std::string platform;
    std::string driver;
    bool is_cpu = false;
    bool fp64 = false;
    bool denormals = false; ///< fp64 keeps denormal numbers
    std::uint32_t compute_units = 0;
    std::uint64_t memory_bytes = 0;
    std::uint64_t largest_buffer_bytes = 0;
    std::uint32_t native_width = 1; ///< doubles per vector register, as the driver says
};

/// What a device does at best, measured now. Minimum time of `repeats` launches each.
struct device_limits {
    double fma_flops = 0.0;      ///< flop/s of independent fp64 multiply-adds in registers
    double triad_bytes = 0.0;    ///< bytes/s of a = b + s c, 24 bytes an element, arrays beyond the caches
    double launch_s = 0.0;       ///< an empty-handed launch and finish, median
    double upload_bytes = 0.0;   ///< bytes/s of a 64 MiB copy from host memory to the device
    double download_bytes = 0.0; ///< and back
    /// The memory that a working set of this size per compute unit lives in; ascending, the last one beyond the caches.
    struct level {
        std::size_t footprint = 0; ///< bytes per compute unit
        double read_bytes = 0.0;   ///< bytes/s of the whole device, reading alone
        double triad_bytes = 0.0;
    };
    std::vector<level> levels;
};

/// Layout and bookkeeping of an engine; every choice gives the same bits.
struct opencl_options {
    std::uint32_t width = 0;       ///< 1, 2, 4, 8 sites per work-item; 0: from the device and the extents
    std::optional<int> block;      ///< vectors per layout block: 0 planes, 1, 8, 32; unset: from the device
    std::optional<int> links_per_item; ///< 4: an item does a block's links one after the other; 1: one; unset: from the device
    std::uint32_t local_size = 0;  ///< work-items per group; 0: as tuned for these extents, else 4 on CPUs, 64 on GPUs
    bool profile = false;          ///< record device time per kernel (take_profile)
    std::filesystem::path cache_dir; ///< program binaries; empty: no disk cache
};

/// One kernel's time by group size, and the size that is kept.
struct tuned_kernel {
    std::string kernel;
    std::map<std::uint32_t, double> seconds; ///< of one launch, minimum, by work-items per group
    std::uint32_t chosen = 0;
};

/// Owns the devices (and the sub-devices of a split CPU). Create one in main, before the engines.
class opencl_system {
public:
    /// @param split_cpu  0 or 1: whole devices; n: every CPU device becomes n sub-devices of equal size, and the
    ///                   parent is not offered. @return errc::device_unavailable when there is no OpenCL platform or
    ///                   a CPU cannot be split so; the message says which.
    static result<opencl_system> discover(std::uint32_t split_cpu = 0);
    opencl_system(opencl_system&&) noexcept;
    opencl_system& operator=(opencl_system&&) noexcept;
    ~opencl_system();

    [[nodiscard]] const std::vector<opencl_device_info>& devices() const;

    /// Builds (or loads from the cache) the kernels and returns an engine. Safe to call from several threads.
    /// @return errc::device_unavailable (unknown id), errc::unsupported (no fp64), errc::device_failed (build log inside).
    result<std::unique_ptr<lattice_engine>> make_engine(const std::string& id, const opencl_options& options) const;

    /// Takes about a second. @return as make_engine.
    result<device_limits> measure_limits(const std::string& id, int repeats = 10) const;

    /// Times every kernel on these extents with each group size of the device's kind (event profiling, minimum of
    /// `repeats`) and keeps the best in options.cache_dir, where every later engine of this device, driver, kernels and
    /// extents finds it. The default stays where nothing is 3 % faster. Bits do not depend on it.
    /// Seconds on a GPU; a minute on PoCL, which compiles every kernel once more for every size.
    /// @return one row a kernel; errors as make_engine, and errc::io_failed when the table cannot be written.
    result<std::vector<tuned_kernel>> tune(const std::string& id, const opencl_options& options, const extents& l, int repeats = 5) const;

    /// Are there sizes in the cache for these extents?
    [[nodiscard]] bool is_tuned(const std::string& id, const opencl_options& options, const extents& l) const;

private:
    struct inner;
    explicit opencl_system(std::unique_ptr<inner> i);
    std::unique_ptr<inner> inner_;
};

/// FORGE_CACHE_DIR, else XDG_CACHE_HOME/metalforge, else HOME/.cache/metalforge, else empty.
[[nodiscard]] std::filesystem::path default_cache_dir();

} // namespace forge
