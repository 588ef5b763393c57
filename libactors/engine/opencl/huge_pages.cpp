// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/opencl/huge_pages.hpp"

#include "libactors/base/error.hpp"

#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include <sys/mman.h>

namespace forge::opencl {

huge_pages::huge_pages(std::size_t bytes) : bytes_((bytes + page_bytes - 1) / page_bytes * page_bytes) {
    data_ = std::aligned_alloc(page_bytes, bytes_);
    if (data_ == nullptr)
        throw failure(error{errc::device_memory, "the host has no " + std::to_string(bytes_) + " bytes for a field", "",
                            "a smaller lattice or fewer chains"});
    madvise(data_, bytes_, MADV_HUGEPAGE); // advice: without it the same memory in small pages
    std::memset(data_, 0, bytes_);
}

huge_pages::huge_pages(huge_pages&& other) noexcept : data_(std::exchange(other.data_, nullptr)), bytes_(other.bytes_) {}

huge_pages::~huge_pages() { std::free(data_); }

} // namespace forge::opencl
