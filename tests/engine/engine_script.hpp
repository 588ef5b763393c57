// SPDX-License-Identifier: AGPL-3.0-only
// Every operation of a workspace once, from the same start: what an engine leaves, number by number.
#pragma once

#include "libactors/engine/lattice_engine.hpp"
#include "tests/support/random_fields.hpp"

namespace forge::testing {

struct engine_outcome {
    gauge_field uploaded;         ///< links after upload and download
    momentum_field noise;         ///< momenta of noise {99, 5, 2}
    double kinetic = 0.0;         ///< of those
    momentum_field kicked;        ///< zero momenta after kick(5.7, 1): minus the force
    momentum_field kicked_noise;  ///< the noise after kick(5.7, 0.1)
    gauge_field drifted;          ///< links after drift(0.1) with kicked_noise
    plaquette_sums before, after; ///< of uploaded and of drifted links
    complex loop_before, loop_after;
    gauge_field projected; ///< drifted links, stretched by 1e-7 and reunitarised
    state_hash fingerprint; ///< of projected
};

inline engine_outcome run_script(lattice_engine& engine, const extents& l) {
    engine_outcome o;
    const auto w = engine.allocate(l);
    w->upload(random_field(l, 71));
    o.uploaded = w->download();
    o.before = w->plaquette();
    o.loop_before = w->polyakov_loop();
    w->upload_momenta(momentum_field(l));
    w->kick(5.7, 1.0);
    o.kicked = w->download_momenta();
    w->refresh_momenta({99, 5, 2});
    o.noise = w->download_momenta();
    o.kinetic = w->kinetic_energy();
    w->kick(5.7, 0.1);
    o.kicked_noise = w->download_momenta();
    w->drift(0.1);
    o.drifted = w->download();
    o.after = w->plaquette();
    o.loop_after = w->polyakov_loop();
    auto stretched = random_field(l, 72); // not o.drifted: the same input for every engine
    for (double& v : stretched.reals())
        v *= 1.0 + 1e-7;
    w->upload(stretched);
    w->reunitarise();
    o.projected = w->download();
    o.fingerprint = w->fingerprint();
    return o;
}

inline const extents contract_lattices[] = {{{4, 4, 4, 4}}, {{4, 6, 2, 8}}, {{3, 4, 5, 2}}};

} // namespace forge::testing
