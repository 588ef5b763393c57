// SPDX-License-Identifier: AGPL-3.0-only
// Gauge fields for tests, from a printed seed.
#pragma once

#include "libactors/lattice/gauge_field.hpp"

#include <random>

namespace forge::testing {

/// Links scattered over the whole group (Gaussian rows, orthonormalised; not exactly Haar, which no test needs).
inline gauge_field random_field(const extents& l, std::uint64_t seed) {
    std::mt19937_64 generator(seed);
    std::normal_distribution<double> normal;
    gauge_field links(l);
    for (std::size_t s = 0; s < l.volume(); ++s)
        for (std::size_t mu = 0; mu < n_directions; ++mu) {
            su3 u;
            for (auto& z : u.e)
                z = {normal(generator), normal(generator)};
            links.set_link(s, mu, reunitarise(u));
        }
    return links;
}

} // namespace forge::testing
