// SPDX-License-Identifier: AGPL-3.0-only
// Host memory in 2 MiB pages where the system gives them. Private header.
#pragma once

#include <cstddef>

namespace forge::opencl {

/// Zeroed host memory, aligned to and advised for 2 MiB pages. Movable; the address stays.
class huge_pages {
public:
    static constexpr std::size_t page_bytes = std::size_t{2} << 20;
    /// @throws failure errc::device_memory
    explicit huge_pages(std::size_t bytes);
    huge_pages(huge_pages&& other) noexcept;
    huge_pages& operator=(huge_pages&&) = delete;
    ~huge_pages();
    [[nodiscard]] void* data() const { return data_; }

private:
    void* data_ = nullptr;
    std::size_t bytes_ = 0;
};

} // namespace forge::opencl
