// SPDX-License-Identifier: AGPL-3.0-only
// The two messages of joining. Both travel inside TLS; the invite's secret is in neither.
#pragma once

#include "libactors/base/hash.hpp"
#include "libactors/base/result.hpp"
#include "libactors/transport/allow_list.hpp"
#include "libactors/transport/hello.hpp"
#include "libactors/transport/identity.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace forge {

/// Layout: u16 version twice (lowest, highest), u64 invite, 32 bytes proof, text name, text request.
struct join_ask {
    version_range versions = spoken_versions;
    std::uint64_t invite = 0;
    digest proof{};          ///< join_proof of the joiner
    std::string name;        ///< the name that it wants; see is_node_name
    std::string request_pem; ///< at most request_bytes_max
    friend bool operator==(const join_ask&, const join_ask&) = default;
};

/// Layout: 32 bytes proof, text cluster, text certificate, text authority, text allow-list.
struct join_grant {
    digest proof{};       ///< join_proof of the coordinator
    std::string cluster;  ///< cluster id
    std::string certificate_pem;
    std::string authority_pem;
    allow_list nodes; ///< the joiner included
    friend bool operator==(const join_grant&, const join_grant&) = default;
};

inline constexpr std::size_t certificate_bytes_max = 4096; ///< PEM; ours have about 800
inline constexpr std::size_t join_ask_bytes_max = 48 + 8 + 63 + request_bytes_max;
inline constexpr std::size_t join_grant_bytes_max =
    32 + 16 + 63 + 2 * certificate_bytes_max + allow_list_nodes_max * (64 + 9 + 63 + 1);

[[nodiscard]] std::vector<std::byte> encode(const join_ask& ask);
[[nodiscard]] std::vector<std::byte> encode(const join_grant& grant);
/// @return errc::malformed naming the field.
[[nodiscard]] result<join_ask> decode_join_ask(std::span<const std::byte> bytes);
[[nodiscard]] result<join_grant> decode_join_grant(std::span<const std::byte> bytes);

} // namespace forge
