// SPDX-License-Identifier: AGPL-3.0-only
// First four bytes of gauge files, as big-endian numbers unless said otherwise.
#pragma once

#include <cstdint>

namespace forge::formats {

inline constexpr std::uint32_t magic_nersc = 0x42454749; // "BEGI" of BEGIN_HEADER
inline constexpr std::uint32_t magic_lime = 0x456789ab;
inline constexpr std::uint32_t magic_milc_v5 = 20103;    // in either byte order
inline constexpr std::uint32_t magic_milc_v4 = 59354;    // in either byte order
inline constexpr std::uint32_t magic_milc_1996 = 0xd12a; // in either byte order; refused by name
inline constexpr std::uint32_t magic_fnal = 0x71626434;  // in either byte order; refused by name

} // namespace forge::formats
