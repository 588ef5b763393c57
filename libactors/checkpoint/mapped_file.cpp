// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/checkpoint/mapped_file.hpp"

#include "libactors/checkpoint/os_error.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace forge {

result<mapped_file> mapped_file::open(const std::filesystem::path& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return os_error("open", path, errno);
    struct stat info {};
    if (::fstat(fd, &info) != 0) {
        const int cause = errno;
        ::close(fd);
        return os_error("fstat", path, cause);
    }
    if (!S_ISREG(info.st_mode)) {
        ::close(fd);
        return error{errc::malformed, "not a regular file", path.string(), ""};
    }
    const auto length = static_cast<std::size_t>(info.st_size);
    if (length == 0) { // mmap refuses empty mappings
        ::close(fd);
        return mapped_file(std::span<const std::byte>());
    }
    void* start = ::mmap(nullptr, length, PROT_READ, MAP_SHARED, fd, 0);
    const int cause = errno;
    ::close(fd);
    if (start == MAP_FAILED)
        return os_error("mmap", path, cause);
    ::madvise(start, length, MADV_SEQUENTIAL); // a hint: its failure does not matter
    return mapped_file({static_cast<const std::byte*>(start), length});
}

mapped_file::mapped_file(mapped_file&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

mapped_file& mapped_file::operator=(mapped_file&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
}

mapped_file::~mapped_file() {
    if (!bytes_.empty())
        ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

} // namespace forge
