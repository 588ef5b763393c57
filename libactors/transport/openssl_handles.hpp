// SPDX-License-Identifier: AGPL-3.0-only
// OpenSSL's objects with owners, and its error queue in words. Private to libactors/transport.
#pragma once

#include <memory>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string>

namespace forge::tls {

template <auto Free>
struct releaser {
    template <class T>
    void operator()(T* object) const {
        Free(object);
    }
};

using bio_handle = std::unique_ptr<BIO, releaser<BIO_free>>;
using key_handle = std::unique_ptr<EVP_PKEY, releaser<EVP_PKEY_free>>;
using certificate_handle = std::unique_ptr<X509, releaser<X509_free>>;
using request_handle = std::unique_ptr<X509_REQ, releaser<X509_REQ_free>>;
using extension_handle = std::unique_ptr<X509_EXTENSION, releaser<X509_EXTENSION_free>>;
using store_handle = std::unique_ptr<X509_STORE, releaser<X509_STORE_free>>;
using store_context_handle = std::unique_ptr<X509_STORE_CTX, releaser<X509_STORE_CTX_free>>;
using context_handle = std::unique_ptr<SSL_CTX, releaser<SSL_CTX_free>>;
using session_handle = std::unique_ptr<SSL, releaser<SSL_free>>;

/// The oldest entry of this thread's error queue, which is then emptied: later entries only repeat it.
inline std::string last_error_text() {
    const unsigned long code = ERR_peek_error();
    ERR_clear_error();
    if (code == 0)
        return "no reason given";
    const char* reason = ERR_reason_error_string(code);
    return reason != nullptr ? reason : "OpenSSL error " + std::to_string(code);
}

} // namespace forge::tls
