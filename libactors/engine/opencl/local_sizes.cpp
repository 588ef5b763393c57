// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/opencl/local_sizes.hpp"

#include "libactors/base/hash.hpp"

#include <fmt/format.h>

#include <fstream>
#include <random>
#include <sstream>

#include <unistd.h>

namespace forge::opencl {

namespace {

constexpr std::string_view version_line = "forge-local-sizes-1\n";
constexpr std::size_t largest_file = 64 << 10; // a table is a few hundred bytes
constexpr std::size_t largest_size = 4096;     // beyond any device's group

} // namespace

std::filesystem::path local_sizes_file(const std::filesystem::path& cache_dir, cl_device_id device, const std::string& kernel_hash,
                                       const extents& l) {
    if (cache_dir.empty())
        return {};
    cl_uint units = 0;
    clGetDeviceInfo(device, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, nullptr);
    const auto key = sha256_of(fmt::format("{}\n{}\n{}\n{}\n{}\n{}", kernel_hash, device_text(device, CL_DEVICE_NAME), device_text(device, CL_DEVICE_VERSION),
                                           device_text(device, CL_DRIVER_VERSION), units, to_text(l)));
    return cache_dir / "tuning" / (to_hex(key).substr(0, 32) + ".txt");
}

local_sizes read_local_sizes(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::string text(largest_file, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    constexpr std::size_t seal = 65; // 64 hex digits and the end of the line
    if (text.size() < version_line.size() + seal || !text.starts_with(version_line))
        return {};
    const std::string body = text.substr(0, text.size() - seal);
    if (text.substr(body.size(), seal - 1) != to_hex(sha256_of(body)))
        return {};
    local_sizes sizes;
    std::istringstream lines(body.substr(version_line.size()));
    std::string kernel;
    std::size_t size = 0;
    while (lines >> kernel >> size)
        if (size >= 1 && size <= largest_size)
            sizes[kernel] = size;
    return sizes;
}

result<void> write_local_sizes(const std::filesystem::path& file, const local_sizes& sizes) {
    std::string body(version_line);
    for (const auto& [kernel, size] : sizes)
        body += fmt::format("{} {}\n", kernel, size);
    std::error_code status;
    std::filesystem::create_directories(file.parent_path(), status);
    const auto temporary = file.string() + fmt::format(".{}.{}", ::getpid(), std::random_device{}());
    std::ofstream out(temporary, std::ios::binary);
    out << body << to_hex(sha256_of(body)) << '\n';
    out.close();
    if (out)
        std::filesystem::rename(temporary, file, status);
    if (!out || status) {
        std::error_code ignored;
        std::filesystem::remove(temporary, ignored);
        return error{errc::io_failed, "cannot keep the measured group sizes", file.string(), "is the cache folder (FORGE_CACHE_DIR) writable?"};
    }
    return {};
}

} // namespace forge::opencl
