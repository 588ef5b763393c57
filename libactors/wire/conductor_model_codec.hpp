// SPDX-License-Identifier: AGPL-3.0-only
// A trained conductor as a Cap'n Proto message and a hash (schemas/conductor_model.capnp).
#pragma once

#include "libactors/base/result.hpp"
#include "libactors/control/conductor/trained_model.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace forge {

/// Version that this program writes; stored on disk.
inline constexpr std::uint32_t conductor_model_version = 1;
inline constexpr std::uint64_t conductor_model_bytes_max = std::uint64_t{1} << 30;
/// What the readouts may take when read: an inverse that many of them name stands in the file once. 60 readouts of 2,048 units are 2 GB.
inline constexpr std::uint64_t conductor_model_memory_max = std::uint64_t{4} << 30;

/// Deterministic: equal models give equal bytes. Writing the file durably is the caller's (checkpoint_store::put).
/// @return errc::unsupported when the model is larger than the limits, in the file or in memory.
[[nodiscard]] result<std::vector<std::byte>> encode_model(const conductor_model& m);

/// Reads a model and believes nothing: whole-file hash, every size before it is used, every number finite.
/// Predictions, variances and recursive updates go on as in the model that was written.
///
/// @param features  the feature version of whoever asks; a model of another one (0 apart: weights from elsewhere) is refused.
/// @return errc::malformed, errc::checksum_mismatch, errc::version_too_new, errc::conflict (other features), errc::unsupported (too large).
[[nodiscard]] result<conductor_model> decode_model(std::span<const std::byte> bytes, std::uint32_t features = feature_version);

} // namespace forge
