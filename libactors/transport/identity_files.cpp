// SPDX-License-Identifier: AGPL-3.0-only
// The judging and the files of identities.
#include "libactors/transport/certificates.hpp"
#include "libactors/transport/identity.hpp"
#include "libactors/transport/secure_file.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace forge {

using namespace tls;

namespace {

constexpr const char* authority_certificate_file = "authority.crt";
constexpr const char* authority_key_file = "authority.key";
constexpr const char* node_certificate_file = "node.crt";
constexpr const char* node_key_file = "node.key";

/// Which part of the identity stands wrong; `where` becomes its file once one is known.
error part_error(errc code, std::string what, const char* file, std::string hint) {
    return {code, std::move(what), file, std::move(hint)};
}

std::string day_of(const ASN1_TIME* time) {
    std::tm day{};
    return ASN1_TIME_to_tm(time, &day) == 1 ? fmt::format("{:%Y-%m-%d %H:%M} UTC", day) : std::string("an unreadable date");
}

result<void> require_current(const X509* certificate, const char* file, calendar_time now) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
    const ASN1_TIME* until = X509_get0_notAfter(certificate);
    const ASN1_TIME* from = X509_get0_notBefore(certificate);
    if (ASN1_TIME_cmp_time_t(until, seconds) <= 0)
        return part_error(errc::unsupported, "the certificate expired on " + day_of(until), file,
                          "join again with a new invite code; check this machine's clock");
    if (ASN1_TIME_cmp_time_t(from, seconds) > 0)
        return part_error(errc::unsupported, "the certificate is not valid before " + day_of(from), file,
                          "check this machine's clock");
    return {};
}

result<void> require_pair(X509* certificate, EVP_PKEY* key, const char* certificate_file, const char* key_file) {
    const char* hint = "restore both files from the same moment, or join again";
    if (certificate == nullptr)
        return part_error(errc::malformed, "not a certificate in PEM form", certificate_file, hint);
    if (key == nullptr)
        return part_error(errc::malformed, "not an unencrypted private key in PEM form", key_file, hint);
    if (X509_check_private_key(certificate, key) != 1) {
        ERR_clear_error();
        return part_error(errc::conflict, fmt::format("the key does not belong to the certificate {}", certificate_file),
                          key_file, hint);
    }
    return {};
}

template <class T>
result<T> in_folder(result<T> judged, const std::filesystem::path& folder) {
    if (judged)
        return judged;
    error e = judged.reason();
    e.where = (folder / e.where).string();
    return e;
}

} // namespace

result<node_identity> assemble_identity(std::string certificate_pem, std::string key_pem, std::string authority_pem,
                                        calendar_time now) {
    const certificate_handle certificate = certificate_from(certificate_pem);
    const certificate_handle issuer = certificate_from(authority_pem);
    const key_handle key = key_from(key_pem);
    if (!issuer)
        return part_error(errc::malformed, "not a certificate in PEM form", authority_certificate_file, "join again");
    if (auto pair = require_pair(certificate.get(), key.get(), node_certificate_file, node_key_file); !pair)
        return pair.reason();
    // The issuer's own flag is looked at, too: a node's certificate must not pass as an authority.
    if (X509_check_ca(issuer.get()) != 1 || X509_check_issued(issuer.get(), certificate.get()) != X509_V_OK ||
        X509_verify(certificate.get(), X509_get0_pubkey(issuer.get())) != 1) {
        ERR_clear_error();
        return part_error(errc::permission_denied, "the certificate was not signed by the authority of this cluster",
                          node_certificate_file, "join the cluster with an invite code");
    }
    if (auto current = require_current(certificate.get(), node_certificate_file, now); !current)
        return current.reason();
    if (auto current = require_current(issuer.get(), authority_certificate_file, now); !current)
        return current.reason();
    std::string name = common_name_of(X509_get_subject_name(certificate.get()));
    if (!is_node_name(name))
        return part_error(errc::malformed, "the certificate carries no usable node name", node_certificate_file,
                          "join the cluster with an invite code");
    const digest fingerprint = fingerprint_of(certificate.get());
    return node_identity{std::move(name), std::move(certificate_pem), std::move(key_pem), std::move(authority_pem),
                         fingerprint};
}

result<void> save_authority(const std::filesystem::path& folder, const authority& ca) {
    if (auto done = write_file_atomically(folder / authority_key_file, ca.key_pem, file_privacy::secret); !done)
        return done;
    return write_file_atomically(folder / authority_certificate_file, ca.certificate_pem, file_privacy::open);
}

result<void> save_identity(const std::filesystem::path& folder, const node_identity& node) {
    if (auto done = write_file_atomically(folder / node_key_file, node.key_pem, file_privacy::secret); !done)
        return done;
    if (auto done = write_file_atomically(folder / authority_certificate_file, node.authority_pem, file_privacy::open); !done)
        return done;
    return write_file_atomically(folder / node_certificate_file, node.certificate_pem, file_privacy::open);
}

result<authority> load_authority(const std::filesystem::path& folder, calendar_time now) {
    auto key = read_small_file(folder / authority_key_file, file_privacy::secret);
    if (!key)
        return key.reason();
    auto certificate = read_small_file(folder / authority_certificate_file, file_privacy::open);
    if (!certificate)
        return certificate.reason();
    const auto judge = [&]() -> result<authority> {
        const certificate_handle parsed = certificate_from(*certificate);
        const key_handle parsed_key = key_from(*key);
        if (auto pair = require_pair(parsed.get(), parsed_key.get(), authority_certificate_file, authority_key_file); !pair)
            return pair.reason();
        if (X509_check_ca(parsed.get()) != 1)
            return part_error(errc::malformed, "the certificate is not an authority's", authority_certificate_file,
                              "restore the folder that cluster init made");
        if (auto current = require_current(parsed.get(), authority_certificate_file, now); !current)
            return current.reason();
        return authority{std::move(*certificate), std::move(*key)};
    };
    return in_folder(judge(), folder);
}

result<node_identity> load_identity(const std::filesystem::path& folder, calendar_time now) {
    auto key = read_small_file(folder / node_key_file, file_privacy::secret);
    if (!key)
        return key.reason();
    auto certificate = read_small_file(folder / node_certificate_file, file_privacy::open);
    if (!certificate)
        return certificate.reason();
    auto issuer = read_small_file(folder / authority_certificate_file, file_privacy::open);
    if (!issuer)
        return issuer.reason();
    return in_folder(assemble_identity(std::move(*certificate), std::move(*key), std::move(*issuer), now), folder);
}

} // namespace forge
