// SPDX-License-Identifier: AGPL-3.0-only
// The last 64 bytes of a checkpoint. Private to libactors/wire.
#pragma once

#include "libactors/base/hash.hpp"
#include "libactors/base/result.hpp"
#include "libactors/wire/checkpoint_layout.hpp"

#include <span>

namespace forge {

using checkpoint_trailer = std::array<std::byte, checkpoint_trailer_bytes>;

/// @param before  SHA-256 of all bytes before the trailer.  @param total  length of the file with the trailer.
[[nodiscard]] checkpoint_trailer make_trailer(const digest& before, std::uint64_t total);

/// Hashes the whole file and compares the trailer byte by byte with what it must be, so that no bit of it is free.
/// @return errc::malformed (cut short, or longer than it says) or errc::checksum_mismatch.
[[nodiscard]] result<void> check_trailer(std::span<const std::byte> file);

} // namespace forge
