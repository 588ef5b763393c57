// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/opencl/device_limits.hpp"

#include "libactors/engine/opencl/program_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace forge::opencl {

namespace {

constexpr std::size_t triad_doubles = std::size_t{1} << 24; // 128 MiB an array: beyond every cache
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
    const auto triad = p.kernel("stream_triad");
    const memory_handle a = p.buffer(triad_doubles * sizeof(double));
    const memory_handle b = p.buffer(triad_doubles * sizeof(double));
    const memory_handle c = p.buffer(triad_doubles * sizeof(double));
    argument(triad, 0, a.get());
    argument(triad, 1, b.get());
    argument(triad, 2, c.get());
    argument(triad, 3, 0.5);
    for (int r = 0; r < repeats + 1; ++r) { // the first one compiles
        const double peak_s = p.run(peak, items, local);
        const double triad_s = p.run(triad, triad_doubles / (64 * p.width()), local);
        if (r == 0)
            continue;
        limits.fma_flops = std::max(limits.fma_flops, 24.0 * p.width() * peak_rounds * static_cast<double>(items) / peak_s);
        limits.triad_bytes = std::max(limits.triad_bytes, 24.0 * triad_doubles / triad_s);
    }
    argument(peak, 1, cl_int{0});
    std::vector<double> empty;
    for (int r = 0; r < 101; ++r)
        empty.push_back(p.run(peak, local, local));
    std::nth_element(empty.begin(), empty.begin() + 50, empty.end());
    limits.launch_s = empty[50];
    return limits;
}

} // namespace forge::opencl
