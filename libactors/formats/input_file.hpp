// SPDX-License-Identifier: AGPL-3.0-only
// A file that is read at given offsets and never trusted about its size.
#pragma once

#include "libactors/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace forge::formats {

/// The error that belongs to `errno` after a failed call on `path`; `doing` is e.g. "open".
[[nodiscard]] error os_error(int code, const std::string& doing, const std::filesystem::path& path);

/// A regular file, open for reading. Movable, one owner.
class input_file {
public:
    /// @return not_found, permission_denied, io_failed; unsupported for folders, pipes and devices.
    [[nodiscard]] static result<input_file> open(const std::filesystem::path& path);
    ~input_file();
    input_file(input_file&& other) noexcept;
    input_file& operator=(input_file&&) = delete;

    [[nodiscard]] std::uint64_t size() const { return size_; }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    /// Fills `into` from `offset`; malformed when the file ends before.
    [[nodiscard]] result<void> read(std::uint64_t offset, std::span<std::byte> into) const;
    /// `length` bytes as text; the caller has bounded `length`.
    [[nodiscard]] result<std::string> read_text(std::uint64_t offset, std::size_t length) const;

    /// A refusal that names this file, a record and a byte offset.
    [[nodiscard]] error refusal(errc code, std::string what, const std::string& record, std::uint64_t byte,
                                std::string hint = {}) const;

private:
    input_file(int fd, std::uint64_t size, std::filesystem::path path) : fd_(fd), size_(size), path_(std::move(path)) {}
    int fd_ = -1;
    std::uint64_t size_ = 0;
    std::filesystem::path path_;
};

} // namespace forge::formats
