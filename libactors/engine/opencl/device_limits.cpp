// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/opencl/device_limits.hpp"

#include "libactors/engine/opencl/program_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace forge::opencl {

namespace {

constexpr std::size_t largest_footprint = std::size_t{384} << 20; // per compute unit: beyond every cache of its own
constexpr std::size_t footprints[] = {std::size_t{24} << 10, std::size_t{768} << 10, std::size_t{24} << 20, largest_footprint};
constexpr std::size_t bytes_per_timing = std::size_t{256} << 20; // small sets are passed over until this much has moved
constexpr std::size_t copy_bytes = std::size_t{64} << 20;
constexpr int peak_rounds = 20000;

struct stopwatch {
    std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
    [[nodiscard]] double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); }
};

class probe {
public:
    probe(cl_device_id device, const opencl_device_info& info) : width_(info.is_cpu ? std::min(8u, info.native_width) : 1u) {
        cl_int status = CL_SUCCESS;
        context_ = context_handle(clCreateContext(nullptr, 1, &device, nullptr, nullptr, &status));
        check(status, "clCreateContext on " + info.id);
        queue_ = queue_handle(clCreateCommandQueue(context_.get(), device, 0, &status));
        check(status, "clCreateCommandQueue on " + info.id);
        program_ = build_program(context_.get(), device, limits_source(), fmt::format("-cl-std=CL1.2 -DFORGE_W={} -DFORGE_B=1", width_), {});
    }
    [[nodiscard]] std::uint32_t width() const { return width_; }

    memory_handle buffer(std::size_t bytes) {
        cl_int status = CL_SUCCESS;
        memory_handle m(clCreateBuffer(context_.get(), CL_MEM_READ_WRITE, bytes, nullptr, &status));
        check(status, "clCreateBuffer for limits");
        const double zero = 0.0;
        check(clEnqueueFillBuffer(queue_.get(), m.get(), &zero, sizeof zero, 0, bytes, 0, nullptr, nullptr), "clEnqueueFillBuffer");
        return m;
    }
    kernel_handle kernel(const char* name) {
        cl_int status = CL_SUCCESS;
        kernel_handle k(clCreateKernel(program_.program.get(), name, &status));
        check(status, name);
        return k;
    }
    double run(const kernel_handle& k, std::size_t items, std::size_t local) {
        const stopwatch watch;
        check(clEnqueueNDRangeKernel(queue_.get(), k.get(), 1, nullptr, &items, &local, 0, nullptr, nullptr), "clEnqueueNDRangeKernel");
        check(clFinish(queue_.get()), "clFinish");
        return watch.seconds();
    }

    void measure_copies(int repeats, device_limits& limits) {
        const memory_handle m = buffer(copy_bytes);
        std::vector<char> host(copy_bytes, 1);
        for (int r = 0; r < repeats + 1; ++r) {
            const stopwatch up;
            check(clEnqueueWriteBuffer(queue_.get(), m.get(), CL_TRUE, 0, copy_bytes, host.data(), 0, nullptr, nullptr), "clEnqueueWriteBuffer");
            const double up_s = up.seconds();
            const stopwatch down;
            check(clEnqueueReadBuffer(queue_.get(), m.get(), CL_TRUE, 0, copy_bytes, host.data(), 0, nullptr, nullptr), "clEnqueueReadBuffer");
            const double down_s = down.seconds();
            if (r == 0)
                continue;
            limits.upload_bytes = std::max(limits.upload_bytes, copy_bytes / up_s);
            limits.download_bytes = std::max(limits.download_bytes, copy_bytes / down_s);
        }
    }

private:
    std::uint32_t width_;
    context_handle context_;
    queue_handle queue_;
    stored_program program_;
};

template <class T>
void argument(const kernel_handle& k, cl_uint i, const T& value) {
    check(clSetKernelArg(k.get(), i, sizeof value, &value), "clSetKernelArg");
}

