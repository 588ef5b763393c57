// SPDX-License-Identifier: AGPL-3.0-only
// A file's bytes in memory, read-only, without copying.
#pragma once

#include "libactors/base/result.hpp"

#include <cstddef>
#include <filesystem>
#include <span>

namespace forge {

/// A read-only mapping; movable, unmapped by the destructor. The bytes start on a page boundary.
/// The mapping follows the file: whoever truncates it in place takes the bytes away. checkpoint_store never does.
class mapped_file {
public:
    /// @return errc::not_found, errc::permission_denied or errc::io_failed, naming path and cause.
    [[nodiscard]] static result<mapped_file> open(const std::filesystem::path& path);

    mapped_file(mapped_file&& other) noexcept;
    mapped_file& operator=(mapped_file&& other) noexcept;
    mapped_file(const mapped_file&) = delete;
    mapped_file& operator=(const mapped_file&) = delete;
    ~mapped_file();

    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

private:
    explicit mapped_file(std::span<const std::byte> bytes) : bytes_(bytes) {}
    std::span<const std::byte> bytes_;
};

} // namespace forge
