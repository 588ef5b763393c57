// SPDX-License-Identifier: AGPL-3.0-only
// Where a site lives on the device: block and lane (kernels_cl/prelude.clh).
#pragma once

#include "libactors/lattice/extents.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace forge::opencl {

/// Lattice of n_x n_y n_z n_t sites as blocks of `width` sites, one per sub-lattice.
struct block_layout {
    extents lattice;
    std::uint32_t width = 1;
    std::array<std::uint32_t, 4> outer{};       ///< blocks along each direction
    std::array<std::uint32_t, 4> lane_stride{}; ///< rank offset of the lane bits x, y, z; [3] unused
    std::int32_t n_blocks = 0;
    std::vector<std::uint32_t> rank0;      ///< [block] canonical rank of lane 0
    std::vector<std::int32_t> neighbours;  ///< [block][direction][forward, backward]: block << 3 | lane mask
};

/// Largest of 8, 4, 2, 1 that is <= `wanted` and whose cut directions have even extents.
[[nodiscard]] std::uint32_t fitting_width(const extents& l, std::uint32_t wanted);

[[nodiscard]] block_layout make_block_layout(const extents& l, std::uint32_t width);

} // namespace forge::opencl
