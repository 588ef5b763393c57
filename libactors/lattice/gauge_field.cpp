// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/lattice/gauge_field.hpp"

#include <cmath>

namespace forge {

gauge_field cold_start(const extents& l) {
    gauge_field links(l);
    const su3 one = identity();
    for (std::size_t s = 0; s < l.volume(); ++s)
        for (std::size_t mu = 0; mu < n_directions; ++mu)
            links.set_link(s, mu, one);
    return links;
}

group_deviation deviation_from_group(const gauge_field& links) {
    group_deviation d;
    for (std::size_t s = 0; s < links.shape().volume(); ++s)
        for (std::size_t mu = 0; mu < n_directions; ++mu) {
            const su3 u = links.link(s, mu);
            const double unitarity = unitarity_deviation(u);
            const double det = std::abs(determinant(u) - 1.0);
            if (!std::isfinite(unitarity) || !std::isfinite(det)) {
                d.finite = false;
                d.worst_site = s;
                d.worst_direction = mu;
                return d;
            }
            if (unitarity > d.unitarity) {
                d.unitarity = unitarity;
                d.worst_site = s;
                d.worst_direction = mu;
            }
            d.determinant = std::max(d.determinant, det);
        }
    return d;
}

plaquette_averages host_plaquette(const gauge_field& links) {
    const extents& l = links.shape();
    plaquette_averages p;
    for (std::size_t s = 0; s < l.volume(); ++s)
        for (std::size_t mu = 0; mu < n_directions; ++mu)
            for (std::size_t nu = mu + 1; nu < n_directions; ++nu) {
                const su3 ahead = links.link(s, mu) * links.link(neighbour(l, s, mu, 1), nu);
                const su3 aside = links.link(s, nu) * links.link(neighbour(l, s, nu, 1), mu);
                (nu == 3 ? p.temporal : p.spatial) += trace(ahead * dagger(aside)).real();
            }
    const double planes = 9.0 * static_cast<double>(l.volume()); // 3 planes, colour 3
    p.spatial /= planes;
    p.temporal /= planes;
    return p;
}

double host_link_trace(const gauge_field& links) {
    double sum = 0.0;
    for (std::size_t s = 0; s < links.shape().volume(); ++s)
        for (std::size_t mu = 0; mu < n_directions; ++mu)
            sum += trace(links.link(s, mu)).real();
    return sum / (3.0 * static_cast<double>(links.shape().links()));
}

} // namespace forge
