// SPDX-License-Identifier: AGPL-3.0-only
// Who a node is: a key, a certificate that names it, and the cluster's authority that signed it.
#pragma once

#include "libactors/base/hash.hpp"
#include "libactors/base/result.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace forge {

using calendar_time = std::chrono::system_clock::time_point;

/// Node and cluster names: 1 ... 63 of a-z, 0-9, '-', '.', starting with a letter or digit. They stand in
/// certificates, log lines and file names, so nothing else is let in.
[[nodiscard]] bool is_node_name(std::string_view name) noexcept;

/// When a certificate counts. `from` lies an hour back by default, because clocks of a laboratory differ.
struct validity {
    calendar_time from;
    calendar_time until;

    /// An hour ago until `days` from `now`.
    [[nodiscard]] static validity of_days(calendar_time now, int days) {
        return {now - std::chrono::hours(1), now + std::chrono::hours(24) * days};
    }
};
inline constexpr int authority_days = 3650; ///< a cluster lives as long as its campaign; replacing it means joining anew
inline constexpr int node_days = 1825;      ///< shorter than the authority's; access is withdrawn by the allow-list

/// The cluster's own certificate authority (EC P-256, self-signed, signs nodes only). PEM texts.
struct authority {
    std::string certificate_pem;
    std::string key_pem; ///< secret
};

/// A node's key and certificate, and the authority's certificate that it trusts. PEM texts.
struct node_identity {
    std::string name; ///< the certificate's common name
    std::string certificate_pem;
    std::string key_pem; ///< secret
    std::string authority_pem;
    digest fingerprint{}; ///< SHA-256 of the certificate's DER: what the allow-list holds
};

/// The joiner's half of a signing: the key never leaves its machine.
struct signing_request {
    std::string name;
    std::string key_pem;     ///< secret
    std::string request_pem; ///< PKCS #10, signed by the key
};

inline constexpr std::size_t request_bytes_max = 4096; ///< PEM of a P-256 request is about 450 bytes

/// @param cluster_id  goes into the subject, see is_node_name.
/// @return errc::invalid_argument for the name; errc::internal when OpenSSL cannot make keys.
[[nodiscard]] result<authority> make_authority(std::string_view cluster_id, const validity& when);

/// Key and request of a node. @return errc::invalid_argument for the name.
[[nodiscard]] result<signing_request> make_signing_request(std::string_view name);

/// Certificate (PEM) for a request. The name is the caller's decision; the request's subject must agree with it, its
/// signature must prove the key, and nothing else of the request is taken over.
/// @return errc::malformed for bytes that are no request (over request_bytes_max, not PKCS #10, wrong signature, wrong
///         kind of key); errc::conflict when the request names another node.
[[nodiscard]] result<std::string> sign_request(const authority& ca, std::string_view request_pem, std::string_view name,
                                               const validity& when);

/// Puts the parts together and checks them as `load_identity` does.
/// @return errc::malformed naming the part, errc::conflict (key and certificate differ), errc::permission_denied
///         (not signed by the authority), errc::unsupported (expired or not yet valid).
[[nodiscard]] result<node_identity> assemble_identity(std::string certificate_pem, std::string key_pem,
                                                      std::string authority_pem, calendar_time now);

/// Request and signing in one: the coordinator's own identity. Whether it counts today is for those who load it.
[[nodiscard]] result<node_identity> make_identity(const authority& ca, std::string_view name, const validity& when);

/// SHA-256 of the DER of the first certificate in `pem`. @return errc::malformed.
[[nodiscard]] result<digest> fingerprint_of(std::string_view pem);

/// Files of an identity in one folder: authority.crt, authority.key (coordinator only), node.crt, node.key.
/// Keys 0600, each file replaced atomically; the key is written before its certificate, so that a certificate on
/// disk always has its key.
[[nodiscard]] result<void> save_authority(const std::filesystem::path& folder, const authority& ca);
[[nodiscard]] result<void> save_identity(const std::filesystem::path& folder, const node_identity& node);

/// Loads and judges everything before anything starts.
/// @return errc::not_found, errc::permission_denied (mode or owner of a key; signed by another authority),
///         errc::malformed, errc::conflict (key does not match), errc::unsupported (expired); `where` names the file.
[[nodiscard]] result<authority> load_authority(const std::filesystem::path& folder, calendar_time now);
[[nodiscard]] result<node_identity> load_identity(const std::filesystem::path& folder, calendar_time now);

} // namespace forge
