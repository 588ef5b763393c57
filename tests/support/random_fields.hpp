// SPDX-License-Identifier: AGPL-3.0-only
// Gauge fields for tests, from a printed seed.
#pragma once

#include "libactors/lattice/gauge_field.hpp"
#include "libactors/lattice/momentum_field.hpp"

#include <cmath>
#include <random>

namespace forge::testing {

/// Matrix of independent Gaussian entries.
inline su3 random_matrix(std::mt19937_64& generator) {
    std::normal_distribution<double> normal;
    su3 m;
    for (auto& z : m.e) {
        const double re = normal(generator);
        z = {re, normal(generator)};
    }
    return m;
}

/// Links scattered over the whole group (Gaussian rows, orthonormalised; not exactly Haar, which no test needs).
inline gauge_field random_field(const extents& l, std::uint64_t seed) {
    std::mt19937_64 generator(seed);
    gauge_field links(l);
    for (std::size_t s = 0; s < l.volume(); ++s)
        for (std::size_t mu = 0; mu < n_directions; ++mu)
            links.set_link(s, mu, reunitarise(random_matrix(generator)));
    return links;
}

/// Momenta in the algebra whose typical entry is `size`.
inline momentum_field random_momenta(const extents& l, std::uint64_t seed, double size = 1.0) {
    std::mt19937_64 generator(seed);
    momentum_field momenta(l);
    for (std::size_t s = 0; s < l.volume(); ++s)
        for (std::size_t mu = 0; mu < n_directions; ++mu)
            momenta.set(s, mu, reals_of(complex(size) * project_ta(random_matrix(generator))));
    return momenta;
}

/// U_mu(x) -> g(x) U_mu(x) g(x + mu)^dag with g scattered over the group.
inline gauge_field gauge_transformed(const gauge_field& links, std::uint64_t seed) {
    const extents& l = links.shape();
    std::mt19937_64 generator(seed);
    std::vector<su3> g;
    for (std::size_t s = 0; s < l.volume(); ++s)
        g.push_back(reunitarise(random_matrix(generator)));
    gauge_field turned(l);
    for (std::size_t s = 0; s < l.volume(); ++s)
        for (std::size_t mu = 0; mu < n_directions; ++mu)
            turned.set_link(s, mu, g[s] * links.link(s, mu) * dagger(g[neighbour(l, s, mu, 1)]));
    return turned;
}

/// Constant field strength 2 pi n12 / (n_x n_y) in the xy plane and 2 pi n34 / (n_z n_t) in zt, along diag(1, -1, 0):
/// a solution of the field equations that the torus allows.
inline gauge_field constant_flux(const extents& l, int n12, int n34) {
    const double two_pi = 2.0 * std::acos(-1.0);
    gauge_field links = cold_start(l);
    const auto set = [&](std::size_t s, std::size_t mu, double angle) {
        su3 u = identity();
        u(0, 0) = std::polar(1.0, angle);
        u(1, 1) = std::polar(1.0, -angle);
        links.set_link(s, mu, u);
    };
    for (std::size_t s = 0; s < l.volume(); ++s) {
        const auto x = coordinates_of(l, s);
        const auto plane = [&](std::size_t mu, std::size_t nu, int n) {
            const double angle = two_pi * n / (double(l.n[mu]) * double(l.n[nu]));
            set(s, mu, -angle * x[nu]);
            if (x[nu] + 1 == l.n[nu])
                set(s, nu, angle * double(l.n[nu]) * x[mu]);
        };
        plane(0, 1, n12);
        plane(2, 3, n34);
    }
    return links;
}

} // namespace forge::testing
