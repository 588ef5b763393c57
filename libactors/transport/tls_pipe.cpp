// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/tls_pipe.hpp"

#include "libactors/transport/greeting.hpp"
#include "libactors/transport/socket_bio.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace forge::tls {

namespace {

using steady = std::chrono::steady_clock;
constexpr std::chrono::milliseconds stop_poll{100};
constexpr std::uint64_t key_bytes_max = std::uint64_t{1} << 36; // a quarter of what one key may encrypt
constexpr std::size_t read_ahead_bytes = 128u << 10; // eight records per system call

error unreachable(const std::string& where, const std::string& why) {
    return {errc::io_failed, "cannot reach the node: " + why, where, "check address, network and that the node runs"};
}

void prepare(int fd) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

bool attach_socket(SSL* session, int fd) {
    BIO* bio = make_socket_bio(fd);
    if (bio == nullptr)
        return false;
    SSL_set_bio(session, bio, bio);
    SSL_set_default_read_buffer_len(session, read_ahead_bytes);
    SSL_set_read_ahead(session, 1);
    return true;
}

} // namespace

socket_descriptor::~socket_descriptor() {
    if (fd_ >= 0)
        ::close(fd_);
}

tls_pipe::tls_pipe(socket_descriptor socket, session_handle session, std::stop_token stop, std::string where)
    : socket_(std::move(socket)), session_(std::move(session)), stop_(std::move(stop)), where_(std::move(where)) {}

result<void> tls_pipe::wait(short events, steady::time_point until) const {
    for (;;) {
        if (stop_.stop_requested())
            return error{errc::interrupted, "asked to stop", where_, ""};
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - steady::now());
        if (left.count() <= 0)
            return error{errc::io_failed, "the other side made no progress in time", where_, "check the network, then retry"};
        pollfd p{socket_.get(), events, 0};
        const int ready = ::poll(&p, 1, static_cast<int>(std::min(left, stop_poll).count()) + 1);
        if (ready > 0)
            return {};
        if (ready < 0 && errno != EINTR)
            return error{errc::io_failed, fmt::format("poll failed: {}", std::strerror(errno)), where_, ""};
    }
}

/// Repeats a step of OpenSSL until it is done, waiting for what it asks for.
template <class Step>
result<std::size_t> tls_pipe::drive(Step step) {
    const auto until = steady::now() + idle_;
    for (;;) {
        if (stop_.stop_requested()) // also while bytes flow and nothing is waited for
            return error{errc::interrupted, "asked to stop", where_, ""};
        ERR_clear_error();
        errno = 0;
        std::size_t n = 0;
        const int done = step(&n);
        if (done == 1)
            return n;
        const int reason = SSL_get_error(session_.get(), done);
        if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) {
            if (auto ready = wait(reason == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, until); !ready)
                return ready.reason();
            continue;
        }
        if (reason == SSL_ERROR_SYSCALL && errno != 0)
            return error{errc::io_failed, fmt::format("the connection broke: {}", std::strerror(errno)), where_, "retry"};
        const unsigned long code = ERR_peek_error();
        ERR_clear_error();
        const bool ended = reason == SSL_ERROR_ZERO_RETURN || reason == SSL_ERROR_SYSCALL ||
                           ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
        static const verdict none;
        return dial_error(ended ? 0 : code, verdict_ != nullptr ? *verdict_ : none, where_);
    }
}

