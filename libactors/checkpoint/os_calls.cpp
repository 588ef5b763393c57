// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/checkpoint/os_calls.hpp"

#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

namespace forge {

namespace {

class posix_calls final : public os_calls {
public:
    int open(const char* path, int flags, mode_t mode) const override { return ::open(path, flags, mode); }
    ssize_t write(int fd, const void* data, std::size_t n) const override { return ::write(fd, data, n); }
    int fsync(int fd) const override { return ::fsync(fd); }
    int rename(const char* from, const char* to) const override { return std::rename(from, to); }
    int unlink(const char* path) const override { return ::unlink(path); }
};

} // namespace

const os_calls& os_calls::real() {
    static const posix_calls calls;
    return calls;
}

} // namespace forge
