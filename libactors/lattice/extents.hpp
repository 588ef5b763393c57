// SPDX-License-Identifier: AGPL-3.0-only
// The size of a lattice and the one canonical numbering of its sites.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace forge {

inline constexpr std::size_t n_directions = 4; ///< mu = 0,1,2,3 = x,y,z,t

/// n_x, n_y, n_z, n_t in sites. Canonical site rank r = x + n_x (y + n_y (z + n_z t)): x fastest, t slowest.
struct extents {
    std::array<std::uint32_t, 4> n{1, 1, 1, 1};

    [[nodiscard]] std::size_t volume() const { return std::size_t{n[0]} * n[1] * n[2] * n[3]; }
    [[nodiscard]] std::size_t spatial_volume() const { return std::size_t{n[0]} * n[1] * n[2]; }
    [[nodiscard]] std::size_t links() const { return n_directions * volume(); }
    friend bool operator==(const extents&, const extents&) = default;
};

using site_coordinates = std::array<std::uint32_t, 4>;

[[nodiscard]] inline std::size_t site_rank(const extents& l, const site_coordinates& x) {
    return x[0] + l.n[0] * (x[1] + l.n[1] * (x[2] + std::size_t{l.n[2]} * x[3]));
}

[[nodiscard]] inline site_coordinates coordinates_of(const extents& l, std::size_t rank) {
    site_coordinates x{};
    for (std::size_t mu = 0; mu < 4; ++mu) {
        x[mu] = static_cast<std::uint32_t>(rank % l.n[mu]);
        rank /= l.n[mu];
    }
    return x;
}

/// Rank of x + steps * mu-hat on the periodic lattice; steps is +1 or -1.
[[nodiscard]] inline std::size_t neighbour(const extents& l, std::size_t rank, std::size_t mu, int steps) {
    auto x = coordinates_of(l, rank);
    x[mu] = steps > 0 ? (x[mu] + 1 == l.n[mu] ? 0 : x[mu] + 1) : (x[mu] == 0 ? l.n[mu] - 1 : x[mu] - 1);
    return site_rank(l, x);
}

/// "8x8x8x4"
[[nodiscard]] inline std::string to_text(const extents& l) {
    return std::to_string(l.n[0]) + "x" + std::to_string(l.n[1]) + "x" + std::to_string(l.n[2]) + "x" +
           std::to_string(l.n[3]);
}

} // namespace forge
