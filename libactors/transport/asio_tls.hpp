// SPDX-License-Identifier: AGPL-3.0-only
// Boost.Asio with TLS, included in one place. Private to libactors/transport and its tests.
#pragma once

#include <utility> // Boost 1.74's awaitable.hpp needs it in C++20 and does not say so

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>

#include <memory>

namespace forge::tls {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using status = boost::system::error_code;
using steady = std::chrono::steady_clock;
using tls_stream = asio::ssl::stream<tcp::socket>;

/// OpenSSL's packed error inside an Asio status; 0 when it is another kind (reset, end of file, cancelled).
[[nodiscard]] inline unsigned long openssl_code(const status& s) {
    return s.category() == asio::error::get_ssl_category() ? static_cast<unsigned long>(s.value()) : 0;
}

/// The event loop, kept alive by everything that posts into it.
struct event_loop {
    asio::io_context io{1};
};

} // namespace forge::tls
