// SPDX-License-Identifier: AGPL-3.0-only
// Program files of the conductor's device: Cap'n Proto, versioned, hashed (schemas/npu_program.capnp).
#pragma once

#include "libactors/base/hash.hpp"
#include "libactors/base/result.hpp"
#include "libactors/learn/npu_program.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace forge {

/// Version that this program writes; stored on disk.
inline constexpr std::uint32_t npu_program_format_version = 1;
/// What a reader looks at, at most: a reservoir of 4,096 units on 4,096 inputs is 128 MiB.
inline constexpr std::size_t npu_program_bytes_max = std::size_t{256} << 20;

/// @return errc::invalid_argument when the program is not sound (validate), or larger than npu_program_bytes_max.
[[nodiscard]] result<std::vector<std::byte>> encode_npu_program(const npu_program& p);

struct stored_npu_program {
    npu_program program;
    digest sha256{}; ///< of the payload: the program's identity
};
/// Every byte is checked: the hash before the payload is looked at, the program's soundness after.
/// @return errc::malformed, errc::version_too_new, errc::checksum_mismatch; errc::invalid_argument for a program that is not sound.
[[nodiscard]] result<stored_npu_program> decode_npu_program(std::span<const std::byte> file);

} // namespace forge
