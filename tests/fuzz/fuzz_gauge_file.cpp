// SPDX-License-Identifier: AGPL-3.0-only
// NERSC, ILDG and MILC files: the readers take a path, so the bytes lie in a file of memory.
#include "tests/fuzz/fuzz.hpp"

#include "libactors/formats/gauge_file.hpp"

#include <filesystem>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

namespace {

/// Held for the whole run; every input replaces the last.
int memory_file() {
    static const int fd = ::memfd_create("gauge", 0);
    return fd;
}

} // namespace

FORGE_FUZZ(bytes) {
    const int fd = memory_file();
    forge::require(fd >= 0 && ::ftruncate(fd, 0) == 0 &&
                   ::pwrite(fd, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
    const std::filesystem::path path = "/proc/self/fd/" + std::to_string(fd);
    const auto seen = forge::inspect_gauge_file(path);
    const auto file = forge::read_gauge_file(path);
    forge::require(file.ok() == seen.accepted());
    if (seen.refusal)
        forge::require(!seen.refusal->what.empty() && file.reason().code == seen.refusal->code);
    const auto bare = forge::read_gauge_file(path, {forge::extents{{2, 1, 1, 1}}}); // extents for a file that carries none
    forge::require(bare.ok() || !bare.reason().what.empty());
}
