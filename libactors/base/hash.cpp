// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/base/hash.hpp"

#include "libactors/base/contract.hpp"

#include <openssl/evp.h>

namespace forge {

struct sha256::context {
    EVP_MD_CTX* handle = EVP_MD_CTX_new();
    context() = default;
    context(const context&) = delete;
    context& operator=(const context&) = delete;
    ~context() { EVP_MD_CTX_free(handle); }
};

sha256::sha256() : context_(std::make_unique<context>()) {
    ensures(context_->handle != nullptr && EVP_DigestInit_ex(context_->handle, EVP_sha256(), nullptr) == 1,
            "libcrypto provides SHA-256");
}
sha256::~sha256() = default;
sha256::sha256(sha256&&) noexcept = default;
sha256& sha256::operator=(sha256&&) noexcept = default;

sha256& sha256::add(std::span<const std::byte> bytes) {
    ensures(EVP_DigestUpdate(context_->handle, bytes.data(), bytes.size()) == 1, "SHA-256 accepts bytes");
    return *this;
}

digest sha256::finish() {
    digest d{};
    unsigned length = 0;
    ensures(EVP_DigestFinal_ex(context_->handle, d.data(), &length) == 1 && length == d.size(),
            "SHA-256 yields 32 bytes");
    return d;
}

digest sha256_of(std::span<const std::byte> bytes) { return sha256{}.add(bytes).finish(); }

digest sha256_of(std::string_view text) { return sha256_of(std::as_bytes(std::span(text.data(), text.size()))); }

std::string to_hex(const digest& d) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string hex;
    hex.reserve(2 * d.size());
    for (auto b : d) {
        hex.push_back(digits[b >> 4]);
        hex.push_back(digits[b & 15]);
    }
    return hex;
}

digest digest_from_hex(std::string_view hex) {
    const auto nibble = [](char c) -> int {
        if (c >= '0' && c <= '9')
            return c - '0';
        if (c >= 'a' && c <= 'f')
            return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
            return c - 'A' + 10;
        return -1;
    };
    digest d{};
    if (hex.size() != 2 * d.size())
        return d;
    for (std::size_t i = 0; i < d.size(); ++i) {
        const int high = nibble(hex[2 * i]);
        const int low = nibble(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return digest{};
        d[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return d;
}

std::uint64_t byte_reader::raw(std::size_t n) {
    if (bytes_.size() < n) {
        ok_ = false;
        bytes_ = {};
        return 0;
    }
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < n; ++i)
        v |= static_cast<std::uint64_t>(bytes_[i]) << (8 * i);
    bytes_ = bytes_.subspan(n);
    return v;
}

std::string byte_reader::text() {
    const std::size_t n = u32();
    if (!ok_ || bytes_.size() < n) {
        ok_ = false;
        bytes_ = {};
        return {};
    }
    std::string v(reinterpret_cast<const char*>(bytes_.data()), n);
    bytes_ = bytes_.subspan(n);
    return v;
}

digest byte_reader::hash() {
    digest d{};
    for (auto& b : d)
        b = u8();
    return ok_ ? d : digest{};
}

} // namespace forge
