// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/opencl/cl_handle.hpp"

#include <fmt/format.h>

#include <vector>

namespace forge::opencl {

std::string status_name(cl_int status) {
    switch (status) {
    case CL_DEVICE_NOT_FOUND: return "CL_DEVICE_NOT_FOUND";
    case CL_DEVICE_NOT_AVAILABLE: return "CL_DEVICE_NOT_AVAILABLE";
    case CL_MEM_OBJECT_ALLOCATION_FAILURE: return "CL_MEM_OBJECT_ALLOCATION_FAILURE";
    case CL_OUT_OF_RESOURCES: return "CL_OUT_OF_RESOURCES";
    case CL_OUT_OF_HOST_MEMORY: return "CL_OUT_OF_HOST_MEMORY";
    case CL_BUILD_PROGRAM_FAILURE: return "CL_BUILD_PROGRAM_FAILURE";
    case CL_INVALID_VALUE: return "CL_INVALID_VALUE";
    case CL_INVALID_BUFFER_SIZE: return "CL_INVALID_BUFFER_SIZE";
    case CL_INVALID_BINARY: return "CL_INVALID_BINARY";
    case CL_INVALID_BUILD_OPTIONS: return "CL_INVALID_BUILD_OPTIONS";
    case CL_INVALID_KERNEL_NAME: return "CL_INVALID_KERNEL_NAME";
    case CL_INVALID_KERNEL_ARGS: return "CL_INVALID_KERNEL_ARGS";
    case CL_INVALID_WORK_GROUP_SIZE: return "CL_INVALID_WORK_GROUP_SIZE";
    case CL_INVALID_COMMAND_QUEUE: return "CL_INVALID_COMMAND_QUEUE";
    case -1001: return "CL_PLATFORM_NOT_FOUND_KHR";
    default: return fmt::format("OpenCL status {}", status);
    }
}

void check(cl_int status, const std::string& call) {
    if (status == CL_SUCCESS) [[likely]]
        return;
    const bool memory = status == CL_MEM_OBJECT_ALLOCATION_FAILURE || status == CL_OUT_OF_HOST_MEMORY ||
                        status == CL_OUT_OF_RESOURCES || status == CL_INVALID_BUFFER_SIZE;
    throw failure(error{memory ? errc::device_memory : errc::device_failed, call + ": " + status_name(status), "",
                        memory ? "a smaller lattice, fewer chains on this device, or another device (forge device list)"
                               : "forge device list; if it repeats, restart the machine's OpenCL driver"});
}

std::string device_text(cl_device_id device, cl_device_info what) {
    std::size_t size = 0;
    check(clGetDeviceInfo(device, what, 0, nullptr, &size), "clGetDeviceInfo");
    std::string text(size, '\0');
    check(clGetDeviceInfo(device, what, size, text.data(), nullptr), "clGetDeviceInfo");
    while (!text.empty() && text.back() == '\0')
        text.pop_back();
    return text;
}

cl_device_id device_of(const std::string& id) {
    cl_uint n = 0;
    int index = 0;
    if (clGetPlatformIDs(0, nullptr, &n) == CL_SUCCESS && n > 0) {
        std::vector<cl_platform_id> platforms(n);
        check(clGetPlatformIDs(n, platforms.data(), nullptr), "clGetPlatformIDs");
        for (cl_platform_id platform : platforms) {
            cl_uint count = 0;
            if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, nullptr, &count) != CL_SUCCESS || count == 0)
                continue;
            std::vector<cl_device_id> devices(count);
            check(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, count, devices.data(), nullptr), "clGetDeviceIDs");
            for (cl_device_id d : devices)
                if (fmt::format("opencl:{}", index++) == id)
                    return d;
        }
    }
    throw failure(error{errc::device_unavailable, "there is no device " + id, id, "forge device list"});
}

} // namespace forge::opencl
