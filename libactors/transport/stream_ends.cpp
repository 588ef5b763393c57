// SPDX-License-Identifier: AGPL-3.0-only
// Sources and sinks of data streams: files and memory.
#include "libactors/transport/data_stream.hpp"

#include "libactors/base/failpoint.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace forge {

namespace {

error failed(const char* doing, const std::string& path, int cause) {
    const bool full = cause == ENOSPC || cause == EDQUOT || cause == EFBIG;
    const bool forbidden = cause == EACCES || cause == EPERM || cause == EROFS;
    return {full        ? errc::no_space
            : forbidden ? errc::permission_denied
            : cause == ENOENT ? errc::not_found
                              : errc::io_failed,
            fmt::format("{} failed: {}", doing, std::strerror(cause)), path,
            full ? "free space on this file system, then resume" : "check the path and the disk"};
}

/// Shared by the copies of the function that holds it.
struct open_file {
    int fd;
    std::string path;
    open_file(int f, std::string p) : fd(f), path(std::move(p)) {}
    ~open_file() { ::close(fd); }
    open_file(const open_file&) = delete;
    open_file& operator=(const open_file&) = delete;
};

} // namespace

result<stream_source> file_source(const std::filesystem::path& file) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return failed("opening the file", file.string(), errno);
    auto held = std::make_shared<open_file>(fd, file.string());
    struct stat info {};
    if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        return failed("reading a regular file", file.string(), errno != 0 ? errno : EINVAL);
    return stream_source{static_cast<std::uint64_t>(info.st_size), [held](std::uint64_t offset, std::span<std::byte> out) -> result<void> {
                             while (!out.empty()) {
                                 const ssize_t n = ::pread(held->fd, out.data(), out.size(), static_cast<off_t>(offset));
                                 if (n < 0 && errno == EINTR)
                                     continue;
                                 if (n <= 0)
                                     return failed("read", held->path, n == 0 ? EIO : errno); // shorter than it was
                                 offset += static_cast<std::uint64_t>(n);
                                 out = out.subspan(static_cast<std::size_t>(n));
                             }
                             return {};
                         }};
}

stream_source memory_source(std::shared_ptr<const std::vector<std::byte>> bytes) {
    const std::uint64_t length = bytes->size();
    return {length, [held = std::move(bytes)](std::uint64_t offset, std::span<std::byte> out) -> result<void> {
                std::copy_n(held->begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
                return {};
            }};
}

result<stream_sink> file_sink(const std::filesystem::path& file, std::uint64_t length_max) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0)
        return failed("creating the file", file.string(), errno);
    auto held = std::make_shared<open_file>(fd, file.string());
    return stream_sink{length_max, [held](std::uint64_t offset, std::span<const std::byte> bytes) -> result<void> {
                           FORGE_FAILPOINT_RETURN("transport.sink_write");
                           while (!bytes.empty()) {
                               const ssize_t n = ::pwrite(held->fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
                               if (n < 0 && errno == EINTR)
                                   continue;
                               if (n <= 0)
                                   return failed("write", held->path, n == 0 ? EIO : errno);
                               offset += static_cast<std::uint64_t>(n);
                               bytes = bytes.subspan(static_cast<std::size_t>(n));
                           }
                           return {};
                       }};
}

stream_sink memory_sink(std::shared_ptr<std::vector<std::byte>> bytes, std::uint64_t length_max) {
    return {length_max, [held = std::move(bytes)](std::uint64_t offset, std::span<const std::byte> part) -> result<void> {
                held->resize(static_cast<std::size_t>(offset)); // grows with what arrived, never with what was announced
                held->insert(held->end(), part.begin(), part.end());
                return {};
            }};
}

} // namespace forge
