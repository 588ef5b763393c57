// SPDX-License-Identifier: AGPL-3.0-only
// Owned OpenCL objects and calls that carry their text. Private to this folder.
#pragma once

#include "libactors/base/error.hpp"

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#include <CL/cl.h>

#include <string>
#include <utility>

namespace forge::opencl {

/// "CL_OUT_OF_RESOURCES" for -5, and so on.
[[nodiscard]] std::string status_name(cl_int status);

/// Throws `failure` unless status is CL_SUCCESS. @param call  text of the call, with the object it concerns.
void check(cl_int status, const std::string& call);

/// One reference to an OpenCL object. Movable; releases on destruction.
template <class Handle, cl_int(CL_API_CALL* Release)(Handle)>
class owned {
public:
    owned() = default;
    explicit owned(Handle h) : handle_(h) {}
    owned(owned&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    owned& operator=(owned&& other) noexcept {
        if (this != &other) {
            reset();
            handle_ = std::exchange(other.handle_, nullptr);
        }
        return *this;
    }
    ~owned() { reset(); }
    [[nodiscard]] Handle get() const { return handle_; }
    explicit operator bool() const { return handle_ != nullptr; }

private:
    void reset() {
        if (handle_ != nullptr)
            Release(handle_); // a failing release leaves nothing to do
        handle_ = nullptr;
    }
    Handle handle_ = nullptr;
};

using device_handle = owned<cl_device_id, clReleaseDevice>;
using context_handle = owned<cl_context, clReleaseContext>;
using queue_handle = owned<cl_command_queue, clReleaseCommandQueue>;
using program_handle = owned<cl_program, clReleaseProgram>;
using kernel_handle = owned<cl_kernel, clReleaseKernel>;
using memory_handle = owned<cl_mem, clReleaseMemObject>;
using event_handle = owned<cl_event, clReleaseEvent>;

/// The device that opencl_system calls so, as a whole. Throws `failure` with errc::device_unavailable when there is none.
[[nodiscard]] cl_device_id device_of(const std::string& id);

[[nodiscard]] std::string device_text(cl_device_id device, cl_device_info what);

template <class T>
[[nodiscard]] T device_value(cl_device_id device, cl_device_info what) {
    T value{};
    check(clGetDeviceInfo(device, what, sizeof value, &value, nullptr), "clGetDeviceInfo");
    return value;
}

} // namespace forge::opencl
