// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/opencl/opencl_workspace.hpp"

#include "libactors/base/contract.hpp"
#include "libactors/engine/opencl/kernel_launch.hpp"
#include "libactors/numerics/tree_sum.hpp"

#include <fmt/format.h>

namespace forge::opencl {

namespace {

constexpr cl_uint plaquette_quantities = 2; // spatial and temporal, or the two parts of the Polyakov loop

} // namespace

opencl_workspace::opencl_workspace(std::shared_ptr<device_context> context, block_layout layout, local_sizes sizes)
    : context_(std::move(context)), layout_(std::move(layout)), n_blocks_(layout_.rank0.size()), sizes_(std::move(sizes)) {
    const std::size_t padded = ((n_blocks_ + 31) / 32) * 32; // whole layout blocks for FORGE_B = 8, 32
    const std::size_t link_bytes = padded * layout_.width * n_directions * reals_per_link * sizeof(double);
    const std::size_t momentum_bytes = link_bytes / 2;
    for (std::size_t mu = 0; mu < 4; ++mu)
        lane_stride_.s[mu] = layout_.lane_stride[mu];
    links_ = field_buffer(link_bytes, "links");
    saved_ = field_buffer(link_bytes, "saved links");
    next_ = field_buffer(link_bytes, "links of the next step");
    momenta_ = field_buffer(momentum_bytes, "momenta");
    const std::size_t volume = layout_.lattice.volume();
    partial_ = buffer(plaquette_quantities * volume * sizeof(double), "partial sums");
    chunks_ = buffer(plaquette_quantities * (volume / tree_chunk + 1) * sizeof(double), "chunk sums");
    sums_ = buffer(2 * n_blocks_ * sizeof(cl_ulong), "fingerprints");
    const auto table = [this](const auto& values, const char* what) {
        const std::size_t bytes = values.size() * sizeof values[0];
        memory_handle m = buffer(bytes, what);
        check(clEnqueueWriteBuffer(context_->queue.get(), m.get(), CL_TRUE, 0, bytes, values.data(), 0, nullptr, nullptr),
              "clEnqueueWriteBuffer");
        return m;
    };
    rank0_ = table(layout_.rank0, "site ranks");
    neighbours_ = table(layout_.neighbours, "neighbour table");
    kick_ = make_kernel("gauge_force_kick");
    step_ = make_kernel("gauge_force_step");
    drift_ = make_kernel("link_drift");
    reunitarise_ = make_kernel("reunitarise_links");
    refresh_ = make_kernel("momenta_refresh");
    kinetic_ = make_kernel("momenta_kinetic");
    plaquette_ = make_kernel("gauge_plaquette");
    polyakov_ = make_kernel("polyakov_trace");
    fingerprint_ = make_kernel("links_fingerprint");
    reduce_ = make_kernel("reduce_chunks");
    import_ = make_kernel("field_import");
    export_ = make_kernel("field_export");
}

opencl_workspace::~opencl_workspace() {
    clFinish(context_->queue.get()); // buffers must not be released under a running kernel
}

memory_handle opencl_workspace::buffer(std::size_t bytes, const char* what) const {
    cl_int status = CL_SUCCESS;
    memory_handle m(clCreateBuffer(context_->context.get(), CL_MEM_READ_WRITE, std::max<std::size_t>(bytes, 64), nullptr, &status));
    check(status, fmt::format("clCreateBuffer({} bytes for {}, lattice {}, device {} with {} bytes)", bytes, what,
                              to_text(layout_.lattice), context_->info.id, context_->info.memory_bytes));
    return m;
}

memory_handle opencl_workspace::field_buffer(std::size_t bytes, const char* what) {
    if (!context_->info.is_cpu || bytes < huge_pages::page_bytes)
        return buffer(bytes, what);
    pages_.emplace_back(bytes);
    cl_int status = CL_SUCCESS;
    memory_handle m(clCreateBuffer(context_->context.get(), CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, bytes, pages_.back().data(), &status));
    check(status, fmt::format("clCreateBuffer({} bytes for {}, lattice {}, device {})", bytes, what, to_text(layout_.lattice), context_->info.id));
    return m;
}

opencl_workspace::named_kernel opencl_workspace::make_kernel(const char* name) const {
    cl_int status = CL_SUCCESS;
    named_kernel k;
    k.name = name;
    k.kernel = kernel_handle(clCreateKernel(context_->program(layout_.width).program.get(), name, &status));
    check(status, fmt::format("clCreateKernel({})", name));
    const auto tuned = sizes_.find(name);
    k.local = tuned != sizes_.end() ? tuned->second : context_->default_local_size();
    std::size_t most = 0; // the driver may allow less for a kernel that needs many registers
    if (clGetKernelWorkGroupInfo(k.kernel.get(), context_->device, CL_KERNEL_WORK_GROUP_SIZE, sizeof most, &most, nullptr) == CL_SUCCESS && most > 0)
        k.local = std::min(k.local, most);
    return k;
}

void opencl_workspace::read(cl_mem from, void* to, std::size_t bytes) const {
    check(clEnqueueReadBuffer(context_->queue.get(), from, CL_TRUE, 0, bytes, to, 0, nullptr, nullptr), "clEnqueueReadBuffer");
}

void opencl_workspace::copy(cl_mem from, cl_mem to, std::size_t bytes) const {
    check(clEnqueueCopyBuffer(context_->queue.get(), from, to, 0, 0, bytes, 0, nullptr, nullptr), "clEnqueueCopyBuffer");
}

void opencl_workspace::import_field(std::span<const double> canonical, cl_mem field, int n_components) {
    const memory_handle staging = buffer(canonical.size_bytes(), "upload");
    check(clEnqueueWriteBuffer(context_->queue.get(), staging.get(), CL_TRUE, 0, canonical.size_bytes(), canonical.data(), 0,
                               nullptr, nullptr), "clEnqueueWriteBuffer");
    launch(import_, n_blocks_, staging, field, rank0_, as_int(n_blocks_), lane_stride_, n_components);
    check(clFinish(context_->queue.get()), "clFinish"); // the staging buffer goes now
}

void opencl_workspace::export_field(std::span<double> canonical, cl_mem field, int n_components) {
    const memory_handle staging = buffer(canonical.size_bytes(), "download");
    launch(export_, n_blocks_, staging, field, rank0_, as_int(n_blocks_), lane_stride_, n_components);
    read(staging.get(), canonical.data(), canonical.size_bytes());
}

void opencl_workspace::upload(const gauge_field& links) {
    expects(links.shape() == shape(), "upload: extents agree");
    settle_save();
    import_field(links.reals(), links_.get(), reals_per_link);
    links_changed();
}

gauge_field opencl_workspace::download() {
    gauge_field links(shape());
    export_field(links.reals(), links_.get(), reals_per_link);
    return links;
}

void opencl_workspace::upload_momenta(const momentum_field& momenta) {
    expects(momenta.shape() == shape(), "upload_momenta: extents agree");
    import_field(momenta.reals(), momenta_.get(), reals_per_momentum);
}

momentum_field opencl_workspace::download_momenta() {
    momentum_field momenta(shape());
    export_field(momenta.reals(), momenta_.get(), reals_per_momentum);
    return momenta;
}

void opencl_workspace::refresh_momenta(const noise_id& noise) {
    launch(refresh_, n_blocks_, momenta_, rank0_, as_int(n_blocks_), lane_stride_, static_cast<cl_uint>(noise.key),
           static_cast<cl_uint>(noise.key >> 32), static_cast<cl_uint>(noise.trajectory), cl_uint{noise.segment},
           static_cast<cl_uint>(noise_purpose::momenta));
}

void opencl_workspace::drift(double step) {
    settle_save();
    launch(drift_, n_blocks_, links_, momenta_, as_int(n_blocks_), step);
    links_changed();
}

std::vector<double> opencl_workspace::reduce(int n, int n_quantities) {
    const std::size_t n_chunks = (static_cast<std::size_t>(n) + tree_chunk - 1) / tree_chunk;
    const auto quantities = static_cast<std::size_t>(n_quantities);
    launch(reduce_, n_chunks * quantities, partial_, chunks_, n, as_int(layout_.lattice.volume()), as_int(n_chunks), n_quantities);
    std::vector<double> chunks(n_chunks * quantities);
    read(chunks_.get(), chunks.data(), chunks.size() * sizeof(double));
    std::vector<double> sums;
    for (std::size_t q = 0; q < quantities; ++q)
        sums.push_back(pairwise_sum(std::span<const double>(chunks).subspan(q * n_chunks, n_chunks)));
    return sums;
}

double opencl_workspace::kinetic_energy() {
    auto& kernel = arithmetic_.strategy == precision_strategy::hybrid ? kinetic_df64_ : kinetic_;
    launch(kernel, n_blocks_, momenta_, partial_, rank0_, as_int(n_blocks_), lane_stride_);
    return reduce(as_int(shape().volume()), 1)[0];
}

plaquette_sums opencl_workspace::plaquette() {
    const auto arguments = [this](named_kernel& k, const memory_handle& links) {
        launch(k, n_blocks_, links, partial_, as_int(shape().volume()), neighbours_, rank0_, as_int(n_blocks_), lane_stride_);
    };
    if (arithmetic_.strategy == precision_strategy::hybrid) {
        split_links();
        arguments(plaquette_df64_, split_);
    } else {
        arguments(plaquette_, links_);
    }
    const auto sums = reduce(as_int(shape().volume()), 2);
    return {sums[0], sums[1]};
}

complex opencl_workspace::polyakov_loop() {
    launch(polyakov_, n_blocks_ / shape().n[3], links_, partial_, as_int(shape().volume()), rank0_, as_int(n_blocks_),
           as_int(shape().n[3]), lane_stride_);
    const auto sums = reduce(as_int(shape().spatial_volume()), 2);
    const double norm = 3.0 * static_cast<double>(shape().spatial_volume());
    return {sums[0] / norm, sums[1] / norm};
}

void opencl_workspace::reunitarise() {
    settle_save();
    launch(reunitarise_, n_blocks_, links_, as_int(n_blocks_));
    links_changed();
}

state_hash opencl_workspace::fingerprint() {
    launch(fingerprint_, n_blocks_, links_, sums_, rank0_, as_int(n_blocks_), lane_stride_);
    std::vector<cl_ulong> sums(2 * n_blocks_);
    read(sums_.get(), sums.data(), sums.size() * sizeof(cl_ulong));
    state_hash h;
    for (std::size_t b = 0; b < n_blocks_; ++b) {
        h.a += sums[2 * b];
        h.b += sums[2 * b + 1];
    }
    return h;
}

void opencl_workspace::save_links() { save_pending_ = true; }

void opencl_workspace::settle_save() {
    if (!save_pending_)
        return;
    std::size_t bytes = 0;
    check(clGetMemObjectInfo(links_.get(), CL_MEM_SIZE, sizeof bytes, &bytes, nullptr), "clGetMemObjectInfo");
    copy(links_.get(), saved_.get(), bytes);
    save_pending_ = false;
}

void opencl_workspace::restore_links() {
    if (!save_pending_)
        std::swap(links_, saved_); // whoever restores saves again before the next change
    save_pending_ = false;
    links_changed();
}

std::vector<operation_time> opencl_workspace::take_profile() {
    check(clFinish(context_->queue.get()), "clFinish");
    std::vector<operation_time> times;
    for (auto* k : {&kick_, &step_, &drift_, &reunitarise_, &refresh_, &kinetic_, &plaquette_, &polyakov_, &fingerprint_, &reduce_,
                    &import_, &export_, &split_kernel_, &kick_df64_, &plaquette_df64_, &kinetic_df64_}) {
        operation_time t{k->name, k->launches, 0.0};
        for (const auto& e : k->events) {
            cl_ulong start = 0;
            cl_ulong end = 0;
            check(clGetEventProfilingInfo(e.get(), CL_PROFILING_COMMAND_START, sizeof start, &start, nullptr), "clGetEventProfilingInfo");
            check(clGetEventProfilingInfo(e.get(), CL_PROFILING_COMMAND_END, sizeof end, &end, nullptr), "clGetEventProfilingInfo");
            t.seconds += 1e-9 * static_cast<double>(end - start);
        }
        k->events.clear();
        k->launches = 0;
        if (t.launches != 0)
            times.push_back(t);
    }
    return times;
}

} // namespace forge::opencl
