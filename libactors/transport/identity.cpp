// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/identity.hpp"

#include "libactors/transport/certificates.hpp"

#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/rand.h>

namespace forge {

using namespace tls;

namespace {

error openssl_failed(std::string_view doing) {
    return {errc::internal, fmt::format("{} failed: {}", doing, last_error_text()), "", "check the installed OpenSSL 3"};
}

/// A 127-bit random serial number: two authorities of one name never issue the same one.
bool set_serial(X509* certificate) {
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    bytes[0] &= 0x7f;
    const std::unique_ptr<BIGNUM, releaser<BN_free>> number(BN_bin2bn(bytes, sizeof bytes, nullptr));
    return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_name(X509_NAME* subject, const std::string& common_name) {
    const auto* text = reinterpret_cast<const unsigned char*>(common_name.c_str());
    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1;
}

bool add_extension(X509* certificate, X509* issuer, int kind, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const extension_handle extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value));
    return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_validity(X509* certificate, const validity& when) {
    return ASN1_TIME_set(X509_getm_notBefore(certificate), std::chrono::system_clock::to_time_t(when.from)) != nullptr &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), std::chrono::system_clock::to_time_t(when.until)) != nullptr;
}

error bad_name(std::string_view name) {
    return {errc::invalid_argument, "names have 1 to 63 characters of a-z, 0-9, '-' and '.', a letter or digit first",
            std::string(name.substr(0, 80)), "choose another name"};
}

/// Only what we make ourselves is signed: one curve, so that no weak key slips in.
bool is_p256(EVP_PKEY* key) {
    char group[32] = {};
    return key != nullptr && EVP_PKEY_is_a(key, "EC") == 1 &&
           EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) == 1 && std::string_view(group) == "prime256v1";
}

} // namespace

bool is_node_name(std::string_view name) noexcept {
    if (name.empty() || name.size() > 63)
        return false;
    const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    for (const char c : name)
        if (!plain(c) && c != '-' && c != '.')
            return false;
    return plain(name.front());
}

result<authority> make_authority(std::string_view cluster_id, const validity& when) {
    if (!is_node_name(cluster_id))
        return bad_name(cluster_id);
    const key_handle key(EVP_EC_gen("P-256"));
    const certificate_handle made(X509_new());
    if (!key || !made)
        return openssl_failed("making the cluster's key");
    X509_NAME* subject = X509_get_subject_name(made.get());
    const bool complete =
        X509_set_version(made.get(), X509_VERSION_3) == 1 && set_serial(made.get()) && set_validity(made.get(), when) &&
        set_name(subject, "metalforge cluster " + std::string(cluster_id)) &&
        X509_set_issuer_name(made.get(), subject) == 1 && X509_set_pubkey(made.get(), key.get()) == 1 &&
        add_extension(made.get(), made.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_extension(made.get(), made.get(), NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(made.get(), made.get(), NID_subject_key_identifier, "hash") &&
        X509_sign(made.get(), key.get(), EVP_sha256()) > 0;
    if (!complete)
        return openssl_failed("making the cluster's certificate");
    return authority{pem_of(made.get()), pem_of(key.get())};
}

result<signing_request> make_signing_request(std::string_view name) {
    if (!is_node_name(name))
        return bad_name(name);
    const key_handle key(EVP_EC_gen("P-256"));
    const request_handle made(X509_REQ_new());
    if (!key || !made || X509_REQ_set_version(made.get(), X509_REQ_VERSION_1) != 1 ||
        !set_name(X509_REQ_get_subject_name(made.get()), std::string(name)) ||
        X509_REQ_set_pubkey(made.get(), key.get()) != 1 || X509_REQ_sign(made.get(), key.get(), EVP_sha256()) <= 0)
        return openssl_failed("making the node's key and signing request");
    return signing_request{std::string(name), pem_of(key.get()), pem_of(made.get())};
}

result<std::string> sign_request(const authority& ca, std::string_view request_pem, std::string_view name,
                                 const validity& when) {
    if (!is_node_name(name))
        return bad_name(name);
    const error no_request{errc::malformed, "not a certificate signing request that this cluster signs", "", ""};
    if (request_pem.size() > request_bytes_max)
        return no_request;
    const request_handle request = request_from(request_pem);
    EVP_PKEY* key = request ? X509_REQ_get0_pubkey(request.get()) : nullptr;
    if (!is_p256(key) || X509_REQ_verify(request.get(), key) != 1) {
        ERR_clear_error();
        return no_request;
    }
    if (common_name_of(X509_REQ_get_subject_name(request.get())) != name)
        return error{errc::conflict, "the signing request names another node", std::string(name), ""};
    const certificate_handle issuer = certificate_from(ca.certificate_pem);
    const key_handle issuer_key = key_from(ca.key_pem);
    const certificate_handle made(X509_new());
    if (!issuer || !issuer_key || !made)
        return openssl_failed("reading the cluster's authority");
    const bool complete =
        X509_set_version(made.get(), X509_VERSION_3) == 1 && set_serial(made.get()) && set_validity(made.get(), when) &&
        set_name(X509_get_subject_name(made.get()), std::string(name)) &&
        X509_set_issuer_name(made.get(), X509_get_subject_name(issuer.get())) == 1 &&
        X509_set_pubkey(made.get(), key) == 1 &&
        add_extension(made.get(), issuer.get(), NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(made.get(), issuer.get(), NID_key_usage, "critical,digitalSignature") &&
        add_extension(made.get(), issuer.get(), NID_ext_key_usage, "serverAuth,clientAuth") &&
        add_extension(made.get(), issuer.get(), NID_authority_key_identifier, "keyid") &&
        X509_sign(made.get(), issuer_key.get(), EVP_sha256()) > 0;
    if (!complete)
        return openssl_failed("signing a node's certificate");
    return pem_of(made.get());
}

result<node_identity> make_identity(const authority& ca, std::string_view name, const validity& when) {
    auto request = make_signing_request(name);
    if (!request)
        return request.reason();
    auto certificate = sign_request(ca, request->request_pem, name, when);
    if (!certificate)
        return certificate.reason();
    const auto fingerprint = fingerprint_of(*certificate);
    if (!fingerprint)
        return fingerprint.reason();
    return node_identity{std::string(name), std::move(*certificate), std::move(request->key_pem), ca.certificate_pem,
                         *fingerprint};
}

result<digest> fingerprint_of(std::string_view pem) {
    const certificate_handle certificate = certificate_from(pem);
    if (!certificate)
        return error{errc::malformed, "not a certificate in PEM form", "", ""};
    return fingerprint_of(certificate.get());
}

} // namespace forge
