// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/chunk_check.hpp"

#include "libactors/base/contract.hpp"
#include "libactors/transport/openssl_handles.hpp"

#include <openssl/core_names.h>
#include <openssl/params.h>

namespace forge {

struct chunk_checker::context {
    std::unique_ptr<EVP_MAC, tls::releaser<EVP_MAC_free>> method{EVP_MAC_fetch(nullptr, "GMAC", nullptr)};
    std::unique_ptr<EVP_MAC_CTX, tls::releaser<EVP_MAC_CTX_free>> handle{method ? EVP_MAC_CTX_new(method.get()) : nullptr};
    check_key key;
};

chunk_checker::chunk_checker(const check_key& key) : context_(std::make_unique<context>()) {
    ensures(context_->handle != nullptr, "libcrypto provides GMAC");
    context_->key = key;
}
chunk_checker::~chunk_checker() = default;

void chunk_checker::start() {
    // One fixed nonce: the value detects accidents, nobody is kept from computing it.
    char cipher[] = "AES-128-GCM";
    unsigned char nonce[12] = {};
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
                                     OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_IV, nonce, sizeof nonce),
                                     OSSL_PARAM_construct_end()};
    ensures(EVP_MAC_init(context_->handle.get(), context_->key.data(), context_->key.size(), parameters) == 1,
            "GMAC takes a 16-byte key");
}

void chunk_checker::add(std::span<const std::byte> bytes) {
    ensures(EVP_MAC_update(context_->handle.get(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()) == 1,
            "GMAC accepts bytes");
}

chunk_check chunk_checker::finish() {
    chunk_check value{};
    std::size_t n = 0;
    ensures(EVP_MAC_final(context_->handle.get(), value.data(), &n, value.size()) == 1 && n == value.size(),
            "GMAC yields 16 bytes");
    return value;
}

chunk_check chunk_checker::of(std::span<const std::byte> bytes) {
    start();
    add(bytes);
    return finish();
}

} // namespace forge
