// SPDX-License-Identifier: AGPL-3.0-only
// A folder that goes away with the test.
#pragma once

#include <atomic>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <string>
#include <unistd.h>

namespace forge::testing {

struct folder {
    std::filesystem::path path;
    folder() {
        static std::atomic<int> number{0};
        path = std::filesystem::temp_directory_path() / fmt::format("forge-transport-{}-{}", ::getpid(), number++);
        std::filesystem::create_directories(path);
    }
    ~folder() {
        std::error_code ec;
        std::filesystem::remove_all(path, ec);
    }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;
};

inline std::string text_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

} // namespace forge::testing
