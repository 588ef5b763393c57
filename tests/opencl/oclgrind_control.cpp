// SPDX-License-Identifier: AGPL-3.0-only
// Negative control of the oclgrind test: two kernels with a planted fault each, which the interpreter must report.
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include <cstdio>
#include <string_view>

namespace {

constexpr const char* source = R"(
kernel void outside(global int* out, int n) { out[get_global_id(0) + (get_global_id(0) == 7 ? n : 0)] = 1; }
kernel void race(global int* out, int n) { out[get_global_id(0) % 2] += n; }
)";

bool run(const char* kernel_name) {
    cl_platform_id platform = nullptr;
    cl_device_id device = nullptr;
    cl_int status = clGetPlatformIDs(1, &platform, nullptr);
    if (status != CL_SUCCESS || clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, nullptr) != CL_SUCCESS)
        return false;
    cl_context context = clCreateContext(nullptr, 1, &device, nullptr, nullptr, &status);
    cl_command_queue queue = clCreateCommandQueue(context, device, 0, &status);
    const char* text = source;
    cl_program program = clCreateProgramWithSource(context, 1, &text, nullptr, &status);
    if (clBuildProgram(program, 1, &device, "", nullptr, nullptr) != CL_SUCCESS)
        return false;
    cl_kernel kernel = clCreateKernel(program, kernel_name, &status);
    const cl_int n = 8;
    const size_t global = 8;
    const size_t local = 4;
    cl_mem out = clCreateBuffer(context, CL_MEM_READ_WRITE, global * sizeof n, nullptr, &status);
    const cl_int zero[8] = {};
    status |= clEnqueueWriteBuffer(queue, out, CL_TRUE, 0, sizeof zero, zero, 0, nullptr, nullptr);
    status |= clSetKernelArg(kernel, 0, sizeof out, &out) | clSetKernelArg(kernel, 1, sizeof n, &n);
    status |= clEnqueueNDRangeKernel(queue, kernel, 1, nullptr, &global, &local, 0, nullptr, nullptr);
    status |= clFinish(queue);
    return status == CL_SUCCESS; // objects live until the process ends
}

} // namespace

int main(int argc, char** argv) {
    const bool ran = argc == 2 && (std::string_view(argv[1]) == "outside" || std::string_view(argv[1]) == "race") && run(argv[1]);
    std::puts(ran ? "kernel ran" : "the control itself failed");
    return ran ? 0 : 1;
}
