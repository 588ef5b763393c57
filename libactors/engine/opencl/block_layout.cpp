// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/opencl/block_layout.hpp"

#include "libactors/base/contract.hpp"

namespace forge::opencl {

std::uint32_t fitting_width(const extents& l, std::uint32_t wanted) {
    std::uint32_t width = 1;
    for (std::size_t mu = 0; mu < 3 && 2 * width <= wanted && l.n[mu] % 2 == 0; ++mu)
        width *= 2;
    return width;
}

block_layout make_block_layout(const extents& l, std::uint32_t width) {
    expects(fitting_width(l, width) == width, "the extents can be cut for this width");
    block_layout b;
    b.lattice = l;
    b.width = width;
    std::array<bool, 4> cut{};
    for (std::uint32_t mu = 0, w = width; mu < 3 && w > 1; ++mu, w /= 2)
        cut[mu] = true;
    for (std::size_t mu = 0; mu < 4; ++mu)
        b.outer[mu] = cut[mu] ? l.n[mu] / 2 : l.n[mu];
    std::uint32_t stride = 1;
    for (std::size_t mu = 0; mu < 3; ++mu) {
        b.lane_stride[mu] = cut[mu] ? b.outer[mu] * stride : 0;
        stride *= l.n[mu];
    }
    const extents blocks{b.outer};
    b.n_blocks = static_cast<std::int32_t>(blocks.volume());
    for (std::size_t block = 0; block < blocks.volume(); ++block) {
        const auto x = coordinates_of(blocks, block);
        b.rank0.push_back(static_cast<std::uint32_t>(site_rank(l, x)));
        for (std::size_t mu = 0; mu < 4; ++mu)
            for (const int step : {1, -1}) {
                const bool wraps = step > 0 ? x[mu] + 1 == b.outer[mu] : x[mu] == 0;
                const int mask = wraps && cut[mu] ? 1 << mu : 0;
                b.neighbours.push_back(static_cast<std::int32_t>(neighbour(blocks, block, mu, step)) << 3 | mask);
            }
    }
    return b;
}

} // namespace forge::opencl
