// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/invite.hpp"

#include "libactors/base/contract.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <optional>
#include <sstream>
#include <vector>

namespace forge {

namespace {

constexpr std::string_view prefix = "fj1-";
constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz234567"; // RFC 4648, no character looks like another twice
constexpr std::size_t code_bytes = 34;                                    // 16 + 16 + 2 of checksum
constexpr std::size_t code_characters = (code_bytes * 8 + 4) / 5;

std::string base32(std::span<const std::uint8_t> bytes) {
    std::string text;
    std::uint32_t held = 0;
    int bits = 0;
    for (const auto b : bytes) {
        held = (held << 8) | b;
        for (bits += 8; bits >= 5; bits -= 5)
            text.push_back(alphabet[(held >> (bits - 5)) & 31u]);
    }
    if (bits > 0)
        text.push_back(alphabet[(held << (5 - bits)) & 31u]);
    return text;
}

std::optional<std::vector<std::uint8_t>> from_base32(std::string_view text) {
    std::vector<std::uint8_t> bytes;
    std::uint32_t held = 0;
    int bits = 0;
    for (const char c : text) {
        const auto at = alphabet.find(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
        if (at == std::string_view::npos)
            return std::nullopt;
        held = (held << 5) | static_cast<std::uint32_t>(at);
        bits += 5;
        if (bits >= 8) {
            bytes.push_back(static_cast<std::uint8_t>((held >> (bits - 8)) & 0xffu));
            bits -= 8;
        }
    }
    return (held & ((1u << bits) - 1u)) == 0 ? std::optional(bytes) : std::nullopt;
}

digest derived(std::string_view purpose, std::span<const std::uint8_t> secret) {
    return sha256{}
        .add(std::as_bytes(std::span(purpose.data(), purpose.size())))
        .add(std::as_bytes(secret))
        .finish();
}

std::array<std::uint8_t, code_bytes> packed(const invite_code& code) {
    std::array<std::uint8_t, code_bytes> bytes{};
    std::ranges::copy(code.authority, bytes.begin());
    std::ranges::copy(code.secret, bytes.begin() + 16);
    const digest check = derived("forge invite checksum", std::span(bytes).first(32));
    bytes[32] = check[0];
    bytes[33] = check[1];
    return bytes;
}

std::int64_t seconds_of(calendar_time t) {
    return std::chrono::duration_cast<std::chrono::seconds>(t.time_since_epoch()).count();
}

} // namespace

std::string to_text(const invite_code& code) { return std::string(prefix) + base32(packed(code)); }

result<invite_code> invite_from_text(std::string_view text) {
    const error wrong{errc::invalid_argument, "this is not an invite code, or a character of it got lost", "",
                      "copy the whole line that forge cluster invite printed"};
    if (!text.starts_with(prefix) || text.size() != prefix.size() + code_characters)
        return wrong;
    const auto bytes = from_base32(text.substr(prefix.size()));
    if (!bytes || bytes->size() != code_bytes)
        return wrong;
    invite_code code;
    std::copy_n(bytes->begin(), 16, code.authority.begin());
    std::copy_n(bytes->begin() + 16, 16, code.secret.begin());
    if (!std::ranges::equal(packed(code), *bytes))
        return wrong;
    return code;
}

std::uint64_t invite_id_of(const invite_code& code) {
    const digest d = derived("forge invite id", code.secret);
    std::uint64_t id = 0;
    for (std::size_t k = 0; k < sizeof id; ++k)
        id = (id << 8) | d[k];
    return id;
}

digest invite_key_of(const invite_code& code) { return derived("forge invite key", code.secret); }

digest join_proof(const digest& invite_key, join_side side, std::span<const std::uint8_t> binding) {
    std::vector<unsigned char> message;
    const std::string_view role = side == join_side::joiner ? "forge-join joiner " : "forge-join coordinator ";
    message.assign(role.begin(), role.end());
    message.insert(message.end(), binding.begin(), binding.end());
    digest proof{};
    unsigned n = 0;
    ensures(HMAC(EVP_sha256(), invite_key.data(), static_cast<int>(invite_key.size()), message.data(), message.size(),
                 proof.data(), &n) != nullptr &&
                n == proof.size(),
            "libcrypto provides HMAC-SHA-256");
    return proof;
}

bool same_proof(const digest& a, const digest& b) noexcept { return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0; }

result<invite_code> invite_book::issue(const digest& authority_fingerprint, const std::array<std::uint8_t, 16>& secret,
                                       std::chrono::seconds ttl, calendar_time now) {
    if (ttl < std::chrono::seconds(1) || ttl > ttl_max)
        return error{errc::invalid_argument, "an invite lives between one second and seven days", "", "choose another --ttl"};
    expire(now);
    if (entries_.size() >= invites_max)
        return error{errc::invalid_argument, fmt::format("there are {} invites already", entries_.size()), "",
                     "wait until some have expired"};
    invite_code code;
    std::copy_n(authority_fingerprint.begin(), code.authority.size(), code.authority.begin());
    code.secret = secret;
    const auto [at, fresh] = entries_.try_emplace(invite_id_of(code), entry{invite_key_of(code), seconds_of(now + ttl), false});
    expects(fresh, "an invite's secret is fresh random bytes");
    return code;
}

result<digest> invite_book::key_of(std::uint64_t id, calendar_time now) const {
    const auto refused = [](const char* why) {
        return error{errc::permission_denied, why, "", "ask for a new code: forge cluster invite, on the coordinator"};
    };
    const auto at = entries_.find(id);
    if (at == entries_.end())
        return refused("this invite code is unknown here");
    if (at->second.used)
        return refused("this invite code was used already");
    if (at->second.expires_s <= seconds_of(now))
        return refused("this invite code has expired");
    return at->second.key;
}

result<void> invite_book::redeem(std::uint64_t id, calendar_time now) {
    if (const auto key = key_of(id, now); !key)
        return key.reason();
    entries_[id].used = true;
    return {};
}

void invite_book::expire(calendar_time now) {
    const std::int64_t limit = seconds_of(now - remembered);
    std::erase_if(entries_, [&](const auto& item) { return item.second.expires_s <= limit; });
}

bool invite_book::any_open(calendar_time now) const {
    return std::ranges::any_of(entries_, [&](const auto& item) {
        return !item.second.used && item.second.expires_s > seconds_of(now);
    });
}

std::string to_text(const invite_book& book) {
    std::string text;
    for (const auto& [id, e] : book.entries_)
        text += fmt::format("{:016x} {} {} {}\n", id, to_hex(e.key), e.expires_s, e.used ? "used" : "open");
    return text;
}

result<invite_book> invite_book_from_text(std::string_view text) {
    invite_book book;
    std::istringstream lines{std::string(text)};
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
        if (line.empty())
            continue;
        std::istringstream fields(line);
        std::string key, state, rest;
        std::uint64_t id = 0;
        invite_book::entry e;
        fields >> std::hex >> id >> key >> std::dec >> e.expires_s >> state;
        e.key = digest_from_hex(key);
        e.used = state == "used";
        if (!fields || fields >> rest || e.key == digest{} || (!e.used && state != "open") ||
            book.entries_.size() >= invite_book::invites_max || !book.entries_.try_emplace(id, e).second)
            return error{errc::malformed, "not a line of the invite book", fmt::format("line {}", number),
                         "delete the file; open invites are then void"};
    }
    return book;
}

} // namespace forge
