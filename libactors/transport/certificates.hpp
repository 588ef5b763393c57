// SPDX-License-Identifier: AGPL-3.0-only
// PEM in and out, fingerprints, common names. Private to libactors/transport.
#pragma once

#include "libactors/base/hash.hpp"
#include "libactors/transport/openssl_handles.hpp"

#include <string>
#include <string_view>

namespace forge::tls {

/// Empty handles for texts that are something else; the error queue is left empty.
[[nodiscard]] certificate_handle certificate_from(std::string_view pem);
[[nodiscard]] key_handle key_from(std::string_view pem);
[[nodiscard]] request_handle request_from(std::string_view pem);

[[nodiscard]] std::string pem_of(X509* certificate);
[[nodiscard]] std::string pem_of(EVP_PKEY* key); ///< unencrypted: the file's mode protects it
[[nodiscard]] std::string pem_of(X509_REQ* request);

/// SHA-256 of the DER; zeros for none.
[[nodiscard]] digest fingerprint_of(const X509* certificate);
/// The one common name; empty when there is none, more than one, or a zero byte inside.
[[nodiscard]] std::string common_name_of(const X509_NAME* subject);

} // namespace forge::tls
