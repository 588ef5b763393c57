// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/opencl/opencl_system.hpp"

#include "libactors/engine/opencl/cl_handle.hpp"
#include "libactors/engine/opencl/device_limits.hpp"
#include "libactors/engine/opencl/local_sizes.hpp"
#include "libactors/engine/opencl/opencl_engine.hpp"

#include <fmt/format.h>

#include <cstdlib>

namespace forge {

using namespace opencl;

struct opencl_system::inner {
    std::vector<opencl_device_info> infos;
    std::vector<device_handle> devices; // same order as infos

    /// Index of a device that can compute in fp64.
    result<std::size_t> find(const std::string& id) const {
        std::string known;
        for (std::size_t i = 0; i < infos.size(); ++i) {
            known += (known.empty() ? "" : ", ") + infos[i].id;
            if (infos[i].id != id)
                continue;
            if (infos[i].fp64)
                return i;
            return error{errc::unsupported, "device " + id + " (" + infos[i].name + ") has no fp64, and double-float alone does not carry a chain: what it "
                         "could do is staples, plaquette products and kinetic energy; what it cannot is the projection to the algebra, the exponential, "
                         "random numbers, sums over sites and dH, which are fp64 in every strategy", id,
                         "choose a device with fp64: yes in forge device list"};
        }
        return error{errc::device_unavailable, "there is no device " + id, id, "one of: " + known};
    }
};

namespace {

opencl_device_info describe(cl_device_id device, std::string id, const std::string& platform) {
    opencl_device_info d;
    d.id = std::move(id);
    d.platform = platform;
    d.name = device_text(device, CL_DEVICE_NAME);
    d.driver = device_text(device, CL_DRIVER_VERSION);
    d.is_cpu = (device_value<cl_device_type>(device, CL_DEVICE_TYPE) & CL_DEVICE_TYPE_CPU) != 0;
    d.compute_units = device_value<cl_uint>(device, CL_DEVICE_MAX_COMPUTE_UNITS);
    d.memory_bytes = device_value<cl_ulong>(device, CL_DEVICE_GLOBAL_MEM_SIZE);
    d.largest_buffer_bytes = device_value<cl_ulong>(device, CL_DEVICE_MAX_MEM_ALLOC_SIZE);
    d.native_width = std::max<cl_uint>(1, device_value<cl_uint>(device, CL_DEVICE_NATIVE_VECTOR_WIDTH_DOUBLE));
    const auto config = device_value<cl_device_fp_config>(device, CL_DEVICE_DOUBLE_FP_CONFIG);
    d.fp64 = config != 0 && device_text(device, CL_DEVICE_EXTENSIONS).find("cl_khr_fp64") != std::string::npos;
    d.denormals = (config & CL_FP_DENORM) != 0;
    return d;
}

std::vector<cl_platform_id> platforms() {
    cl_uint n = 0;
    if (clGetPlatformIDs(0, nullptr, &n) != CL_SUCCESS || n == 0)
        return {};
    std::vector<cl_platform_id> ids(n);
    check(clGetPlatformIDs(n, ids.data(), nullptr), "clGetPlatformIDs");
    return ids;
}

std::string platform_name(cl_platform_id platform) {
    char text[256] = {};
    clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof text - 1, text, nullptr);
    return text;
}

result<std::vector<device_handle>> split(cl_device_id device, std::uint32_t parts, const opencl_device_info& parent) {
    if (parent.compute_units < parts)
        return error{errc::device_unavailable,
                     fmt::format("device {} has {} compute units and cannot be split into {}", parent.id, parent.compute_units, parts),
                     "devices.split_cpu", fmt::format("split_cpu = {} or less", parent.compute_units)};
    const cl_device_partition_property how[] = {CL_DEVICE_PARTITION_EQUALLY,
                                                static_cast<cl_device_partition_property>(parent.compute_units / parts), 0};
    std::vector<cl_device_id> ids(parent.compute_units);
    cl_uint n = 0;
    const cl_int status = clCreateSubDevices(device, how, parent.compute_units, ids.data(), &n);
    if (status != CL_SUCCESS)
        return error{errc::device_unavailable, fmt::format("clCreateSubDevices on {}: {}", parent.id, status_name(status)),
                     "devices.split_cpu", "split_cpu = 0 (this driver offers whole devices only)"};
    std::vector<device_handle> handles;
    for (cl_uint i = 0; i < n; ++i)
        handles.emplace_back(ids[i]);
    handles.resize(std::min<std::size_t>(handles.size(), parts));
    return handles;
}

} // namespace

