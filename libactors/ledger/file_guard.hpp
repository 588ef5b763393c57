// SPDX-License-Identifier: AGPL-3.0-only
// Two guards of the run directory: one writer, and a disk that keeps its promises.
#pragma once

#include "libactors/base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace forge {

/// An exclusive flock on a file that stays in place; dies with its process, so there are no stale locks.
class writer_lock {
public:
    /// @return errc::locked with the owner's pid, or the reason why the file cannot be made.
    [[nodiscard]] static result<writer_lock> take(const std::filesystem::path& file);

    writer_lock(writer_lock&& other) noexcept;
    writer_lock& operator=(writer_lock&& other) noexcept;
    ~writer_lock();

private:
    explicit writer_lock(int fd) : fd_(fd) {}
    int fd_ = -1;
};

/// @param magic  `f_type` of statfs(2).
/// @return the name of a file system whose locks or shared memory do not reach across machines as SQLite needs
///         them ("NFS", "SMB", "FUSE" ...); empty for a local one.
[[nodiscard]] std::string_view network_file_system(std::uint64_t magic);

/// Refuses a folder on a network file system. @return errc::unsupported with advice; errc::not_found.
[[nodiscard]] result<void> require_local_disk(const std::filesystem::path& folder);

} // namespace forge
