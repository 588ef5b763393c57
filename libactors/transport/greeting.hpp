// SPDX-License-Identifier: AGPL-3.0-only
// The rules of meeting, without any connection: is this hello acceptable, and how a refusal is said to the peer.
#pragma once

#include "libactors/base/result.hpp"
#include "libactors/transport/hello.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace forge {

/// Judges a peer's hello.
/// @param certified  the name that belongs to the peer's certificate.
/// @return the version agreed on, or errc::version_too_new, errc::conflict (other cluster, this very process, same node
///         id), errc::permission_denied (a name that is not the certificate's).
[[nodiscard]] result<std::uint16_t> judge_hello(const hello& theirs, const hello& ours, std::string_view certified);

/// Payload of a `refused` frame: u8 kind (1 not permitted, 2 versions, 3 conflict, 4 malformed), then words.
[[nodiscard]] std::vector<std::byte> encode_refusal(const error& why);
/// The peer's words as an error of ours. What is not printable ASCII becomes '?': it goes to logs and terminals.
[[nodiscard]] error decode_refusal(std::span<const std::byte> payload, const std::string& where);

} // namespace forge
