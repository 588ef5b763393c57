// SPDX-License-Identifier: AGPL-3.0-only
// A chain's state as a stream of Cap'n Proto messages, byte by byte in docs/formats/checkpoint.md.
#pragma once

#include "libactors/base/result.hpp"
#include "libactors/hmc/chain_state.hpp"
#include "libactors/hmc/trajectory.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace forge {

/// Version that this program writes; stored on disk.
inline constexpr std::uint32_t checkpoint_format_version = 1;

/// Everything in a checkpoint but the links.
struct checkpoint_manifest {
    std::uint32_t format_version = checkpoint_format_version;
    extents shape;
    std::string action;           ///< "wilson"
    std::string numerics_version; ///< of the program that wrote it; what changes rounding changes this text
    chain_id chain;
    std::string campaign_seed;
    std::uint64_t rng_key = 0; ///< equals rng_key(campaign_seed, chain): checked on reading
    segment_no segment;
    std::uint64_t segment_first = 1;
    segment_params params;
    std::uint64_t trajectory = 0;
    digest head{};
    state_hash state;
    plaquette_averages plaquette;
    std::string provenance;
    std::uint32_t n_chunks = 0; ///< messages of links that follow
};

/// What the writer says about itself, beside the state.
struct encode_options {
    std::string numerics_version = std::to_string(forge::numerics_version);
};

/// What a reader is willing to accept. The defaults allow every lattice that fits a 64-bit machine's disk.
struct decode_limits {
    std::uint64_t max_bytes = std::uint64_t{1} << 40; ///< of the whole file
    std::uint64_t max_sites = std::uint64_t{1} << 30; ///< lattice volume
    double unitarity = 1e-10;                         ///< max |(U U^dag - 1)_ij| and max |det U - 1|
    double plaquette = 1e-12;                         ///< |recomputed - stored|, spatial and temporal each
};

/// Hands the bytes of a checkpoint to `sink`, in order, in pieces of at most about 16 MiB. Deterministic: equal
/// states give equal bytes.
///
/// @return the sink's error, or errc::invalid_argument when a text is too long (seed and numerics version 4096 bytes,
///         provenance 65536) or the lattice is empty, errc::unsupported when one z-plane exceeds 512 MiB.
[[nodiscard]] result<void> encode_checkpoint(const chain_state& state,
                                             const std::function<result<void>(std::span<const std::byte>)>& sink,
                                             const encode_options& options = {});

/// Reads a checkpoint and believes nothing: whole-file hash, every size before it is used, every chunk's hash,
/// unitarity, determinant, plaquette. A file that differs from what encode_checkpoint wrote in any bit is refused.
/// Does not check `state.state`: that takes a device or the reference engine.
///
/// @param bytes  the whole file; read in place when it starts on an 8-byte boundary (a mapping does), else copied.
/// @return errc::malformed, errc::checksum_mismatch, errc::physics_mismatch, errc::unsupported or
///         errc::version_too_new; `where` names the message or the byte.
[[nodiscard]] result<chain_state> decode_checkpoint(std::span<const std::byte> bytes, const decode_limits& limits = {});

/// The manifest alone, from the first message; the rest of the file is not looked at and nothing is verified
/// beyond the manifest's own consistency. For listings.
[[nodiscard]] result<checkpoint_manifest> read_manifest(std::span<const std::byte> bytes,
                                                        const decode_limits& limits = {});

} // namespace forge
