// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/progress.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <iostream>

namespace forge::app {

namespace {

constexpr std::size_t bar_cells = 16;
constexpr double terminal_interval_s = 0.2;
constexpr double plain_interval_s = 5.0;

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

} // namespace

std::string with_error(std::optional<double> value, std::optional<double> error) {
    if (!value || !std::isfinite(*value))
        return "n/a";
    if (!error || !std::isfinite(*error))
        return fmt::format("{:.5f}(n/a)", *value);
    if (*error == 0.0)
        return fmt::format("{:.6f}(0)", *value);
    const int digits = std::max(0, 1 - static_cast<int>(std::floor(std::log10(*error))));
    if (digits > 12)
        return fmt::format("{:.6g} +- {:.1e}", *value, *error);
    if (digits == 0)
        return fmt::format("{:.0f}({:.0f})", *value, *error);
    const double scaled = *error * std::pow(10.0, digits);
    if (*error >= 1.0)
        return fmt::format("{:.{}f}({:.{}f})", *value, digits, *error, digits);
    return fmt::format("{:.{}f}({:.0f})", *value, digits, scaled);
}

std::string duration_text(std::optional<double> seconds) {
    if (!seconds || !std::isfinite(*seconds))
        return "n/a";
    const auto s = static_cast<long>(std::lround(*seconds));
    if (s >= 3600)
        return fmt::format("{}h{:02}m", s / 3600, s / 60 % 60);
    return s >= 60 ? fmt::format("{}m{:02}s", s / 60, s % 60) : fmt::format("{}s", s);
}

std::string chain_line(const chain_status& c, bool unicode) {
    const double total = c.n_thermalise + static_cast<double>(c.n_measure);
    const double done = total > 0.0 ? std::min(1.0, c.done_in_segment / total) : 0.0;
    const auto filled = static_cast<std::size_t>(std::lround(done * bar_cells));
    std::string bar;
    for (std::size_t k = 0; k < bar_cells; ++k)
        bar += k < filled ? (unicode ? "█" : "#") : (unicode ? "░" : ".");
    std::string point = c.ordinal ? fmt::format("{}/{}", *c.ordinal + 1, c.segments_total > 0 ? std::to_string(c.segments_total) : "n/a") : "n/a";
    std::string line = fmt::format("{:>4} {} {} {:<12} point {:<5} beta {}  traj {}  P {}  acc {}  {}/s  ETA {}", to_text(c.chain), c.device,
                                   bar, c.phase, point, c.beta ? fmt::format("{:.4f}", *c.beta) : "n/a", c.trajectory ? fmt::format("{}", *c.trajectory) : "n/a",
                                   with_error(c.plaquette, c.plaquette_error),
                                   c.acceptance ? fmt::format("{:.2f}", *c.acceptance) : "n/a",
                                   c.trajectories_per_s ? fmt::format("{:.1f}", *c.trajectories_per_s) : "n/a", duration_text(c.eta_s));
    if (c.phase == "paused" || c.phase == "failed")
        line += "  " + c.reason.substr(0, c.reason.find('\n'));
    return line;
}

void progress_printer::erase() {
    for (; lines_shown_ > 0; --lines_shown_)
        std::cerr << "\x1b[1A\x1b[2K";
}

void progress_printer::say(const std::string& text) {
    if (!enabled_)
        return;
    erase();
    std::cerr << text << "\n";
    last_shown_ = -1e9;
}

void progress_printer::show(const run_status& status) {
    const double now = now_s();
    if (!enabled_ || status.chains.empty() || now - last_shown_ < (terminal_ ? terminal_interval_s : plain_interval_s))
        return;
    last_shown_ = now;
    if (terminal_)
        erase();
    constexpr std::size_t lines_max = 16;
    for (std::size_t k = 0; k < std::min(status.chains.size(), lines_max); ++k) {
        std::cerr << chain_line(status.chains[k], terminal_) << "\n";
        lines_shown_ += terminal_ ? 1 : 0;
    }
    if (status.chains.size() > lines_max) {
        std::cerr << "     ... and " << status.chains.size() - lines_max << " more chains (forge status)\n";
        lines_shown_ += terminal_ ? 1 : 0;
    }
    std::cerr << std::flush;
}

void progress_printer::finish(const run_status& status) {
    last_shown_ = -1e9;
    show(status);
    lines_shown_ = 0;
}

} // namespace forge::app
