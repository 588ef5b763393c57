// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/base/failpoint.hpp"

#ifdef FORGE_FAILPOINTS

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace forge::failpoint {

namespace {

enum class action { kill, stop, sleep, fail };

struct rule {
    action what = action::kill;
    std::uint64_t at = 0; ///< only this hit; 0: every one
    std::chrono::milliseconds pause{0};
};

struct armed_step {
    std::vector<rule> rules;
    mutable std::atomic<std::uint64_t> hits{0};
};

/// Constant after its construction but for the counters.
struct plan {
    std::array<armed_step, std::size(steps)> at;
    bool armed = false;
};

/// Before main, so without streams and without unwinding.
[[noreturn]] void leave(int code, const std::string& text) {
    std::fputs(text.c_str(), code == 0 ? stdout : stderr);
    std::fflush(nullptr);
    std::_Exit(code);
}

[[noreturn]] void refuse(std::string_view item, std::string_view why) {
    leave(2, fmt::format("error[invalid_argument]: FORGE_FAILPOINT: {}\n  at {}\n  try: FORGE_FAILPOINT=list forge; actions are kill, stop, "
                         "error, sleep:MS, each with or without @N\n", why, item));
}

bool read_number(std::string_view text, std::uint64_t& n) {
    const auto r = std::from_chars(text.data(), text.data() + text.size(), n);
    return r.ec == std::errc() && r.ptr == text.data() + text.size() && n > 0;
}

rule read_rule(std::string_view item, std::string_view text, const step& s) {
    rule r;
    if (const auto at = text.find('@'); at != std::string_view::npos) {
        if (!read_number(text.substr(at + 1), r.at))
            refuse(item, "after @ comes the number of a hit, from 1");
        text = text.substr(0, at);
    }
    std::uint64_t ms = 0;
    if (text == "kill")
        r.what = action::kill;
    else if (text == "stop")
        r.what = action::stop;
    else if (text == "error" && s.can_fail)
        r.what = action::fail;
    else if (text == "error")
        refuse(item, "this step cannot fail, only be killed, stopped or delayed");
    else if (text.starts_with("sleep:") && read_number(text.substr(6), ms) && ms <= 3'600'000)
        r.what = action::sleep;
    else
        refuse(item, fmt::format("unknown action '{}'", text));
    r.pause = std::chrono::milliseconds(ms);
    return r;
}

void add_item(plan& p, std::string_view item) {
    const auto colon = item.find(':');
    if (colon == std::string_view::npos)
        refuse(item, "not of the form name:action");
    for (std::size_t k = 0; k < std::size(steps); ++k)
        if (steps[k].name == item.substr(0, colon)) {
            p.at[k].rules.push_back(read_rule(item, item.substr(colon + 1), steps[k]));
            p.armed = true;
            return;
        }
    refuse(item, fmt::format("unknown name '{}'", item.substr(0, colon)));
}

std::string listing() {
    std::string text;
    for (const auto& s : steps)
        text += fmt::format("{}\t{}\t{}\n", s.name, s.can_fail ? "kill,stop,sleep,error" : "kill,stop,sleep", s.what);
    return text;
}

const plan& the_plan() {
    static plan p;
    static const bool read = [] {
        const char* value = std::getenv("FORGE_FAILPOINT");
        std::string_view rest = value != nullptr ? value : "";
        if (rest == "list")
            leave(0, listing());
        while (!rest.empty()) {
            const auto comma = rest.find(',');
            add_item(p, rest.substr(0, comma));
            rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
        }
        return true;
    }();
    static_cast<void>(read);
    return p;
}

/// A mistake in the variable is told at the start, not at the first step.
[[maybe_unused]] const bool read_at_start = (static_cast<void>(the_plan()), true);

} // namespace

std::optional<error> hit(std::size_t step_index) {
    const plan& p = the_plan();
    if (!p.armed)
        return std::nullopt;
    const auto& here = p.at[step_index];
    if (here.rules.empty())
        return std::nullopt;
    const auto count = ++here.hits;
    std::optional<error> failed;
    for (const rule& r : here.rules) {
        if (r.at != 0 && r.at != count)
            continue;
        switch (r.what) {
        case action::kill:
            ::kill(::getpid(), SIGKILL);
            break;
        case action::stop:
            ::kill(::getpid(), SIGSTOP);
            break;
        case action::sleep:
            std::this_thread::sleep_for(r.pause);
            break;
        case action::fail:
            failed = error{errc::io_failed, fmt::format("failpoint {} (hit {})", steps[step_index].name, count), "FORGE_FAILPOINT",
                           "unset FORGE_FAILPOINT"};
            break;
        }
    }
    return failed;
}

} // namespace forge::failpoint

#endif
