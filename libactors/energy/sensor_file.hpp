// SPDX-License-Identifier: AGPL-3.0-only
// The small text files in which the kernel says numbers.
#pragma once

#include "libactors/base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace forge::energy {

/// Contents of a sensor file without the newline, at most 64 bytes. @return not_found, permission_denied or io_failed with the path.
[[nodiscard]] result<std::string> read_sensor(const std::filesystem::path& path);
/// An unsigned number and nothing else. @return as read_sensor(), and malformed.
[[nodiscard]] result<std::uint64_t> read_count(const std::filesystem::path& path);
/// Entries of a folder in the order of their names; empty when it is not there or cannot be read.
[[nodiscard]] std::vector<std::filesystem::path> entries(const std::filesystem::path& folder);

} // namespace forge::energy
