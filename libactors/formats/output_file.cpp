// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/formats/output_file.hpp"

#include "libactors/formats/header_text.hpp"
#include "libactors/formats/input_file.hpp"

#include <cerrno>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace forge::formats {

namespace {

std::filesystem::path folder_of(const std::filesystem::path& path) {
    return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

result<void> sync_folder(const std::filesystem::path& folder) {
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return os_error(errno, "open the folder", folder);
    const int status = ::fsync(fd);
    const int code = errno;
    ::close(fd);
    if (status != 0)
        return os_error(code, "fsync the folder", folder);
    return {};
}

/// Renames without replacing; file systems that cannot do it in one step get a hard link, which also never replaces.
int rename_to_new_name(const char* from, const char* to) {
    if (::renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (::link(from, to) != 0)
        return -1;
    return ::unlink(from);
}

} // namespace

result<output_file> output_file::create_beside(const std::filesystem::path& destination) {
    constexpr int attempts = 100; // names left behind by a killed process with our id
    const auto folder = folder_of(destination);
    for (int i = 0; i < attempts; ++i) {
        const auto temporary = folder / fmt::format(".forge-part-{}-{}", ::getpid(), i);
        const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0)
            return output_file(fd, temporary, destination);
        if (errno != EEXIST)
            return os_error(errno, "create a file in the folder", folder);
    }
    return error{errc::io_failed, "too many temporary files are left in the folder", shown_path(folder.string()),
                 "remove the files named .forge-part-*"};
}

output_file::~output_file() {
    if (fd_ >= 0)
        ::close(fd_);
    if (!temporary_.empty())
        ::unlink(temporary_.c_str());
}

output_file::output_file(output_file&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), temporary_(std::exchange(other.temporary_, {})),
      destination_(std::move(other.destination_)) {}

result<void> output_file::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return os_error(errno, "write the file", destination_);
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return {};
}

result<void> output_file::seal() {
    if (::fsync(fd_) != 0)
        return os_error(errno, "fsync the file", destination_);
    if (::close(std::exchange(fd_, -1)) != 0)
        return os_error(errno, "close the file", destination_);
    return {};
}

result<void> output_file::publish(bool overwrite) {
    const int status = overwrite ? std::rename(temporary_.c_str(), destination_.c_str())
                                 : rename_to_new_name(temporary_.c_str(), destination_.c_str());
    if (status != 0) {
        auto e = os_error(errno, "give the file its name", destination_);
        if (e.code == errc::already_exists)
            e.hint = "choose another name, or overwrite on purpose";
        return e;
    }
    temporary_.clear();
    return sync_folder(folder_of(destination_));
}

} // namespace forge::formats
