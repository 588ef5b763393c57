// SPDX-License-Identifier: AGPL-3.0-only
// OpenSSL straight on a socket. Private to libactors/transport.
#pragma once

#include "libactors/transport/openssl_handles.hpp"

namespace forge::tls {

/// Flag for BIO_set_flags: what is written now is followed by more at once, so that segments may be filled.
inline constexpr int socket_bio_more = 0x10000;

/// A BIO on a non-blocking socket. Unlike OpenSSL's own it sends without SIGPIPE, which a library must not impose on
/// its process. Does not own the descriptor. @return null when OpenSSL has no memory.
[[nodiscard]] BIO* make_socket_bio(int fd);

} // namespace forge::tls
