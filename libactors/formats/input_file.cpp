// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/formats/input_file.hpp"

#include "libactors/formats/header_text.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace forge::formats {

error os_error(int code, const std::string& doing, const std::filesystem::path& path) {
    error e;
    e.what = "cannot " + doing + ": " + std::generic_category().message(code);
    e.where = shown_path(path.string());
    switch (code) {
    case ENOENT:
    case ENOTDIR:
        e.code = errc::not_found;
        e.hint = "check the path";
        break;
    case EACCES:
    case EPERM:
    case EROFS:
        e.code = errc::permission_denied;
        e.hint = "check the permissions of the file and its folder";
        break;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        e.code = errc::no_space;
        e.hint = "make room or choose another folder";
        break;
    case EEXIST:
        e.code = errc::already_exists;
        break;
    default:
        e.code = errc::io_failed;
    }
    return e;
}

result<input_file> input_file::open(const std::filesystem::path& path) {
    // Non-blocking, so that a pipe nobody writes to is refused instead of waited for.
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return os_error(errno, "open the file", path);
    input_file file(fd, 0, path);
    struct stat about {};
    if (::fstat(fd, &about) != 0)
        return os_error(errno, "stat the file", path);
    if (!S_ISREG(about.st_mode))
        return error{errc::unsupported, "not a regular file", shown_path(path.string()), "name a file"};
    file.size_ = static_cast<std::uint64_t>(about.st_size);
    return file;
}

input_file::~input_file() {
    if (fd_ >= 0)
        ::close(fd_);
}

input_file::input_file(input_file&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), size_(other.size_), path_(std::move(other.path_)) {}

result<void> input_file::read(std::uint64_t offset, std::span<std::byte> into) const {
    if (offset > size_ || into.size() > size_ - offset)
        return refusal(errc::malformed, "the file ends too early", "", offset, "copy the file again");
    std::size_t done = 0;
    while (done < into.size()) {
        const ssize_t n = ::pread(fd_, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return os_error(errno, "read the file", path_);
        if (n == 0)
            return refusal(errc::malformed, "the file became shorter while it was read", "", offset + done);
        done += static_cast<std::size_t>(n);
    }
    return {};
}

result<std::string> input_file::read_text(std::uint64_t offset, std::size_t length) const {
    std::string text(length, '\0');
    if (auto done = read(offset, std::as_writable_bytes(std::span(text))); !done)
        return done.reason();
    return text;
}

error input_file::refusal(errc code, std::string what, const std::string& record, std::uint64_t byte,
                          std::string hint) const {
    std::string where = shown_path(path_.string());
    if (!record.empty())
        where += ", " + record;
    where += ", byte " + std::to_string(byte);
    return {code, std::move(what), std::move(where), std::move(hint)};
}

} // namespace forge::formats
