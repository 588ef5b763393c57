// SPDX-License-Identifier: AGPL-3.0-only
// A log file with times, passed in, never global.
#pragma once

#include "libactors/base/result.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace forge {

/// Appends lines "2026-11-21T05:00:00.123Z [info] text" to a file; at most 3 files of 4 MiB, the oldest goes.
/// Thread-safe. Writing never fails the caller: a log that cannot be written loses lines, nothing else.
class run_log {
public:
    /// @return errc::io_failed when the file cannot be opened.
    [[nodiscard]] static result<run_log> open(const std::filesystem::path& file);
    run_log(run_log&&) noexcept;
    run_log& operator=(run_log&&) noexcept;
    ~run_log();

    void info(const std::string& text);
    void warn(const std::string& text);

private:
    struct inner;
    explicit run_log(std::unique_ptr<inner> i);
    std::unique_ptr<inner> inner_;
};

} // namespace forge
