// SPDX-License-Identifier: AGPL-3.0-only
// A folder that goes away, and files in it whose bytes are known.
#pragma once

#include "libactors/checkpoint/checkpoint_store.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

namespace forge::testing {

namespace fs = std::filesystem;

struct folder {
    fs::path path;
    folder() {
        static std::atomic<int> number{0};
        path = fs::temp_directory_path() / fmt::format("forge-checkpoint-{}-{}", ::getpid(), number++);
        fs::create_directories(path);
    }
    ~folder() {
        std::error_code ec;
        fs::remove_all(path, ec);
    }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;
};

inline std::vector<std::byte> content(std::size_t n, unsigned salt) {
    std::vector<std::byte> bytes(n);
    for (std::size_t k = 0; k < n; ++k)
        bytes[k] = static_cast<std::byte>((k * 31 + salt) & 0xff);
    return bytes;
}

inline result<stored_file> put(const checkpoint_store& store, std::string_view name,
                               const std::vector<std::byte>& bytes, const byte_verifier& verify = {}) {
    const std::span<const std::byte> all(bytes);
    const std::array<std::span<const std::byte>, 2> parts{all.first(bytes.size() / 3), all.subspan(bytes.size() / 3)};
    return store.put(name, parts, verify);
}

inline bool holds(const checkpoint_store& store, std::string_view name, const std::vector<std::byte>& bytes) {
    const auto file = store.map(name);
    return file && std::ranges::equal(file->bytes(), bytes);
}

inline std::size_t files_in(const fs::path& path) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
}

inline checkpoint_store open_store(const fs::path& path, const os_calls& os = os_calls::real()) {
    auto store = checkpoint_store::open(path, os);
    if (!store)
        FAIL(to_text(store.reason()));
    return std::move(store).value();
}

} // namespace forge::testing
