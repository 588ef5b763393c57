// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/tls_context.hpp"

#include "libactors/transport/certificates.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>

namespace forge::tls {

namespace {

constexpr std::string_view link_name = "forge-link/1";
constexpr std::string_view join_name = "forge-join/1";
constexpr std::string_view data_name = "forge-data/1";
constexpr long certificate_chain_bytes_max = 16 << 10; // two of ours have 2 KiB

protocol protocol_of(std::string_view name) {
    return name == link_name ? protocol::link
           : name == join_name ? protocol::join
           : name == data_name ? protocol::data
                               : protocol::none;
}

int verdict_slot() {
    static const int slot = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return slot;
}

verdict* verdict_of(const SSL* session) { return static_cast<verdict*>(SSL_get_ex_data(session, verdict_slot())); }

/// Called by OpenSSL for every certificate of the chain, leaf last. The leaf has to be on the list as well.
int judge_certificate(int chain_ok, X509_STORE_CTX* store) {
    const auto* session = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    verdict* v = session != nullptr ? verdict_of(session) : nullptr;
    if (v == nullptr)
        return 0;
    v->fingerprint = fingerprint_of(X509_STORE_CTX_get0_cert(store));
    if (chain_ok != 1) {
        if (v->refusal.empty())
            v->refusal = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
        return 0;
    }
    if (X509_STORE_CTX_get_error_depth(store) > 0)
        return 1;
    const allowed_node* node = v->list ? v->list->find(v->fingerprint) : nullptr;
    if (node != nullptr && !node->revoked) {
        v->peer = node->name;
        return 1;
    }
    v->refusal = node != nullptr ? fmt::format("the certificate of {} was revoked", node->name)
                                 : std::string("the certificate is not on the allow-list");
    // Two different alerts, so that the refused machine can say which it was.
    X509_STORE_CTX_set_error(store, node != nullptr ? X509_V_ERR_CERT_REVOKED : X509_V_ERR_CERT_REJECTED);
    return 0;
}

/// Takes the client's first proposal that we know. Joining is the one protocol without a client certificate, and only
/// while an invite is open; the request for the certificate goes out after this choice.
int choose_protocol(SSL* session, const unsigned char** out, unsigned char* out_length, const unsigned char* in,
                    unsigned in_length, void*) {
    const verdict* v = verdict_of(session);
    for (unsigned at = 0; v != nullptr && at < in_length && in[at] <= in_length - at - 1; at += 1u + in[at]) {
        const std::string_view name(reinterpret_cast<const char*>(in + at + 1), in[at]);
        const protocol p = protocol_of(name);
        if (p == protocol::none || (p == protocol::join && !v->join_open))
            continue;
        if (p == protocol::join)
            SSL_set_verify(session, SSL_VERIFY_NONE, judge_certificate);
        *out = in + at + 1;
        *out_length = in[at];
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

context_handle bare_context(const SSL_METHOD* method) {
    context_handle c(SSL_CTX_new(method));
    if (!c || SSL_CTX_set_min_proto_version(c.get(), TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(c.get(), TLS1_3_VERSION) != 1 || SSL_CTX_set_num_tickets(c.get(), 0) != 1 ||
        SSL_CTX_set_max_early_data(c.get(), 0) != 1)
        return nullptr;
    SSL_CTX_set_session_cache_mode(c.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(c.get(), certificate_chain_bytes_max);
    SSL_CTX_set_options(c.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(c.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    return c;
}

result<context_handle> member_context(const SSL_METHOD* method, const node_identity& node) {
    context_handle c = bare_context(method);
    const certificate_handle certificate = certificate_from(node.certificate_pem);
    const certificate_handle issuer = certificate_from(node.authority_pem);
    const key_handle key = key_from(node.key_pem);
    if (!certificate || !issuer || !key)
        return error{errc::malformed, "the node's identity is not in PEM form", node.name, "load it with load_identity"};
    // Only the cluster's own authority is trusted, never the system's store. It is sent along for joiners, who know
    // nothing but its fingerprint.
    if (!c || SSL_CTX_use_certificate(c.get(), certificate.get()) != 1 || SSL_CTX_use_PrivateKey(c.get(), key.get()) != 1 ||
        SSL_CTX_check_private_key(c.get()) != 1 || SSL_CTX_add1_chain_cert(c.get(), issuer.get()) != 1 ||
        X509_STORE_add_cert(SSL_CTX_get_cert_store(c.get()), issuer.get()) != 1)
        return error{errc::internal, "OpenSSL refuses the node's identity: " + last_error_text(), node.name, ""};
    SSL_CTX_set_verify_depth(c.get(), 1);
    SSL_CTX_set_verify(c.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, judge_certificate);
    return c;
}

} // namespace

result<context_handle> make_server_context(const node_identity& node) {
    auto c = member_context(TLS_server_method(), node);
    if (c)
        SSL_CTX_set_alpn_select_cb(c->get(), choose_protocol, nullptr);
    return c;
}

result<context_handle> make_client_context(const node_identity& node) { return member_context(TLS_client_method(), node); }

result<context_handle> make_joiner_context() {
    context_handle c = bare_context(TLS_client_method());
    if (!c)
        return error{errc::internal, "OpenSSL refuses TLS 1.3: " + last_error_text(), "", ""};
    SSL_CTX_set_verify(c.get(), SSL_VERIFY_NONE, nullptr);
    return c;
}

void attach(SSL* session, verdict& v) { SSL_set_ex_data(session, verdict_slot(), &v); }

void detach(SSL* session) { SSL_set_ex_data(session, verdict_slot(), nullptr); }

void propose(SSL* session, protocol p) {
    const std::string_view name = p == protocol::link ? link_name : p == protocol::join ? join_name : data_name;
    std::string list(1, static_cast<char>(name.size()));
    list += name;
    SSL_set_alpn_protos(session, reinterpret_cast<const unsigned char*>(list.data()), static_cast<unsigned>(list.size()));
}

protocol chosen_protocol(const SSL* session) {
    const unsigned char* name = nullptr;
    unsigned n = 0;
    SSL_get0_alpn_selected(session, &name, &n);
    return protocol_of({reinterpret_cast<const char*>(name), n});
}

bool peer_proven(const SSL* session, const verdict& v) {
    const X509* certificate = SSL_get0_peer_certificate(session);
    return certificate != nullptr && SSL_get_verify_result(session) == X509_V_OK && v.refusal.empty() && !v.peer.empty() &&
           fingerprint_of(certificate) == v.fingerprint && SSL_version(session) == TLS1_3_VERSION;
}

result<std::array<std::uint8_t, channel_binding_bytes>> channel_binding_of(SSL* session) {
    static constexpr std::string_view label = "EXPORTER-forge-join";
    std::array<std::uint8_t, channel_binding_bytes> binding{};
    if (SSL_export_keying_material(session, binding.data(), binding.size(), label.data(), label.size(), nullptr, 0, 0) != 1)
        return error{errc::internal, "OpenSSL exports no keying material: " + last_error_text(), "", ""};
    return binding;
}

result<std::string> require_pinned_chain(SSL* session, const invite_code& code) {
    const error refused{errc::permission_denied, "the other side does not belong to the cluster that the code is for", "",
                        "check the address; ask for a new code"};
    STACK_OF(X509)* chain = SSL_get_peer_cert_chain(session);
    X509* leaf = SSL_get0_peer_certificate(session);
    X509* pinned = nullptr;
    for (int k = 0; chain != nullptr && k < sk_X509_num(chain); ++k) {
        const digest d = fingerprint_of(sk_X509_value(chain, k));
        if (std::equal(code.authority.begin(), code.authority.end(), d.begin()))
            pinned = sk_X509_value(chain, k);
    }
    const store_handle store(X509_STORE_new());
    const store_context_handle judge(X509_STORE_CTX_new());
    if (pinned == nullptr || leaf == nullptr || leaf == pinned || !store || !judge ||
        X509_STORE_add_cert(store.get(), pinned) != 1 ||
        X509_STORE_CTX_init(judge.get(), store.get(), leaf, chain) != 1 ||
        X509_STORE_CTX_set_default(judge.get(), "ssl_server") != 1)
        return refused;
    X509_STORE_CTX_set_depth(judge.get(), 1);
    if (X509_verify_cert(judge.get()) != 1) {
        error e = refused;
        e.what += fmt::format(" ({})", X509_verify_cert_error_string(X509_STORE_CTX_get_error(judge.get())));
        ERR_clear_error();
        return e;
    }
    return pem_of(pinned);
}

error dial_error(unsigned long code, const verdict& v, const std::string& where) {
    if (!v.refusal.empty())
        return {errc::permission_denied, fmt::format("the node there is not accepted: {}", v.refusal), where,
                "check the address; when the node has a new identity, fetch the cluster's list anew"};
    switch (ERR_GET_REASON(code)) {
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        return {errc::permission_denied, "the cluster does not list this node's certificate", where,
                "join the cluster with an invite code"};
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        return {errc::permission_denied, "this node's certificate was revoked", where, "join again with a new invite code"};
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        return {errc::permission_denied, "this node's certificate has expired", where, "join again with a new invite code"};
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
        return {errc::permission_denied, "the node there belongs to another cluster", where, "check the address"};
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        return {errc::permission_denied, "the node there asks for a certificate", where, "join the cluster first"};
    case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
        return {errc::permission_denied, "the node there does not take this kind of connection now", where,
                "to join, an invite must be open: forge cluster invite, on the coordinator"};
    case 0:
        return {errc::io_failed, "the node there ended the connection", where, "look at its log"};
    default:
        break;
    }
    const char* reason = ERR_reason_error_string(code);
    return {errc::io_failed, fmt::format("TLS failed: {}", reason != nullptr ? reason : "unknown reason"), where,
            "check that the address is a metalforge node of this cluster"};
}

std::string refusal_words(unsigned long code, const verdict& v) {
    if (!v.refusal.empty())
        return v.refusal;
    const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
    return reason != nullptr ? reason : "the connection ended in the handshake";
}

} // namespace forge::tls
