// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/hmc/start.hpp"

#include "libactors/base/hash.hpp"
#include "libactors/hmc/trajectory.hpp"

namespace forge {

gauge_field hot_start(const extents& l, const noise_id& id) {
    gauge_field links(l);
    for (std::size_t s = 0; s < l.volume(); ++s)
        for (std::size_t mu = 0; mu < n_directions; ++mu) {
            su3 u; // rows of independent Gaussian entries point uniformly; the third row follows from the first two
            for (std::uint32_t k = 0; k < 6; ++k) {
                const auto pair = normal_pair(
                    noise_block(id, static_cast<std::uint32_t>(s * n_directions + mu), noise_purpose::start, k));
                u.e[k] = {pair[0], pair[1]};
            }
            links.set_link(s, mu, reunitarise(u));
        }
    return links;
}

std::string bits_class_of(lattice_engine& engine, const arithmetic& a) {
    const extents l{{4, 4, 4, 4}};
    const noise_id noise{0x6D6574616C666F72u, 1, 1};
    const auto fields = engine.allocate(l);
    fields->upload(hot_start(l, noise));
    fields->set_arithmetic(a);
    auto current = measure(*fields);
    segment_params params;
    params.beta = 5.7;
    params.n_steps = 4;
    params.precision = a;
    byte_writer out;
    out.u32(numerics_version);
    for (std::uint64_t i = 1; i <= 2; ++i) {
        const auto o = run_trajectory(*fields, params, {noise.key, i, noise.segment}, true, current);
        out.f64(o.delta_h).f64(o.plaquette_spatial).f64(o.plaquette_temporal).f64(o.polyakov_re).f64(o.polyakov_im);
    }
    const auto state = fields->fingerprint();
    out.u64(state.a).u64(state.b);
    const std::string prefix = a.strategy == precision_strategy::native ? "f64-"
                               : a.strategy == precision_strategy::hybrid ? "df64-" : "mixed-" + std::to_string(a.df64_share) + "-";
    return prefix + to_hex(sha256_of(out.bytes())).substr(0, 16);
}

} // namespace forge
