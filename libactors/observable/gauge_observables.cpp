// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/observable/gauge_observables.hpp"

namespace forge {

configuration_numbers measure(gauge_workspace& fields) {
    configuration_numbers n;
    n.sums = fields.plaquette();
    n.polyakov = fields.polyakov_loop();
    n.state = fields.fingerprint();
    return n;
}

plaquette_averages averages_of(const plaquette_sums& sums, const extents& l) {
    const double planes = 9.0 * static_cast<double>(l.volume()); // 3 planes, colour 3
    return {sums.spatial / planes, sums.temporal / planes};
}

double gauge_action(const plaquette_sums& sums, const extents& l, double beta) {
    return beta * (6.0 * static_cast<double>(l.volume()) - (sums.spatial + sums.temporal) / 3.0);
}

} // namespace forge
