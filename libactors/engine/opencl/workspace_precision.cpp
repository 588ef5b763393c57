// SPDX-License-Identifier: AGPL-3.0-only
// The force in its three arithmetics (opencl_workspace, second half).
#include "libactors/engine/opencl/opencl_workspace.hpp"

#include "libactors/engine/opencl/kernel_launch.hpp"

#include <fmt/format.h>

#include <cmath>

namespace forge::opencl {

namespace {
constexpr double df64_bits_needed = 45.0; ///< below, the device re-associates or flushes: df64 would be no better than float
}

void opencl_workspace::set_arithmetic(const arithmetic& a) {
    if (a == arithmetic_)
        return;
    if (!(a.df64_share >= 0.0 && a.df64_share <= 1.0))
        throw failure(error{errc::invalid_argument, fmt::format("a df64 share of {} is not in 0...1", a.df64_share), "precision", ""});
    if (a.strategy != precision_strategy::native) {
        const double bits = context_->df64_self_test(layout_.width);
        if (bits < df64_bits_needed)
            throw failure(error{errc::unsupported, fmt::format("double-float arithmetic on {} is accurate to {:.1f} bits only ({} needed)", context_->info.id,
                                                               bits, df64_bits_needed), "precision", "precision = \"native\" on this device"});
        if (!split_) {
            std::size_t bytes = 0;
            check(clGetMemObjectInfo(links_.get(), CL_MEM_SIZE, sizeof bytes, &bytes, nullptr), "clGetMemObjectInfo");
            split_ = field_buffer(bytes, "float halves of the links");
            split_kernel_ = make_kernel("links_split");
            kick_df64_ = make_kernel("gauge_force_kick_df64");
            plaquette_df64_ = make_kernel("gauge_plaquette_df64");
            kinetic_df64_ = make_kernel("momenta_kinetic_df64");
        }
        links_changed();
    }
    arithmetic_ = a;
}

void opencl_workspace::split_links() {
    if (!split_valid_)
        launch(split_kernel_, n_blocks_, links_, split_, as_int(n_blocks_));
    split_valid_ = true;
}

void opencl_workspace::kick(double beta, double step) {
    const double c = step * (beta / 6.0);
    switch (arithmetic_.strategy) {
    case precision_strategy::native:
        return kick_native(0, n_blocks_, c);
    case precision_strategy::hybrid:
        split_links();
        return launch(kick_df64_, n_blocks_, split_, momenta_, neighbours_, as_int(n_blocks_), 0, as_int(n_blocks_), c);
    case precision_strategy::concurrent:
        return kick_concurrent(c);
    }
}

void opencl_workspace::kick_and_drift(double beta, double kick_step, double drift_step) {
    if (arithmetic_.strategy != precision_strategy::native) {
        kick(beta, kick_step);
        return drift(drift_step);
    }
    launch(step_, 4 / static_cast<std::size_t>(context_->links_per_item()) * n_blocks_, links_, next_, momenta_, neighbours_, as_int(n_blocks_), 0,
           as_int(n_blocks_), kick_step * (beta / 6.0), drift_step);
    if (save_pending_) { // the old links stay where they are and are the saved ones
        std::swap(saved_, links_);
        save_pending_ = false;
    }
    std::swap(links_, next_);
    links_changed();
}

void opencl_workspace::kick_native(std::size_t first, std::size_t n, double c) {
    if (n > 0)
        launch(kick_, 4 / static_cast<std::size_t>(context_->links_per_item()) * n, links_, momenta_, neighbours_, as_int(n_blocks_), as_int(first), as_int(n), c);
}

void opencl_workspace::kick_concurrent(double c) {
    // Whole time slices: these are the same sites for every width and layout, so the bits are the same as well.
    const std::size_t slices = shape().n[3];
    const auto n_df64 = static_cast<std::size_t>(std::llround(arithmetic_.df64_share * static_cast<double>(slices))) * (n_blocks_ / slices);
    const std::size_t n_native = n_blocks_ - n_df64;
    if (n_df64 == 0)
        return kick_native(0, n_blocks_, c);
    // The second queue starts when the split is there, and the first goes on when both are done. The two kernels read
    // the same links and write the momenta of different blocks.
    split_links();
    const cl_command_queue first_queue = context_->queue.get();
    const cl_command_queue second_queue = context_->other_queue();
    cl_event ready = nullptr;
    check(clEnqueueMarkerWithWaitList(first_queue, 0, nullptr, &ready), "clEnqueueMarkerWithWaitList");
    const event_handle ready_event(ready);
    check(clFlush(first_queue), "clFlush");
    event_handle done;
    launch_on(second_queue, &ready_event, &done, kick_df64_, n_df64, split_, momenta_, neighbours_, as_int(n_blocks_), as_int(n_native), as_int(n_df64), c);
    check(clFlush(second_queue), "clFlush");
    kick_native(0, n_native, c);
    const cl_event wait = done.get();
    check(clEnqueueBarrierWithWaitList(first_queue, 1, &wait, nullptr), "clEnqueueBarrierWithWaitList");
}

} // namespace forge::opencl
