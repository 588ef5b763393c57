// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/ledger/file_guard.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <string>
#include <sys/file.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <utility>

namespace forge {

namespace {

std::string owner_written_in(int fd) {
    char text[64] = {};
    const ssize_t n = ::pread(fd, text, sizeof text - 1, 0);
    std::string owner(text, n > 0 ? static_cast<std::size_t>(n) : 0);
    return owner.substr(0, owner.find('\n'));
}

} // namespace

result<writer_lock> writer_lock::take(const std::filesystem::path& file) {
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return error{errno == EACCES || errno == EPERM || errno == EROFS ? errc::permission_denied : errc::io_failed,
                     fmt::format("cannot open the lock file: {}", std::strerror(errno)), file.string(),
                     "check the owner and mode of the run directory"};
    writer_lock lock(fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return error{errc::io_failed, fmt::format("cannot lock: {}", std::strerror(errno)), file.string(), ""};
        const std::string owner = owner_written_in(fd);
        return error{errc::locked,
                     fmt::format("another process writes this ledger{}", owner.empty() ? "" : " (pid " + owner + ")"),
                     file.string(), "watch it with `forge status`, or stop that process first"};
    }
    // The pid is for people only, so a failure to write it (disk full) does not matter.
    const std::string owner = fmt::format("{}\n", ::getpid());
    if (::ftruncate(fd, 0) == 0 && ::pwrite(fd, owner.data(), owner.size(), 0) < 0)
        errno = 0;
    return lock;
}

writer_lock::writer_lock(writer_lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

writer_lock& writer_lock::operator=(writer_lock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

writer_lock::~writer_lock() {
    if (fd_ >= 0)
        ::close(fd_);
}

std::string_view network_file_system(std::uint64_t magic) {
    switch (magic) {
    case 0x6969:
        return "NFS";
    case 0x517b:
    case 0xff534d42:
    case 0xfe534d42:
        return "SMB";
    case 0x65735546:
        return "FUSE"; // sshfs and friends; a local FUSE cannot be told apart, and is rare for runs
    case 0x01021997:
        return "9P";
    case 0x00c36400:
        return "Ceph";
    case 0x0bd00bd0:
        return "Lustre";
    case 0x47504653:
        return "GPFS";
    case 0x19830326:
        return "BeeGFS";
    case 0x5346414f:
    case 0x6b414653:
        return "AFS";
    case 0x73757245:
        return "Coda";
    case 0x7461636f:
        return "OCFS2";
    case 0x01161970:
        return "GFS2";
    default:
        return "";
    }
}

result<void> require_local_disk(const std::filesystem::path& folder) {
    struct statfs info {};
    if (::statfs(folder.c_str(), &info) != 0)
        return error{errno == ENOENT || errno == ENOTDIR ? errc::not_found : errc::io_failed,
                     fmt::format("the run directory cannot be used: {}", std::strerror(errno)), folder.string(),
                     "create the directory first"};
    const auto name = network_file_system(static_cast<std::uint64_t>(info.f_type) & 0xffffffffu);
    if (!name.empty())
        return error{errc::unsupported,
                     fmt::format("the ledger would lie on a network file system ({}), where SQLite's write-ahead log "
                                 "is not safe",
                                 name),
                     folder.string(), "put the run directory on a local disk of the coordinator (--run DIR)"};
    return {};
}

} // namespace forge
