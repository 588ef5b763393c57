// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/opencl/opencl_engine.hpp"

#include "libactors/engine/opencl/opencl_workspace.hpp"

#include <fmt/format.h>

namespace forge::opencl {

device_context::~device_context() {
    if (queue)
        clFinish(queue.get()); // a failing finish leaves nothing to do
    for (const auto& [width, p] : programs)
        save_binary(p);
}

int device_context::layout_block() const { return options.block.value_or(info.is_cpu ? 1 : 32); }

const stored_program& device_context::program(std::uint32_t width) {
    const auto known = programs.find(width);
    if (known != programs.end())
        return known->second;
    std::string flags = fmt::format("-cl-std=CL1.2 -DFORGE_W={} -DFORGE_B={} -DFORGE_LINKS_PER_ITEM={}", width,
                                    layout_block(), links_per_item());
    if (info.platform.find("Oclgrind") != std::string::npos)
        flags += " -Drestrict="; // its interpreter does not know the intrinsic that restrict becomes
    return programs.emplace(width, build_program(context.get(), device, kernel_source(), flags, options.cache_dir)).first->second;
}

opencl_engine::opencl_engine(cl_device_id device, const opencl_device_info& info, const opencl_options& options)
    : context_(std::make_shared<device_context>()) {
    context_->info = info;
    context_->options = options;
    context_->device = device;
    cl_int status = CL_SUCCESS;
    context_->context = context_handle(clCreateContext(nullptr, 1, &device, nullptr, nullptr, &status));
    check(status, "clCreateContext on " + info.id);
    context_->queue = queue_handle(clCreateCommandQueue(context_->context.get(), device,
                                                        options.profile ? CL_QUEUE_PROFILING_ENABLE : 0, &status));
    check(status, "clCreateCommandQueue on " + info.id);
    if (options.width > 8 || (options.width & (options.width - 1)) != 0)
        throw failure(error{errc::invalid_argument, fmt::format("width {} is not 1, 2, 4 or 8", options.width), info.id, ""});
    capability_.id = info.id;
    capability_.device_name = info.name;
    capability_.memory_bytes = info.memory_bytes;
    capability_.compute_units = info.compute_units;
    capability_.fp64 = info.fp64;
    capability_.width = options.width != 0 ? options.width : (info.is_cpu ? std::min(8u, info.native_width) : 1u);
}

std::filesystem::path opencl_engine::tuning_file(const extents& l) {
    const auto width = fitting_width(l, capability_.width);
    return local_sizes_file(context_->options.cache_dir, context_->device, context_->program(width).kernel_hash, l);
}

std::unique_ptr<gauge_workspace> opencl_engine::allocate(const extents& l) {
    if (l.volume() == 0 || l.links() * reals_per_link > std::size_t{1} << 35)
        throw failure(error{errc::unsupported, "a lattice of " + to_text(l) + " is outside what one device holds", "", ""});
    const auto width = fitting_width(l, capability_.width);
    capability_.kernel_hash = context_->program(width).kernel_hash;
    const auto sizes = context_->options.local_size == 0 ? read_local_sizes(tuning_file(l)) : local_sizes{};
    return std::make_unique<opencl_workspace>(context_, make_block_layout(l, width), sizes);
}

} // namespace forge::opencl