/// Read and triad bandwidth for working sets of each size: every compute unit passes over pieces of its own.
void measure_levels(probe& p, const opencl_device_info& info, int repeats, device_limits& limits) {
    const std::size_t items = info.is_cpu ? info.compute_units : std::size_t{2048} * info.compute_units;
    const std::size_t local = info.is_cpu ? 1 : 64;
    const std::size_t vector_bytes = p.width() * sizeof(double);
    const std::size_t most = std::min<std::size_t>({largest_footprint * info.compute_units, std::size_t{3} * info.largest_buffer_bytes, info.memory_bytes / 2});
    const memory_handle a = p.buffer(most / 3);
    const memory_handle b = p.buffer(most / 3);
    const memory_handle c = p.buffer(most / 3);
    const memory_handle out = p.buffer(items * vector_bytes);
    const auto read = p.kernel("stream_read");
    const auto triad = p.kernel("stream_triad");
    for (const std::size_t footprint : footprints) {
        const std::size_t array = std::min(footprint * info.compute_units, most) / 3;
        const std::size_t n = array / vector_bytes / items / 8 * 8; // vectors an item
        if (n == 0)
            continue; // more items than this level could feed
        const int stride = info.is_cpu ? 1 : static_cast<int>(items);
        const int first = info.is_cpu ? static_cast<int>(n) : 1;
        const double bytes = static_cast<double>(n * items * vector_bytes);
        const int rounds = static_cast<int>(std::max<std::size_t>(1, bytes_per_timing / (n * items * vector_bytes)));
        argument(read, 0, a.get());
        argument(read, 1, out.get());
        argument(triad, 0, a.get());
        argument(triad, 1, b.get());
        argument(triad, 2, c.get());
        argument(triad, 3, 0.5);
        for (const auto& [k, at] : {std::pair{&read, 2u}, std::pair{&triad, 4u}}) {
            argument(*k, at, static_cast<cl_int>(n));
            argument(*k, at + 1, cl_int{first});
            argument(*k, at + 2, cl_int{stride});
            argument(*k, at + 3, cl_int{rounds});
        }
        device_limits::level level{footprint, 0.0, 0.0};
        for (int r = 0; r < std::max(3, repeats / 2) + 1; ++r) {
            const double read_s = p.run(read, items, local);
            const double triad_s = p.run(triad, items, local);
            if (r == 0)
                continue;
            level.read_bytes = std::max(level.read_bytes, bytes * rounds / read_s);
            level.triad_bytes = std::max(level.triad_bytes, 3.0 * bytes * rounds / triad_s);
        }
        limits.levels.push_back(level);
    }
    if (!limits.levels.empty())
        limits.triad_bytes = limits.levels.back().triad_bytes;
}

} // namespace

device_limits limits_of(cl_device_id device, const opencl_device_info& info, int repeats) {
    probe p(device, info);
    device_limits limits;
    const std::size_t local = info.is_cpu ? 4 : 64;
    const std::size_t items = info.is_cpu ? std::size_t{16} * info.compute_units * local : std::size_t{256} * info.compute_units;
    const memory_handle out = p.buffer(items * p.width() * sizeof(double));
    const auto peak = p.kernel("fma_peak");
    argument(peak, 0, out.get());
    argument(peak, 1, cl_int{peak_rounds});
    argument(peak, 2, 1.0);
    for (int r = 0; r < repeats + 1; ++r) { // the first one compiles
        const double peak_s = p.run(peak, items, local);
        if (r > 0)
            limits.fma_flops = std::max(limits.fma_flops, 24.0 * p.width() * peak_rounds * static_cast<double>(items) / peak_s);
    }
    measure_levels(p, info, repeats, limits);
    p.measure_copies(repeats, limits);
    argument(peak, 1, cl_int{0});
    std::vector<double> empty;
    for (int r = 0; r < 101; ++r)
        empty.push_back(p.run(peak, local, local));
    std::nth_element(empty.begin(), empty.begin() + 50, empty.end());
    limits.launch_s = empty[50];
    return limits;
}

} // namespace forge::opencl