opencl_system::opencl_system(std::unique_ptr<inner> i) : inner_(std::move(i)) {}
opencl_system::opencl_system(opencl_system&&) noexcept = default;
opencl_system& opencl_system::operator=(opencl_system&&) noexcept = default;
opencl_system::~opencl_system() = default;

const std::vector<opencl_device_info>& opencl_system::devices() const { return inner_->infos; }

result<opencl_system> opencl_system::discover(std::uint32_t split_cpu) {
    auto found = std::make_unique<inner>();
    int index = 0;
    try {
        for (cl_platform_id platform : platforms()) {
            cl_uint n = 0;
            if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, nullptr, &n) != CL_SUCCESS || n == 0)
                continue;
            std::vector<cl_device_id> ids(n);
            check(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, n, ids.data(), nullptr), "clGetDeviceIDs");
            for (cl_device_id id : ids) {
                const auto name = platform_name(platform);
                auto whole = describe(id, fmt::format("opencl:{}", index++), name);
                if (split_cpu < 2 || !whole.is_cpu) {
                    found->infos.push_back(std::move(whole));
                    found->devices.emplace_back(id); // releasing a root device is a no-op
                    continue;
                }
                auto parts = split(id, split_cpu, whole);
                if (!parts)
                    return parts.reason();
                for (std::size_t k = 0; k < parts->size(); ++k) {
                    found->infos.push_back(describe((*parts)[k].get(), fmt::format("{}.{}", whole.id, k), name));
                    found->devices.push_back(std::move((*parts)[k]));
                }
            }
        }
    } catch (const failure& f) {
        return f.reason();
    }
    if (found->infos.empty())
        return error{errc::device_unavailable, "no OpenCL device was found", "the OpenCL ICD loader",
                     "install a driver: pocl-opencl-icd for CPUs, or your GPU vendor's; check with clinfo"};
    return opencl_system(std::move(found));
}

result<std::unique_ptr<lattice_engine>> opencl_system::make_engine(const std::string& id, const opencl_options& options) const {
    const auto index = inner_->find(id);
    if (!index)
        return index.reason();
    try {
        return std::unique_ptr<lattice_engine>(
            std::make_unique<opencl_engine>(inner_->devices[*index].get(), inner_->infos[*index], options));
    } catch (const failure& f) {
        return f.reason();
    }
}

result<device_limits> opencl_system::measure_limits(const std::string& id, int repeats) const {
    const auto index = inner_->find(id);
    if (!index)
        return index.reason();
    try {
        return limits_of(inner_->devices[*index].get(), inner_->infos[*index], repeats);
    } catch (const failure& f) {
        return f.reason();
    }
}

result<std::vector<tuned_kernel>> opencl_system::tune(const std::string& id, const opencl_options& options, const extents& l, int repeats) const {
    const auto index = inner_->find(id);
    if (!index)
        return index.reason();
    const auto device = inner_->devices[*index].get();
    const auto& info = inner_->infos[*index];
    // The default first: ties stay with it.
    const std::vector<std::uint32_t> sizes = info.is_cpu ? std::vector<std::uint32_t>{4, 1, 2, 8, 16, 32} : std::vector<std::uint32_t>{64, 32, 128, 256};
    try {
        auto rows = opencl::tune([&](const opencl_options& o) { return std::make_unique<opencl_engine>(device, info, o); }, options, l, sizes, repeats);
        if (options.cache_dir.empty())
            return rows;
        local_sizes chosen;
        for (const auto& r : rows)
            chosen[r.kernel] = r.chosen;
        opencl_engine engine(device, info, options);
        if (auto kept = write_local_sizes(engine.tuning_file(l), chosen); !kept)
            return kept.reason();
        return rows;
    } catch (const failure& f) {
        return f.reason();
    }
}

bool opencl_system::is_tuned(const std::string& id, const opencl_options& options, const extents& l) const {
    const auto index = inner_->find(id);
    if (!index || options.cache_dir.empty())
        return false;
    try {
        opencl_engine engine(inner_->devices[*index].get(), inner_->infos[*index], options);
        return !read_local_sizes(engine.tuning_file(l)).empty();
    } catch (const failure&) { // a device that cannot be used says so where it is used
        return false;
    }
}

std::filesystem::path default_cache_dir() {
    const auto variable = [](const char* name) -> std::filesystem::path {
        const char* value = std::getenv(name);
        return value != nullptr ? value : "";
    };
    if (const auto own = variable("FORGE_CACHE_DIR"); !own.empty())
        return own;
    if (const auto xdg = variable("XDG_CACHE_HOME"); !xdg.empty())
        return xdg / "metalforge";
    if (const auto home = variable("HOME"); !home.empty())
        return home / ".cache" / "metalforge";
    return {};
}

} // namespace forge
