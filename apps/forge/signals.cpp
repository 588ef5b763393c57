// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/signals.hpp"

#include <csignal>
#include <ctime>

namespace forge::app {

namespace {

constexpr long poll_ms = 100;

sigset_t stop_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

} // namespace

void block_signals() {
    const auto set = stop_signals();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
}

bool signal_arrived() {
    const auto set = stop_signals();
    const timespec patience{0, poll_ms * 1000000};
    return sigtimedwait(&set, nullptr, &patience) > 0;
}

} // namespace forge::app
