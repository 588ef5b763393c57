// SPDX-License-Identifier: AGPL-3.0-only
// The system calls that durability rests on, so that a test can make the n-th of them fail.
#pragma once

#include <cstddef>
#include <sys/types.h>

namespace forge {

/// Same meaning as the POSIX calls, errno included. Implementations outlive the stores that use them.
class os_calls {
public:
    virtual ~os_calls() = default;
    virtual int open(const char* path, int flags, mode_t mode) const = 0;
    virtual ssize_t write(int fd, const void* data, std::size_t n) const = 0;
    virtual int fsync(int fd) const = 0;
    virtual int rename(const char* from, const char* to) const = 0;
    virtual int unlink(const char* path) const = 0;

    /// The operating system itself.
    [[nodiscard]] static const os_calls& real();
};

} // namespace forge