result<tls_pipe> tls_pipe::connect(const std::string& host, std::uint16_t port, SSL_CTX* context, protocol p, verdict& v,
                                   std::chrono::milliseconds deadline, std::stop_token stop) {
    const std::string where = fmt::format("{}:{}", host, port);
    const auto until = steady::now() + deadline;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    if (const int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); failed != 0)
        return unreachable(where, ::gai_strerror(failed));
    const std::unique_ptr<addrinfo, releaser<::freeaddrinfo>> addresses(found);
    error last = unreachable(where, "no address");
    for (const addrinfo* a = addresses.get(); a != nullptr; a = a->ai_next) {
        socket_descriptor socket(::socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol));
        if (socket.get() < 0)
            continue;
        prepare(socket.get());
        tls_pipe pipe(std::move(socket), session_handle(SSL_new(context)), stop, where);
        if (::connect(pipe.socket_.get(), a->ai_addr, a->ai_addrlen) != 0) {
            if (errno != EINPROGRESS) {
                last = unreachable(where, std::strerror(errno));
                continue;
            }
            if (auto ready = pipe.wait(POLLOUT, until); !ready) {
                last = ready.reason();
                continue;
            }
            int cause = 0;
            socklen_t n = sizeof cause;
            if (::getsockopt(pipe.socket_.get(), SOL_SOCKET, SO_ERROR, &cause, &n) != 0 || cause != 0) {
                last = unreachable(where, std::strerror(cause));
                continue;
            }
        }
        if (!pipe.session_ || !attach_socket(pipe.session_.get(), pipe.socket_.get()))
            return error{errc::internal, "OpenSSL makes no connection: " + last_error_text(), where, ""};
        attach(pipe.session_.get(), v);
        propose(pipe.session_.get(), p);
        pipe.verdict_ = &v;
        pipe.idle_ = std::max(std::chrono::milliseconds(1), std::chrono::duration_cast<std::chrono::milliseconds>(until - steady::now()));
        if (auto shaken = pipe.drive([&](std::size_t*) { return SSL_connect(pipe.session()); }); !shaken)
            return shaken.reason();
        if (chosen_protocol(pipe.session()) != p)
            return error{errc::permission_denied, "the node there does not speak our protocol", where, "check the address"};
        return pipe;
    }
    return last;
}

result<tls_pipe> tls_pipe::adopt(session_handle session, socket_descriptor socket) {
    prepare(socket.get());
    if (!attach_socket(session.get(), socket.get()))
        return error{errc::internal, "OpenSSL takes no socket: " + last_error_text(), "", ""};
    return tls_pipe(std::move(socket), std::move(session), std::stop_token(), "data stream");
}

result<void> tls_pipe::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        // Record by record, so that the last one can push out what the others left in the kernel.
        const auto record = bytes.first(std::min<std::size_t>(bytes.size(), SSL3_RT_MAX_PLAIN_LENGTH));
        const bool more = record.size() < bytes.size();
        (more ? BIO_set_flags : BIO_clear_flags)(SSL_get_wbio(session()), socket_bio_more);
        const auto n = drive([&](std::size_t* k) { return SSL_write_ex(session(), record.data(), record.size(), k); });
        if (!n)
            return n.reason();
        bytes = bytes.subspan(*n);
        written_ += *n;
        // AES-GCM keys are good for some 2^24 full records (RFC 8446, 5.5); OpenSSL changes them only when told.
        if (written_ >= key_bytes_max && SSL_key_update(session(), SSL_KEY_UPDATE_NOT_REQUESTED) == 1)
            written_ = 0;
    }
    return {};
}

result<void> tls_pipe::read(std::span<std::byte> bytes) {
    while (!bytes.empty()) {
        const auto n = drive([&](std::size_t* k) { return SSL_read_ex(session(), bytes.data(), bytes.size(), k); });
        if (!n)
            return n.reason();
        bytes = bytes.subspan(*n);
    }
    return {};
}

result<void> tls_pipe::write_frame(frame_type type, std::span<const std::byte> payload) {
    std::vector<std::byte> frame;
    frame.reserve(frame_header_bytes + payload.size());
    for (const auto b : encode(frame_header{type, static_cast<std::uint32_t>(payload.size())}))
        frame.push_back(b);
    frame.insert(frame.end(), payload.begin(), payload.end());
    return write(frame);
}

result<frame_header> tls_pipe::read_header() {
    std::array<std::byte, frame_header_bytes> bytes{};
    if (auto got = read(bytes); !got)
        return got.reason();
    const auto header = decode_frame_header(bytes);
    if (!header)
        return error{errc::malformed, "the other side sent something that is no frame", where_, ""};
    return *header;
}

result<std::vector<std::byte>> tls_pipe::read_frame(frame_type type) {
    const auto header = read_header();
    if (!header)
        return header.reason();
    if (header->type != type && header->type != frame_type::refused)
        return error{errc::malformed, "the other side sent a frame out of turn", where_, ""};
    std::vector<std::byte> payload(header->length); // bounded by decode_frame_header
    if (auto got = read(payload); !got)
        return got.reason();
    if (header->type == frame_type::refused)
        return decode_refusal(payload, where_);
    return payload;
}

} // namespace forge::tls
