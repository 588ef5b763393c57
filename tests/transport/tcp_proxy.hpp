// SPDX-License-Identifier: AGPL-3.0-only
// A wire that can be cut or turned into a black hole.
#pragma once

#include <arpa/inet.h>
#include <atomic>
#include <list>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace forge::testing {

inline int tcp_connect(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
        ::close(fd);
        throw std::runtime_error("cannot connect to the test's own port");
    }
    return fd;
}

/// Forwards connections to `target`. One thread; ends with the object.
class tcp_proxy {
public:
    explicit tcp_proxy(std::uint16_t target) : target_(target), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t n = sizeof at;
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), n) != 0 || ::listen(listener_, 64) != 0 ||
            ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &n) != 0)
            throw std::runtime_error("no port for the proxy");
        port = ntohs(at.sin_port);
        thread_ = std::thread([this] { run(); });
    }
    ~tcp_proxy() {
        stop_ = true;
        thread_.join();
        ::close(listener_);
        for (const auto& p : pairs_)
            close_pair(p);
    }
    tcp_proxy(const tcp_proxy&) = delete;
    tcp_proxy& operator=(const tcp_proxy&) = delete;

    void cut() { cut_ = true; }                            ///< closes what is open now; new connections pass
    void cut_after(std::size_t bytes) { allowance_ = bytes; } ///< once, counted over both directions
    std::atomic<bool> black_hole{false};                   ///< nothing is forwarded, nothing is closed
    std::uint16_t port = 0;

private:
    struct pair {
        int a, b;
        bool gone = false;
    };
    static void close_pair(const pair& p) {
        ::close(p.a);
        ::close(p.b);
    }
    void forward(int from, int to, pair& p) {
        char buffer[65536];
        const ssize_t n = ::recv(from, buffer, sizeof buffer, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            p.gone = true;
            return;
        }
        for (ssize_t at = 0; at < n;) {
            const ssize_t k = ::send(to, buffer + at, static_cast<std::size_t>(n - at), MSG_NOSIGNAL);
            if (k <= 0) {
                p.gone = true;
                return;
            }
            at += k;
        }
        if (allowance_ > 0 && (passed_ += static_cast<std::size_t>(n)) >= allowance_) {
            allowance_ = 0;
            p.gone = true;
        }
    }
    void run() {
        while (!stop_) {
            if (cut_.exchange(false))
                for (auto& p : pairs_)
                    p.gone = true;
            for (auto p = pairs_.begin(); p != pairs_.end();) {
                if (p->gone)
                    close_pair(*p);
                p = p->gone ? pairs_.erase(p) : std::next(p);
            }
            std::vector<pollfd> fds{{listener_, POLLIN, 0}};
            for (const auto& p : pairs_) {
                fds.push_back({p.a, static_cast<short>(black_hole ? 0 : POLLIN), 0});
                fds.push_back({p.b, static_cast<short>(black_hole ? 0 : POLLIN), 0});
            }
            ::poll(fds.data(), fds.size(), 5);
            std::size_t k = 1;
            for (auto& p : pairs_) {
                if (!black_hole && !p.gone && fds[k].revents != 0)
                    forward(p.a, p.b, p);
                if (!black_hole && !p.gone && fds[k + 1].revents != 0)
                    forward(p.b, p.a, p);
                k += 2;
            }
            if (fds[0].revents != 0)
                if (const int a = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC); a >= 0)
                    pairs_.push_back({a, tcp_connect(target_)});
        }
    }

    std::uint16_t target_;
    int listener_;
    std::thread thread_;
    std::atomic<bool> stop_{false}, cut_{false};
    std::atomic<std::size_t> allowance_{0};
    std::size_t passed_ = 0;
    std::list<pair> pairs_;
};

} // namespace forge::testing
