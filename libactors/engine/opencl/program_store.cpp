// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/opencl/program_store.hpp"

#include "kernels_cl/embedded.hpp"
#include "libactors/base/hash.hpp"

#include <fmt/format.h>

#include <cstring>
#include <fstream>
#include <random>
#include <vector>

#include <unistd.h>

namespace forge::opencl {

namespace {

constexpr char cache_magic[] = "forge-program-2\n"; // header: magic, SHA-256 of the binary, binary

void compile(cl_program program, cl_device_id device, const std::string& options) {
    const cl_int status = clBuildProgram(program, 1, &device, options.c_str(), nullptr, nullptr);
    if (status == CL_SUCCESS)
        return;
    std::size_t size = 0;
    clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, 0, nullptr, &size);
    std::string log(size, '\0');
    clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, size, log.data(), nullptr);
    throw failure(error{errc::device_failed,
                        fmt::format("clBuildProgram: {} on {}\n{}", status_name(status), device_text(device, CL_DEVICE_NAME), log),
                        "kernels_cl", "report this log with the output of forge device list"});
}

std::vector<unsigned char> read_cache(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
    constexpr std::size_t header = sizeof cache_magic - 1 + 32;
    if (bytes.size() <= header || std::memcmp(bytes.data(), cache_magic, sizeof cache_magic - 1) != 0)
        return {};
    const std::span<const char> body = std::span<const char>(bytes).subspan(header);
    const digest d = sha256_of(std::as_bytes(body));
    if (std::memcmp(d.data(), bytes.data() + sizeof cache_magic - 1, d.size()) != 0)
        return {};
    return {body.begin(), body.end()};
}

} // namespace

namespace {

std::string joined(std::initializer_list<std::string_view> order) {
    std::string all;
    for (const auto wanted : order)
        for (const auto& k : embedded_kernels())
            if (k.name == wanted)
                all.append(k.text);
    return all;
}

} // namespace

std::string kernel_source() { // definitions before their users
    return joined({"prelude.clh", "su3.clh", "noise.clh", "df64.clh", "gauge_force.cl", "link_update.cl", "momenta.cl",
                   "observables.cl", "df64_kernels.cl", "transfer.cl"});
}

std::string limits_source() { return joined({"prelude.clh", "limits.cl"}); }

stored_program build_program(cl_context context, cl_device_id device, const std::string& source, const std::string& options,
                             const std::filesystem::path& cache_dir) {
    stored_program p;
    p.kernel_hash = to_hex(sha256_of(source + '\0' + options)).substr(0, 16);
    if (!cache_dir.empty()) {
        const auto key = sha256_of(fmt::format("{}\n{}\n{}\n{}", p.kernel_hash, device_text(device, CL_DEVICE_NAME),
                                               device_text(device, CL_DEVICE_VERSION), device_text(device, CL_DRIVER_VERSION)));
        p.cache_file = cache_dir / "programs" / (to_hex(key).substr(0, 32) + ".bin");
        if (const auto binary = read_cache(p.cache_file); !binary.empty()) {
            const unsigned char* data = binary.data();
            const std::size_t size = binary.size();
            cl_int loaded = CL_SUCCESS;
            cl_int status = CL_SUCCESS;
            program_handle cached(clCreateProgramWithBinary(context, 1, &device, &size, &data, &loaded, &status));
            if (status == CL_SUCCESS && loaded == CL_SUCCESS &&
                clBuildProgram(cached.get(), 1, &device, options.c_str(), nullptr, nullptr) == CL_SUCCESS) {
                p.program = std::move(cached);
                p.from_cache = true;
                return p;
            }
        }
    }
    const char* text = source.c_str();
    const std::size_t length = source.size();
    cl_int status = CL_SUCCESS;
    p.program = program_handle(clCreateProgramWithSource(context, 1, &text, &length, &status));
    check(status, "clCreateProgramWithSource");
    compile(p.program.get(), device, options);
    return p;
}

void save_binary(const stored_program& p) noexcept {
    if (p.cache_file.empty() || p.from_cache || !p.program)
        return;
    try {
        std::size_t size = 0;
        if (clGetProgramInfo(p.program.get(), CL_PROGRAM_BINARY_SIZES, sizeof size, &size, nullptr) != CL_SUCCESS || size == 0)
            return;
        std::vector<unsigned char> binary(size);
        unsigned char* data = binary.data();
        if (clGetProgramInfo(p.program.get(), CL_PROGRAM_BINARIES, sizeof data, &data, nullptr) != CL_SUCCESS)
            return;
        std::filesystem::create_directories(p.cache_file.parent_path());
        const auto temporary = p.cache_file.string() + fmt::format(".{}.{}", ::getpid(), std::random_device{}());
        {
            std::ofstream out(temporary, std::ios::binary);
            const digest d = sha256_of(std::as_bytes(std::span(binary)));
            out.write(cache_magic, sizeof cache_magic - 1);
            out.write(reinterpret_cast<const char*>(d.data()), static_cast<std::streamsize>(d.size()));
            out.write(reinterpret_cast<const char*>(binary.data()), static_cast<std::streamsize>(binary.size()));
            if (!out.flush()) {
                std::filesystem::remove(temporary);
                return;
            }
        }
        std::filesystem::rename(temporary, p.cache_file);
    } catch (...) { // NOLINT(bugprone-empty-catch): a cache that cannot be written costs time, nothing else
    }
}

} // namespace forge::opencl
