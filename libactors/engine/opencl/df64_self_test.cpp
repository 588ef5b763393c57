// SPDX-License-Identifier: AGPL-3.0-only
// Is double-float arithmetic what it claims to be on this device?
#include "libactors/engine/opencl/opencl_engine.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace forge::opencl {

cl_command_queue device_context::other_queue() {
    if (!second_queue) {
        cl_int status = CL_SUCCESS;
        second_queue = queue_handle(clCreateCommandQueue(context.get(), device, options.profile ? CL_QUEUE_PROFILING_ENABLE : 0, &status));
        check(status, "clCreateCommandQueue on " + info.id);
    }
    return second_queue.get();
}

double device_context::df64_self_test(std::uint32_t width) {
    if (df64_bits)
        return *df64_bits;
    constexpr int n = 4096;
    std::mt19937_64 generator(64);
    std::uniform_real_distribution<double> uniform(-1.0, 1.0);
    std::vector<double> in(2 * n);
    for (int i = 0; i < n; ++i) {
        in[2 * static_cast<std::size_t>(i)] = uniform(generator);
        // Every other pair nearly cancels: that is where a sloppy sum loses its bits.
        in[2 * static_cast<std::size_t>(i) + 1] = i % 2 == 0 ? uniform(generator) : -in[2 * static_cast<std::size_t>(i)] * (1.0 + 1e-6 * uniform(generator));
    }
    // What the device sees: values rounded to a pair of floats.
    for (double& x : in) {
        const float high = static_cast<float>(x);
        x = static_cast<double>(high) + static_cast<double>(static_cast<float>(x - static_cast<double>(high)));
    }
    cl_int status = CL_SUCCESS;
    const auto buffer = [&](std::size_t bytes, void* data) {
        memory_handle m(clCreateBuffer(context.get(), CL_MEM_READ_WRITE | (data != nullptr ? CL_MEM_COPY_HOST_PTR : 0), bytes, data, &status));
        check(status, "clCreateBuffer for the df64 self-test");
        return m;
    };
    const memory_handle device_in = buffer(in.size() * sizeof(double), in.data());
    std::vector<double> out(3 * n);
    const memory_handle device_out = buffer(out.size() * sizeof(double), nullptr);
    kernel_handle kernel(clCreateKernel(program(width).program.get(), "df64_self_test", &status));
    check(status, "clCreateKernel(df64_self_test)");
    const cl_mem in_handle = device_in.get();
    const cl_mem out_handle = device_out.get();
    const cl_int count = n;
    check(clSetKernelArg(kernel.get(), 0, sizeof in_handle, &in_handle), "clSetKernelArg");
    check(clSetKernelArg(kernel.get(), 1, sizeof out_handle, &out_handle), "clSetKernelArg");
    check(clSetKernelArg(kernel.get(), 2, sizeof count, &count), "clSetKernelArg");
    const std::size_t global = n;
    const std::size_t local = default_local_size();
    check(clEnqueueNDRangeKernel(queue.get(), kernel.get(), 1, nullptr, &global, &local, 0, nullptr, nullptr), "clEnqueueNDRangeKernel(df64_self_test)");
    check(clEnqueueReadBuffer(queue.get(), device_out.get(), CL_TRUE, 0, out.size() * sizeof(double), out.data(), 0, nullptr, nullptr), "clEnqueueReadBuffer");
    double worst = 0.0; // relative to the size of what went in, as the error bounds are
    for (std::size_t i = 0; i < n; ++i) {
        const double a = in[2 * i];
        const double b = in[2 * i + 1];
        worst = std::max(worst, std::abs(out[3 * i] - (a + b)) / (std::abs(a) + std::abs(b)));
        worst = std::max(worst, std::abs(out[3 * i + 1] - a * b) / std::abs(a * b));
        worst = std::max(worst, std::abs(out[3 * i + 2] - std::fma(a, b, b)) / (std::abs(a * b) + std::abs(b)));
        if (std::isnan(out[3 * i] + out[3 * i + 1] + out[3 * i + 2]))
            worst = 1.0;
    }
    df64_bits = worst > 0.0 ? -std::log2(worst) : 53.0;
    return *df64_bits;
}

} // namespace forge::opencl
