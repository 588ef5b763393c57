// SPDX-License-Identifier: AGPL-3.0-only
// Invite codes: one line that lets one machine join once, and proves both ends to each other.
#pragma once

#include "libactors/base/hash.hpp"
#include "libactors/base/result.hpp"
#include "libactors/transport/identity.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace forge {

/// What the person pastes. 128 bits of the authority's fingerprint are enough: forging one needs a second preimage.
struct invite_code {
    std::array<std::uint8_t, 16> authority{}; ///< first half of the SHA-256 of the authority's certificate
    std::array<std::uint8_t, 16> secret{};    ///< random; never sent, only proven

    friend bool operator==(const invite_code&, const invite_code&) = default;
};

/// "fj1-" and 55 characters of base32 with a checksum, so that a lost character is found before anything is sent.
[[nodiscard]] std::string to_text(const invite_code& code);
/// @return errc::invalid_argument: not a code, or mistyped.
[[nodiscard]] result<invite_code> invite_from_text(std::string_view text);

/// Public name of an invite, derived from the secret.
[[nodiscard]] std::uint64_t invite_id_of(const invite_code& code);
/// Key of the proofs, derived from the secret; the book holds this instead of the code.
[[nodiscard]] digest invite_key_of(const invite_code& code);

enum class join_side { joiner, coordinator };
inline constexpr std::size_t channel_binding_bytes = 32;
/// Proof that a side knows the secret, good for one TLS connection only.
/// @param binding  keying material exported from that connection (RFC 5705, label "EXPORTER-forge-join").
[[nodiscard]] digest join_proof(const digest& invite_key, join_side side, std::span<const std::uint8_t> binding);
/// Compares without telling by its time where two proofs differ.
[[nodiscard]] bool same_proof(const digest& a, const digest& b) noexcept;

/// The coordinator's open invites: a value, persisted by the caller (it is a secret: file mode 0600).
class invite_book {
public:
    static constexpr std::size_t invites_max = 64;
    static constexpr std::chrono::hours ttl_max{24 * 7};
    static constexpr std::chrono::hours remembered{24}; ///< used and expired ones are kept so long, to say which it was

    /// Opens an invite. @param secret  fresh random bytes.
    /// @return errc::invalid_argument for a ttl outside 1 s ... ttl_max or a full book.
    [[nodiscard]] result<invite_code> issue(const digest& authority_fingerprint, const std::array<std::uint8_t, 16>& secret,
                                            std::chrono::seconds ttl, calendar_time now);
    /// The key of an open invite. @return errc::permission_denied: unknown, used or expired, in words.
    [[nodiscard]] result<digest> key_of(std::uint64_t id, calendar_time now) const;
    /// Uses an open invite up. @return as key_of.
    [[nodiscard]] result<void> redeem(std::uint64_t id, calendar_time now);
    /// Forgets what was used or expired longer than `remembered` ago.
    void expire(calendar_time now);
    /// Is there an invite that a joiner may use?
    [[nodiscard]] bool any_open(calendar_time now) const;

    friend bool operator==(const invite_book&, const invite_book&) = default;
    friend std::string to_text(const invite_book& book);
    friend result<invite_book> invite_book_from_text(std::string_view text);

private:
    struct entry {
        digest key{};
        std::int64_t expires_s = 0; ///< seconds since 1970, UTC
        bool used = false;
        friend bool operator==(const entry&, const entry&) = default;
    };
    std::map<std::uint64_t, entry> entries_;
};

/// One line an invite, stored on disk: id (hex), key (hex), expiry in seconds, "open" or "used".
[[nodiscard]] std::string to_text(const invite_book& book);
/// @return errc::malformed with the line number.
[[nodiscard]] result<invite_book> invite_book_from_text(std::string_view text);

} // namespace forge
