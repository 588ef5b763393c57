// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/secure_file.hpp"

#include "libactors/base/failpoint.hpp"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <random>
#include <sys/stat.h>
#include <unistd.h>

namespace forge {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t file_bytes_max = 1u << 20;

error failed(std::string_view doing, const fs::path& path, int cause) {
    errc code = errc::io_failed;
    std::string hint = "look at the kernel log for disk errors";
    if (cause == ENOSPC || cause == EDQUOT || cause == EFBIG) {
        code = errc::no_space;
        hint = "free space on this file system, then repeat the command";
    } else if (cause == EACCES || cause == EPERM || cause == EROFS || cause == ELOOP) {
        code = errc::permission_denied;
        hint = "check owner and mode of the folder and that it is not mounted read-only";
    } else if (cause == ENOENT || cause == ENOTDIR) {
        code = errc::not_found;
        hint = "check the path";
    }
    return {code, fmt::format("{} failed: {}", doing, std::strerror(cause)), path.string(), hint};
}

class descriptor {
public:
    explicit descriptor(int fd) : fd_(fd) {}
    ~descriptor() {
        if (fd_ >= 0)
            ::close(fd_);
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

result<void> write_all(int fd, std::string_view text, const fs::path& path) {
    while (!text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return failed("write", path, n == 0 ? EIO : errno);
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return ::fsync(fd) == 0 ? result<void>() : failed("fsync", path, errno);
}

result<void> sync_folder(const fs::path& folder) {
    const descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0 || ::fsync(fd.get()) != 0)
        return failed("fsync of the folder", folder, errno);
    return {};
}

} // namespace

result<void> write_file_atomically(const fs::path& file, std::string_view text, file_privacy privacy) {
    const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
    std::error_code ec;
    if (fs::create_directories(folder, ec) && !ec)
        fs::permissions(folder, fs::perms::owner_all, ec);
    if (ec)
        return failed("creating the folder", folder, ec.value());
    FORGE_FAILPOINT_RETURN("identity.before_open");
    std::random_device entropy;
    const auto number = (std::uint64_t{entropy()} << 32) | entropy();
    const fs::path temporary = folder / fmt::format(".{}.tmp.{:016x}", file.filename().string(), number);
    const mode_t mode = privacy == file_privacy::secret ? 0600 : 0644;
    result<void> step;
    {
        const descriptor fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
        if (fd.get() < 0)
            return failed("creating a temporary file", temporary, errno);
        if (::fchmod(fd.get(), mode) != 0) // the umask may have taken bits away from an open file
            step = failed("chmod", temporary, errno);
        FORGE_FAILPOINT("identity.before_write");
        if (step)
            step = write_all(fd.get(), text, temporary);
    }
    FORGE_FAILPOINT("identity.before_rename");
    if (step && std::rename(temporary.c_str(), file.c_str()) != 0)
        step = failed("rename", file, errno);
    if (!step) {
        ::unlink(temporary.c_str());
        return step;
    }
    FORGE_FAILPOINT_RETURN("identity.after_rename");
    return sync_folder(folder);
}

result<std::string> read_small_file(const fs::path& file, file_privacy privacy) {
    const descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (fd.get() < 0)
        return failed("opening the file", file, errno);
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0)
        return failed("reading the file's mode", file, errno);
    if (!S_ISREG(info.st_mode))
        return error{errc::malformed, "not a regular file", file.string(), "put the real file there"};
    if (privacy == file_privacy::secret) {
        // Judged on the open descriptor: what was checked is what is read.
        if ((info.st_mode & 077) != 0)
            return error{errc::permission_denied,
                         fmt::format("others may read this secret file (mode {:04o})", info.st_mode & 07777),
                         file.string(),
                         fmt::format("chmod 600 '{}'; when others could read it for long, make a new identity",
                                     file.string())};
        if (info.st_uid != ::geteuid() && info.st_uid != 0)
            return error{errc::permission_denied,
                         fmt::format("this secret file belongs to another user (uid {})", info.st_uid), file.string(),
                         "run as its owner, or make an identity of your own"};
    }
    std::string text;
    char buffer[4096];
    for (;;) {
        const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed("read", file, errno);
        if (n == 0)
            return text;
        text.append(buffer, static_cast<std::size_t>(n));
        if (text.size() > file_bytes_max)
            return error{errc::malformed, "longer than 1 MiB, so not one of our files", file.string(), "check the path"};
    }
}

} // namespace forge
