// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/certificates.hpp"

#include <climits>

namespace forge::tls {

namespace {

bio_handle reader_of(std::string_view text) {
    if (text.empty() || text.size() > INT_MAX)
        return nullptr;
    return bio_handle(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// Encrypted keys are refused, never asked for on a terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

template <class Write>
std::string written(Write write) {
    const bio_handle bio(BIO_new(BIO_s_mem()));
    char* data = nullptr;
    if (!bio || write(bio.get()) != 1)
        return {};
    const long n = BIO_get_mem_data(bio.get(), &data);
    return n > 0 ? std::string(data, static_cast<std::size_t>(n)) : std::string();
}

template <class Handle, class Read>
Handle read_from(std::string_view pem, Read read) {
    const bio_handle bio = reader_of(pem);
    Handle object(bio ? read(bio.get(), nullptr, no_passphrase, nullptr) : nullptr);
    ERR_clear_error();
    return object;
}

} // namespace

certificate_handle certificate_from(std::string_view pem) {
    return read_from<certificate_handle>(pem, PEM_read_bio_X509);
}
key_handle key_from(std::string_view pem) { return read_from<key_handle>(pem, PEM_read_bio_PrivateKey); }
request_handle request_from(std::string_view pem) { return read_from<request_handle>(pem, PEM_read_bio_X509_REQ); }

std::string pem_of(X509* certificate) {
    return written([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}
std::string pem_of(EVP_PKEY* key) {
    return written([&](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); });
}
std::string pem_of(X509_REQ* request) {
    return written([&](BIO* bio) { return PEM_write_bio_X509_REQ(bio, request); });
}

digest fingerprint_of(const X509* certificate) {
    digest d{};
    unsigned n = 0;
    if (certificate == nullptr || X509_digest(certificate, EVP_sha256(), d.data(), &n) != 1 || n != d.size())
        return digest{};
    return d;
}

std::string common_name_of(const X509_NAME* subject) {
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
        return {};
    unsigned char* text = nullptr;
    const int n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (n < 0)
        return {};
    std::string name(reinterpret_cast<char*>(text), static_cast<std::size_t>(n));
    OPENSSL_free(text);
    return name.find('\0') == std::string::npos ? name : std::string();
}

} // namespace forge::tls
