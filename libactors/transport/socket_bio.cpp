// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/socket_bio.hpp"

#include <cerrno>
#include <cstdint>
#include <sys/socket.h>

namespace forge::tls {

namespace {

int descriptor_of(BIO* bio) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }

bool must_wait() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

/// More records of the same write follow: the kernel may fill its segments.
bool more_follows(BIO* bio) { return BIO_test_flags(bio, socket_bio_more) != 0; }

int write_some(BIO* bio, const char* data, int n) {
    BIO_clear_retry_flags(bio);
    const ssize_t sent = ::send(descriptor_of(bio), data, static_cast<std::size_t>(n),
                                MSG_NOSIGNAL | (more_follows(bio) ? MSG_MORE : 0));
    if (sent < 0 && must_wait())
        BIO_set_retry_write(bio);
    return static_cast<int>(sent);
}

int read_some(BIO* bio, char* data, int n) {
    BIO_clear_retry_flags(bio);
    const ssize_t got = ::recv(descriptor_of(bio), data, static_cast<std::size_t>(n), 0);
    if (got < 0 && must_wait())
        BIO_set_retry_read(bio);
    if (got == 0)
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return static_cast<int>(got);
}

long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_EOF)
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* make_method() {
    BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "forge socket");
    if (m != nullptr) {
        BIO_meth_set_write(m, write_some);
        BIO_meth_set_read(m, read_some);
        BIO_meth_set_ctrl(m, control);
    }
    return m;
}

} // namespace

BIO* make_socket_bio(int fd) {
    static const std::unique_ptr<BIO_METHOD, releaser<BIO_meth_free>> method(make_method());
    BIO* bio = method ? BIO_new(method.get()) : nullptr;
    if (bio != nullptr) {
        BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
        BIO_set_init(bio, 1);
    }
    return bio;
}

} // namespace forge::tls
