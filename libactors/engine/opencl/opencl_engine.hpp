// SPDX-License-Identifier: AGPL-3.0-only
// The lattice engine on one OpenCL device: one context, one in-order queue, one program per width. Private header.
#pragma once

#include "libactors/engine/lattice_engine.hpp"
#include "libactors/engine/opencl/cl_handle.hpp"
#include "libactors/engine/opencl/opencl_system.hpp"
#include "libactors/engine/opencl/program_store.hpp"

#include <functional>
#include <map>
#include <span>

namespace forge::opencl {

/// What workspaces share. Outlives them through shared ownership.
struct device_context {
    opencl_device_info info;
    opencl_options options;
    cl_device_id device = nullptr;
    context_handle context;
    queue_handle queue;
    queue_handle second_queue;                        ///< for the concurrent strategy; made when first wanted
    std::map<std::uint32_t, stored_program> programs; ///< by width
    std::optional<double> df64_bits;                  ///< self-test result, once it has run

    ~device_context();
    /// Accuracy of df64 add, multiply and accumulate on this device in bits, tested once.
    [[nodiscard]] double df64_self_test(std::uint32_t width);
    [[nodiscard]] cl_command_queue other_queue();
    [[nodiscard]] const stored_program& program(std::uint32_t width);
    [[nodiscard]] int layout_block() const;
    [[nodiscard]] int links_per_item() const { return options.links_per_item.value_or(info.is_cpu ? 4 : 1); }
    /// Where nothing was tuned.
    [[nodiscard]] std::size_t default_local_size() const { return options.local_size != 0 ? options.local_size : (info.is_cpu ? 4 : 64); }
};

/// opencl_system::tune without the disk: rows for each kernel, the default size first in `sizes`. @throws failure
[[nodiscard]] std::vector<tuned_kernel> tune(const std::function<std::unique_ptr<lattice_engine>(const opencl_options&)>& make, opencl_options options,
                                             const extents& l, std::span<const std::uint32_t> sizes, int repeats);

class opencl_engine final : public lattice_engine {
public:
    opencl_engine(cl_device_id device, const opencl_device_info& info, const opencl_options& options);
    [[nodiscard]] const engine_capability& about() const override { return capability_; }
    [[nodiscard]] std::optional<double> df64_bits() override { return context_->df64_self_test(capability_.width); }
    [[nodiscard]] std::unique_ptr<gauge_workspace> allocate(const extents& l) override;
    /// Where the group sizes for these extents are kept (local_sizes.hpp); empty without a cache.
    [[nodiscard]] std::filesystem::path tuning_file(const extents& l);

private:
    std::shared_ptr<device_context> context_;
    engine_capability capability_;
};

} // namespace forge::opencl
