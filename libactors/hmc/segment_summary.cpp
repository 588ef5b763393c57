// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/hmc/segment_summary.hpp"

#include <cmath>
#include <vector>

namespace forge {

segment_summary summarise(std::span<const physics_record> records, const extents& l) {
    const auto series = [&](auto value) {
        std::vector<double> x;
        for (const auto& r : records)
            if (r.measured)
                x.push_back(value(r.observed));
        return x;
    };
    using o = const trajectory_observables&;
    const auto p = series([](o t) { return t.plaquette(); });
    const auto loop = series([](o t) { return std::hypot(t.polyakov_re, t.polyakov_im); });
    segment_summary s;
    s.n = p.size();
    s.plaquette = gamma_method(p);
    s.plaquette_spatial = gamma_method(series([](o t) { return t.plaquette_spatial; }));
    s.plaquette_temporal = gamma_method(series([](o t) { return t.plaquette_temporal; }));
    s.action_density = gamma_method(series([](o t) { return t.action_density; }));
    s.polyakov_re = gamma_method(series([](o t) { return t.polyakov_re; }));
    s.polyakov_im = gamma_method(series([](o t) { return t.polyakov_im; }));
    s.polyakov_abs = gamma_method(loop);
    s.chi_polyakov = susceptibility(loop, static_cast<double>(l.spatial_volume()));
    s.chi_plaquette = susceptibility(p, static_cast<double>(l.volume()));
    s.exp_minus_delta_h = gamma_method(series([](o t) { return t.exp_minus_delta_h; }));
    s.delta_h = gamma_method(series([](o t) { return t.delta_h; }));
    s.acceptance = gamma_method(series([](o t) { return t.accepted ? 1.0 : 0.0; }));
    return s;
}

} // namespace forge
