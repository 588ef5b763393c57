// SPDX-License-Identifier: AGPL-3.0-only
// A client that does what no honest node does: any certificate or none, any TLS version, any bytes.
#pragma once

#include "libactors/transport/certificates.hpp"
#include "libactors/transport/frame.hpp"
#include "libactors/transport/openssl_handles.hpp"
#include "libactors/transport/socket_bio.hpp"
#include "tests/transport/tcp_proxy.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace forge::testing {

struct disguise {
    std::string certificate_pem; ///< empty: none
    std::string key_pem;
    std::string protocol = "forge-link/1"; ///< ALPN; empty: none
    int version_min = TLS1_3_VERSION;
    int version_max = TLS1_3_VERSION;
};

/// A blocking TLS client that accepts any server.
class attacker {
public:
    attacker(std::uint16_t port, const disguise& d) : fd_(tcp_connect(port)), start_(std::chrono::steady_clock::now()) {
        const timeval limit{8, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        context_.reset(SSL_CTX_new(TLS_client_method()));
        SSL_CTX_set_min_proto_version(context_.get(), d.version_min);
        SSL_CTX_set_max_proto_version(context_.get(), d.version_max);
        SSL_CTX_set_verify(context_.get(), SSL_VERIFY_NONE, nullptr);
        if (!d.certificate_pem.empty()) {
            const auto certificate = tls::certificate_from(d.certificate_pem);
            const auto key = tls::key_from(d.key_pem);
            SSL_CTX_use_certificate(context_.get(), certificate.get());
            SSL_CTX_use_PrivateKey(context_.get(), key.get());
        }
        session_.reset(SSL_new(context_.get()));
        BIO* bio = tls::make_socket_bio(fd_);
        SSL_set_bio(session_.get(), bio, bio);
        if (!d.protocol.empty()) {
            const std::string list = std::string(1, static_cast<char>(d.protocol.size())) + d.protocol;
            SSL_set_alpn_protos(session_.get(), reinterpret_cast<const unsigned char*>(list.data()), static_cast<unsigned>(list.size()));
        }
        shaken_ = SSL_connect(session_.get()) == 1;
        note_alert();
    }
    ~attacker() {
        session_.reset();
        ::close(fd_);
    }
    attacker(const attacker&) = delete;
    attacker& operator=(const attacker&) = delete;

    void send(std::span<const std::byte> bytes) { SSL_write(session_.get(), bytes.data(), static_cast<int>(bytes.size())); }
    void send_frame(frame_type type, std::span<const std::byte> payload) {
        const auto head = encode(frame_header{type, static_cast<std::uint32_t>(payload.size())});
        std::vector<std::byte> all(head.begin(), head.end());
        all.insert(all.end(), payload.begin(), payload.end());
        send(all);
    }
    /// Everything that comes until the other side ends the connection (or 8 s pass).
    std::string until_closed() {
        std::string text;
        char buffer[4096];
        int n = 0;
        while ((n = SSL_read(session_.get(), buffer, sizeof buffer)) > 0)
            text.append(buffer, static_cast<std::size_t>(n));
        note_alert();
        closed_after_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
        return text;
    }
    [[nodiscard]] double seconds() const { return closed_after_; } ///< from the connect to the end
    [[nodiscard]] int alert() const { return alert_; }             ///< the one the server sent; 0: none
    [[nodiscard]] bool shaken() const { return shaken_; }

private:
    void note_alert() {
        const int reason = ERR_GET_REASON(ERR_peek_error());
        ERR_clear_error();
        if (alert_ == 0 && reason > 1000)
            alert_ = reason - 1000;
    }
    int fd_;
    std::chrono::steady_clock::time_point start_;
    tls::context_handle context_;
    tls::session_handle session_;
    bool shaken_ = false;
    int alert_ = 0;
    double closed_after_ = 0;
};

/// Reads a plain socket to its end. @return seconds it took; 9 when it did not end.
inline double wait_for_end(int fd) {
    const auto start = std::chrono::steady_clock::now();
    const timeval limit{9, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    char buffer[4096];
    while (::recv(fd, buffer, sizeof buffer, 0) > 0) {
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

} // namespace forge::testing
