// SPDX-License-Identifier: AGPL-3.0-only
// Progress on standard error: one line per chain, redrawn in place on a terminal, appended now and then elsewhere.
#pragma once

#include "actors/runtime/status_board.hpp"

#include <string>

namespace forge::app {

class progress_printer {
public:
    progress_printer(bool enabled, bool terminal) : enabled_(enabled), terminal_(terminal) {}
    void show(const run_status& status);
    /// A sentence between the lines.
    void say(const std::string& text);
    void finish(const run_status& status);
    [[nodiscard]] std::uint64_t& notices_seen() { return notices_seen_; }

private:
    void erase();
    bool enabled_;
    bool terminal_;
    std::size_t lines_shown_ = 0;
    double last_shown_ = -1e9;
    std::uint64_t notices_seen_ = 0;
};

/// "c0 [#####.....]  beta 5.7000  traj 1234  P 0.54930(12)  acc 0.91  103/s  ETA 1m20s"
[[nodiscard]] std::string chain_line(const chain_status& c, bool unicode);

/// 0.54930(12): value with its error in units of the last digits; "0.5493 (n/a)" without an error.
[[nodiscard]] std::string with_error(std::optional<double> value, std::optional<double> error);

/// "1h02m", "3m20s", "12s"; "n/a" when unknown.
[[nodiscard]] std::string duration_text(std::optional<double> seconds);

} // namespace forge::app
