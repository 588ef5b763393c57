// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/hmc/validation.hpp"

#include "libactors/observable/gauge_observables.hpp"

#include <cmath>
#include <cstdio>

namespace forge {

namespace {

std::string in_words(const char* what, double is, double bound) {
    char text[160];
    std::snprintf(text, sizeof text, "%s differs by %.3g where %.3g is allowed", what, is, bound);
    return text;
}

} // namespace

evaluation evaluate(gauge_workspace& fields, const gauge_field& links, const segment_params& params, const noise_id& next, bool test) {
    evaluation e;
    e.precision = params.precision;
    fields.set_arithmetic(params.precision);
    fields.upload(links);
    auto current = measure(fields);
    e.sums = current.sums;
    e.polyakov_re = current.polyakov.real();
    e.polyakov_im = current.polyakov.imag();
    e.state = current.state;
    // A kick of unit length from rest leaves the force itself as momenta; T = -sum tr P^2.
    fields.upload_momenta(momentum_field(fields.shape()));
    fields.kick(params.beta, 1.0);
    e.force_rms = std::sqrt(fields.kinetic_energy() / (4.0 * static_cast<double>(fields.shape().volume())));
    e.twin = run_trajectory(fields, params, next, test, current);
    e.state_after = current.state;
    return e;
}

evaluation_difference difference_of(const evaluation& a, const evaluation& b, const extents& lattice) {
    evaluation_difference d;
    d.same_state = a.state == b.state;
    d.same_bits = d.same_state && a.sums == b.sums && a.polyakov_re == b.polyakov_re && a.polyakov_im == b.polyakov_im && a.force_rms == b.force_rms &&
                  a.twin == b.twin && a.state_after == b.state_after;
    d.same_decision = a.twin.accepted == b.twin.accepted;
    const auto pa = averages_of(a.sums, lattice), pb = averages_of(b.sums, lattice);
    d.plaquette = std::abs(0.5 * (pa.spatial + pa.temporal) - 0.5 * (pb.spatial + pb.temporal));
    d.polyakov = std::hypot(a.polyakov_re - b.polyakov_re, a.polyakov_im - b.polyakov_im);
    d.force = a.force_rms > 0.0 ? std::abs(a.force_rms - b.force_rms) / a.force_rms : b.force_rms;
    d.delta_h = std::abs(a.twin.delta_h - b.twin.delta_h);
    return d;
}

namespace {

/// Eight momentum components a link of mean square 1/2 each, four links a site: T is about 16 V.
double hamiltonian_scale(const evaluation& e, const extents& lattice, double beta) {
    return 16.0 * static_cast<double>(lattice.volume()) + std::abs(gauge_action(e.sums, lattice, beta));
}

void hold(validation_verdict& v, const char* what, double is, double allowed) {
    if (!(is <= allowed)) // not a number is beyond every bound
        v.problems.push_back(in_words(what, is, allowed));
}

} // namespace

validation_verdict judge(const committed_evaluation& committed, const evaluation& seen, const extents& lattice, double beta, bool same_class,
                         const validation_bounds& bounds) {
    validation_verdict v;
    const auto p = averages_of(seen.sums, lattice);
    const auto& o = committed.observed;
    if (!(committed.state == seen.state)) {
        v.problems.emplace_back("the links are not those of the record");
    } else if (same_class) {
        if (p.spatial != o.plaquette_spatial || p.temporal != o.plaquette_temporal || seen.polyakov_re != o.polyakov_re || seen.polyakov_im != o.polyakov_im)
            v.problems.emplace_back("plaquette or Polyakov loop have other bits than the record");
        if (committed.next && !(seen.twin == *committed.next && seen.state_after == *committed.next_state))
            v.problems.emplace_back("the twin trajectory has other bits than the chain's own");
    } else {
        hold(v, "the mean plaquette", std::abs(0.5 * (p.spatial + p.temporal) - o.plaquette()), bounds.plaquette);
        hold(v, "the Polyakov loop", std::hypot(seen.polyakov_re - o.polyakov_re, seen.polyakov_im - o.polyakov_im), bounds.polyakov);
        if (committed.next)
            hold(v, "dH of the twin trajectory", std::abs(seen.twin.delta_h - committed.next->delta_h), bounds.delta_h_per_h * hamiltonian_scale(seen, lattice, beta));
    }
    v.passed = v.problems.empty();
    return v;
}

validation_verdict judge(const evaluation_difference& d, const evaluation& reference, const extents& lattice, double beta, bool same_class,
                         const validation_bounds& bounds) {
    validation_verdict v;
    if (!d.same_state)
        v.problems.emplace_back("the links are not the same: nothing else can be compared");
    else if (same_class && !d.same_bits)
        v.problems.emplace_back("two devices of one bits class differ: one of them computes wrongly");
    hold(v, "the mean plaquette", d.plaquette, bounds.plaquette);
    hold(v, "the Polyakov loop", d.polyakov, bounds.polyakov);
    hold(v, "the force (relative)", d.force, bounds.force);
    hold(v, "dH of the twin trajectory", d.delta_h, bounds.delta_h_per_h * hamiltonian_scale(reference, lattice, beta));
    v.passed = v.problems.empty();
    return v;
}

} // namespace forge
