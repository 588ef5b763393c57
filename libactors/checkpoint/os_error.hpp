// SPDX-License-Identifier: AGPL-3.0-only
// From errno to our words. Private to libactors/checkpoint.
#pragma once

#include "libactors/base/error.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <string_view>

namespace forge {

/// @param doing  what failed, e.g. "fsync".  @param cause  errno.
inline error os_error(std::string_view doing, const std::filesystem::path& path, int cause) {
    errc code = errc::io_failed;
    std::string_view hint = "look at the kernel log for disk errors";
    switch (cause) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        code = errc::no_space;
        hint = "free space on this file system (or raise the quota or file-size limit), then retry";
        break;
    case EACCES:
    case EPERM:
    case EROFS:
        code = errc::permission_denied;
        hint = "check owner and mode of the folder, and that it is not mounted read-only";
        break;
    case ENOENT:
    case ENOTDIR:
        code = errc::not_found;
        hint = "";
        break;
    default:
        break;
    }
    return {code, fmt::format("{} failed: {} (errno {})", doing, std::strerror(cause), cause), path.string(),
            std::string(hint)};
}

} // namespace forge
