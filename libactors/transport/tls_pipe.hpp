// SPDX-License-Identifier: AGPL-3.0-only
// A TLS connection used by one thread that may wait: joining and the data stream. Private to libactors/transport.
#pragma once

#include "libactors/base/result.hpp"
#include "libactors/transport/frame.hpp"
#include "libactors/transport/tls_context.hpp"

#include <chrono>
#include <cstddef>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace forge::tls {

/// A socket descriptor with an owner.
class socket_descriptor {
public:
    explicit socket_descriptor(int fd = -1) : fd_(fd) {}
    socket_descriptor(socket_descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    socket_descriptor& operator=(socket_descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~socket_descriptor();
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

/// Every wait ends: by progress, by `idle` without any, or within 0.1 s of a stop request.
class tls_pipe {
public:
    /// Connects and shakes hands within `deadline`. @param v  must live as long as the pipe.
    /// @return errc::io_failed (unreachable, deadline), errc::permission_denied (certificates), errc::interrupted.
    [[nodiscard]] static result<tls_pipe> connect(const std::string& host, std::uint16_t port, SSL_CTX* context, protocol p,
                                                  verdict& v, std::chrono::milliseconds deadline, std::stop_token stop);
    /// Takes over a connection whose handshake is done and that holds no unread byte of its own.
    [[nodiscard]] static result<tls_pipe> adopt(session_handle session, socket_descriptor socket);

    /// All of `bytes`. @return errc::io_failed, errc::interrupted.
    [[nodiscard]] result<void> write(std::span<const std::byte> bytes);
    /// Exactly as many bytes as `bytes` has. @return errc::io_failed, errc::permission_denied, errc::interrupted.
    [[nodiscard]] result<void> read(std::span<std::byte> bytes);
    [[nodiscard]] result<void> write_frame(frame_type type, std::span<const std::byte> payload);
    /// @return errc::malformed for what is no frame.
    [[nodiscard]] result<frame_header> read_header();
    /// A whole frame of this type; a `refused` frame becomes errc::permission_denied with the peer's words.
    [[nodiscard]] result<std::vector<std::byte>> read_frame(frame_type type);

    void set_stop(std::stop_token stop) { stop_ = std::move(stop); }
    void set_idle(std::chrono::milliseconds idle) { idle_ = idle; }
    [[nodiscard]] SSL* session() const { return session_.get(); }

private:
    tls_pipe(socket_descriptor socket, session_handle session, std::stop_token stop, std::string where);
    [[nodiscard]] result<void> wait(short events, std::chrono::steady_clock::time_point until) const;
    template <class Step>
    [[nodiscard]] result<std::size_t> drive(Step step);

    socket_descriptor socket_; // before session_: its BIO uses the descriptor to the end
    session_handle session_;
    std::stop_token stop_;
    std::string where_;
    const verdict* verdict_ = nullptr;
    std::chrono::milliseconds idle_{10'000};
    std::uint64_t written_ = 0; ///< bytes since the last change of keys
};

} // namespace forge::tls
