// SPDX-License-Identifier: AGPL-3.0-only
// Enqueueing a kernel with its arguments: member templates of opencl_workspace. Private header.
#pragma once

#include "libactors/engine/opencl/opencl_workspace.hpp"

#include <fmt/format.h>

namespace forge::opencl {

inline void set_argument(cl_kernel k, cl_uint i, const memory_handle& m) {
    cl_mem handle = m.get();
    check(clSetKernelArg(k, i, sizeof handle, &handle), "clSetKernelArg");
}
inline void set_argument(cl_kernel k, cl_uint i, cl_mem m) { check(clSetKernelArg(k, i, sizeof m, &m), "clSetKernelArg"); }
template <class Scalar>
void set_argument(cl_kernel k, cl_uint i, const Scalar& s) {
    check(clSetKernelArg(k, i, sizeof s, &s), "clSetKernelArg");
}

inline int as_int(std::size_t n) { return static_cast<int>(n); }

template <class... Args>
void opencl_workspace::launch(named_kernel& k, std::size_t items, const Args&... args) {
    launch_on(context_->queue.get(), nullptr, nullptr, k, items, args...);
}

template <class... Args>
void opencl_workspace::launch_on(cl_command_queue queue, const event_handle* after, event_handle* done, named_kernel& k,
                                 std::size_t items, const Args&... args) {
    cl_uint index = 0;
    (set_argument(k.kernel.get(), index++, args), ...);
    const std::size_t local = k.local;
    const std::size_t global = ((items + local - 1) / local) * local;
    cl_event event = nullptr;
    const bool profile = context_->options.profile;
    const cl_event wait = after != nullptr ? after->get() : nullptr;
    check(clEnqueueNDRangeKernel(queue, k.kernel.get(), 1, nullptr, &global, &local, wait != nullptr ? 1 : 0,
                                 wait != nullptr ? &wait : nullptr, profile || done != nullptr ? &event : nullptr),
          fmt::format("clEnqueueNDRangeKernel({}, {}, device {})", k.name, to_text(layout_.lattice), context_->info.id));
    ++k.launches;
    if (done != nullptr) {
        if (profile)
            check(clRetainEvent(event), "clRetainEvent");
        *done = event_handle(event);
    }
    if (profile)
        k.events.emplace_back(event);
}

} // namespace forge::opencl
