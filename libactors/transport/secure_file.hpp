// SPDX-License-Identifier: AGPL-3.0-only
// Small files that must be whole after a power cut, and private ones that nobody else may read.
#pragma once

#include "libactors/base/result.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace forge {

enum class file_privacy {
    open,    ///< 0644: certificates, lists
    secret,  ///< 0600: keys and invites
};

/// Replaces `file` atomically: temporary file in the same folder with the final mode from its first byte, write,
/// fsync, rename, fsync of the folder. A missing folder is created with mode 0700.
/// @return errc::io_failed, errc::no_space or errc::permission_denied naming the file; what it held is then untouched.
[[nodiscard]] result<void> write_file_atomically(const std::filesystem::path& file, std::string_view text,
                                                 file_privacy privacy);

/// Reads a regular file of at most 1 MiB (everything kept here is far smaller).
/// With `secret` the file must belong to this user (or root) and be closed to group and others.
/// @return errc::not_found, errc::permission_denied with the command that mends it, errc::malformed (too long, not a
///         regular file) or errc::io_failed.
[[nodiscard]] result<std::string> read_small_file(const std::filesystem::path& file, file_privacy privacy);

} // namespace forge
