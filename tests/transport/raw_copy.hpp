// SPDX-License-Identifier: AGPL-3.0-only
// The yardstick of the data stream: the plainest copy over TLS 1.3 that Asio gives, without hashes and credits.
#pragma once

#include "libactors/transport/asio_tls.hpp"
#include "libactors/transport/certificates.hpp"

#include "libactors/transport/identity.hpp"

#include <vector>

namespace forge::testing {

inline constexpr std::size_t raw_block = 256u << 10;

class raw_sender {
public:
    explicit raw_sender(const node_identity& who)
        : context_(tls::asio::ssl::context::tlsv13_server), acceptor_(io_, {tls::asio::ip::address_v4::loopback(), 0}) {
        context_.use_certificate_chain(tls::asio::buffer(who.certificate_pem));
        context_.use_private_key(tls::asio::buffer(who.key_pem), tls::asio::ssl::context::pem);
    }
    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    void serve(std::uint64_t bytes) {
        tls::tls_stream stream(io_, context_);
        acceptor_.accept(stream.lowest_layer());
        stream.lowest_layer().set_option(tls::tcp::no_delay(true));
        stream.handshake(tls::tls_stream::server);
        const std::vector<char> block(raw_block, 'r');
        for (; bytes > 0; bytes -= std::min<std::uint64_t>(bytes, raw_block))
            tls::asio::write(stream, tls::asio::buffer(block.data(), std::min<std::uint64_t>(bytes, raw_block)));
        char last = 0;
        tls::status ended;
        stream.read_some(tls::asio::buffer(&last, 1), ended); // until the reader has everything
    }

private:
    tls::asio::io_context io_;
    tls::asio::ssl::context context_;
    tls::tcp::acceptor acceptor_;
};

/// @return seconds for `bytes`, handshake excluded.
inline double raw_read(std::uint16_t port, std::uint64_t bytes) {
    tls::asio::io_context io;
    tls::asio::ssl::context context(tls::asio::ssl::context::tlsv13_client);
    tls::tls_stream stream(io, context);
    stream.lowest_layer().connect({tls::asio::ip::address_v4::loopback(), port});
    stream.handshake(tls::tls_stream::client);
    std::vector<char> block(raw_block);
    const auto start = std::chrono::steady_clock::now();
    for (; bytes > 0; bytes -= std::min<std::uint64_t>(bytes, raw_block))
        tls::asio::read(stream, tls::asio::buffer(block.data(), std::min<std::uint64_t>(bytes, raw_block)));
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

} // namespace forge::testing
