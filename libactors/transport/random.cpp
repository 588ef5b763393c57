// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/transport/random.hpp"

#include "libactors/base/contract.hpp"

#include <cstring>
#include <openssl/rand.h>

namespace forge {

void fill_random(std::span<std::uint8_t> bytes) {
    ensures(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1, "the operating system gives random bytes");
}

std::uint64_t random_u64() {
    const auto bytes = random_array<8>();
    std::uint64_t v = 0;
    std::memcpy(&v, bytes.data(), sizeof v);
    return v;
}

} // namespace forge
