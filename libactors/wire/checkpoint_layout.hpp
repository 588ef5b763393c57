// SPDX-License-Identifier: AGPL-3.0-only
// How a lattice is cut into chunks, and the numbers that both directions share. Private to libactors/wire.
#pragma once

#include "libactors/lattice/gauge_field.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace forge {

inline constexpr std::uint64_t chunk_bytes_max = 16u << 20; ///< of links in one message, unless one z-plane is larger
inline constexpr std::uint64_t plane_bytes_max = (1u << 29) - 1; ///< Cap'n Proto's longest Data
inline constexpr std::size_t checkpoint_trailer_bytes = 64; ///< segment table, root pointer, struct, 32 bytes of hash
inline constexpr std::size_t seed_bytes_max = 4096;         ///< campaign seed and numerics version
inline constexpr std::size_t provenance_bytes_max = 65536;
/// First eight bytes of the manifest's data: "MFCHKPT" and 0, as a little-endian number.
inline constexpr std::uint64_t checkpoint_magic = 0x0054504b4843464d;

/// Chunks of whole time slices, as many as fit; of whole z-planes when a slice does not fit.
struct chunk_layout {
    std::uint64_t plane_bytes = 0; ///< links of one (z, t)
    std::uint64_t planes = 0;      ///< n_z n_t
    std::uint64_t per_chunk = 0;   ///< planes in every chunk but the last

    explicit chunk_layout(const extents& l)
        : plane_bytes(std::uint64_t{l.n[0]} * l.n[1] * n_directions * reals_per_link * sizeof(double)),
          planes(std::uint64_t{l.n[2]} * l.n[3]) {
        const std::uint64_t slice_bytes = plane_bytes * l.n[2];
        per_chunk = slice_bytes <= chunk_bytes_max ? chunk_bytes_max / slice_bytes * l.n[2]
                                                   : std::max<std::uint64_t>(1, chunk_bytes_max / plane_bytes);
    }
    [[nodiscard]] std::uint64_t chunks() const { return (planes + per_chunk - 1) / per_chunk; }
    [[nodiscard]] std::uint64_t first(std::uint64_t chunk) const { return chunk * per_chunk; }
    [[nodiscard]] std::uint64_t count(std::uint64_t chunk) const { return std::min(per_chunk, planes - first(chunk)); }
};

} // namespace forge
