// SPDX-License-Identifier: AGPL-3.0-only
// TLS 1.3 as this cluster uses it, and the judgement of a peer's certificate. Private to libactors/transport.
#pragma once

#include "libactors/base/result.hpp"
#include "libactors/transport/allow_list.hpp"
#include "libactors/transport/identity.hpp"
#include "libactors/transport/invite.hpp"
#include "libactors/transport/openssl_handles.hpp"

#include <array>
#include <memory>
#include <string>

namespace forge::tls {

/// What a connection is for, by ALPN; one port serves all three.
enum class protocol { none, link, join, data };

/// Judgement on one connection. Attached to its SSL object before the handshake; must outlive the handshake.
struct verdict {
    std::shared_ptr<const allow_list> list; ///< who may speak; null: nobody
    bool join_open = false;                 ///< server: a joiner without a certificate may come in
    digest fingerprint{};                   ///< of the peer's certificate, accepted or not; zeros: it showed none
    std::string peer;                       ///< name that belongs to the accepted fingerprint
    std::string refusal;                    ///< why the certificate was refused; empty: it was not
};

/// TLS 1.3 only, both sides show certificates, no session is resumed, so every connection is judged anew.
/// @return errc::malformed or errc::internal when OpenSSL refuses a part.
[[nodiscard]] result<context_handle> make_server_context(const node_identity& node);
[[nodiscard]] result<context_handle> make_client_context(const node_identity& node);
/// For a joiner, who has no certificate and knows the authority only by the code: `require_pinned_chain` judges.
[[nodiscard]] result<context_handle> make_joiner_context();

void attach(SSL* session, verdict& v);
/// After the handshake: the verdict may go.
void detach(SSL* session);
/// Client: which protocol it asks for.
void propose(SSL* session, protocol p);
[[nodiscard]] protocol chosen_protocol(const SSL* session);
/// Did the peer prove a certificate that was accepted? Asked again after the handshake: no single call decides.
[[nodiscard]] bool peer_proven(const SSL* session, const verdict& v);

/// Keying material of this connection for join_proof. @return errc::internal.
[[nodiscard]] result<std::array<std::uint8_t, channel_binding_bytes>> channel_binding_of(SSL* session);
/// The chain that the server showed leads to the authority that the code names, and the leaf may be a server.
/// @return the authority's certificate in PEM, or errc::permission_denied.
[[nodiscard]] result<std::string> require_pinned_chain(SSL* session, const invite_code& code);

/// A failed handshake in words for the one who dialled. @param code  OpenSSL's packed error (0: connection ended).
[[nodiscard]] error dial_error(unsigned long code, const verdict& v, const std::string& where);
/// One short reason for the log of the one who listened.
[[nodiscard]] std::string refusal_words(unsigned long code, const verdict& v);

} // namespace forge::tls
