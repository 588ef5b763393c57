// SPDX-License-Identifier: AGPL-3.0-only
// A new file that appears under its name only when it is complete and on the disk.
#pragma once

#include "libactors/base/result.hpp"

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace forge::formats {

/// Temporary file beside its destination; removed by the destructor unless it was published. One owner.
class output_file {
public:
    /// @return not_found (no such folder), permission_denied, no_space, io_failed.
    [[nodiscard]] static result<output_file> create_beside(const std::filesystem::path& destination);
    ~output_file();
    output_file(output_file&& other) noexcept;
    output_file& operator=(output_file&&) = delete;

    [[nodiscard]] const std::filesystem::path& temporary() const { return temporary_; }
    [[nodiscard]] result<void> write(std::span<const std::byte> bytes);
    [[nodiscard]] result<void> write(std::string_view text) { return write(std::as_bytes(std::span(text))); }

    /// fsync and close: from here on the bytes are on the disk. A failed fsync is not repeated.
    [[nodiscard]] result<void> seal();

    /// Gives the sealed file its name and makes the name durable.
    /// @param overwrite  false: already_exists when the name is taken, also by a file that came into being meanwhile.
    [[nodiscard]] result<void> publish(bool overwrite);

private:
    output_file(int fd, std::filesystem::path temporary, std::filesystem::path destination)
        : fd_(fd), temporary_(std::move(temporary)), destination_(std::move(destination)) {}
    int fd_ = -1;
    std::filesystem::path temporary_; ///< empty once published
    std::filesystem::path destination_;
};

} // namespace forge::formats
