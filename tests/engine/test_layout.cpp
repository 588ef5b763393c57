// SPDX-License-Identifier: AGPL-3.0-only
// The device's layout as pure arithmetic: every site has one place, and neighbours are neighbours.
#include "libactors/base/contract.hpp"
#include "libactors/engine/opencl/block_layout.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace forge;
using namespace forge::opencl;

namespace {

/// Canonical rank of a lane, as kernels_cl/prelude.clh computes it.
std::size_t rank_of(const block_layout& b, std::size_t block, std::uint32_t lane) {
    return b.rank0[block] + (lane & 1u) * b.lane_stride[0] + (lane >> 1 & 1u) * b.lane_stride[1] + (lane >> 2 & 1u) * b.lane_stride[2];
}

} // namespace

TEST_CASE("the width that fits is the largest that the even extents allow") {
    CHECK(fitting_width({{4, 4, 4, 4}}, 8) == 8);
    CHECK(fitting_width({{4, 4, 4, 4}}, 4) == 4);
    CHECK(fitting_width({{4, 4, 4, 4}}, 1) == 1);
    CHECK(fitting_width({{4, 4, 3, 4}}, 8) == 4);
    CHECK(fitting_width({{4, 3, 4, 4}}, 8) == 2);
    CHECK(fitting_width({{3, 4, 4, 4}}, 8) == 1);
    CHECK(fitting_width({{2, 2, 2, 1}}, 8) == 8);
    CHECK_THROWS_AS(make_block_layout({{3, 4, 4, 4}}, 8), contract_broken);
}

TEST_CASE("blocks and lanes hold every site once, and the table's neighbours are the lattice's") {
    for (const extents& l : {extents{{4, 4, 4, 4}}, extents{{4, 6, 2, 8}}, extents{{2, 2, 2, 2}}, extents{{2, 2, 2, 1}},
                             extents{{8, 4, 3, 2}}, extents{{3, 4, 5, 2}}, extents{{1, 2, 3, 1}}})
        for (const std::uint32_t wanted : {1u, 2u, 4u, 8u}) {
            const auto width = fitting_width(l, wanted);
            const auto b = make_block_layout(l, width);
            INFO(to_text(l) << " at width " << width);
            REQUIRE(b.rank0.size() * width == l.volume());
            std::set<std::size_t> sites;
            std::size_t wrong = 0;
            for (std::size_t block = 0; block < b.rank0.size(); ++block)
                for (std::uint32_t lane = 0; lane < width; ++lane) {
                    const auto here = rank_of(b, block, lane);
                    sites.insert(here);
                    for (std::size_t mu = 0; mu < 4; ++mu)
                        for (const int step : {1, -1}) {
                            const auto entry = static_cast<std::uint32_t>(b.neighbours[block * 8 + 2 * mu + (step > 0 ? 0 : 1)]);
                            wrong += rank_of(b, entry >> 3, lane ^ (entry & 7u)) == neighbour(l, here, mu, step) ? 0 : 1;
                        }
                }
            CHECK(sites.size() == l.volume());
            CHECK(wrong == 0);
        }
}
