// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/hybrid/attack_transfer.hpp"

#include "libactors/base/contract.hpp"
#include "libactors/numerics/counter_rng.hpp"

#include <cmath>

namespace forge {

namespace {

float sign(float x) { return x > 0.0f ? 1.0f : (x < 0.0f ? -1.0f : 0.0f); }

/// Decision on `u` from `before`; the network is left in the state after it.
result<bool> decision(hybrid_network& n, std::span<const float> before, std::span<const float> u) {
    n.set_state(before);
    if (auto done = n.step(u); !done)
        return done.reason();
    return n.readout(0)[0] > 0.0f;
}

} // namespace

std::vector<float> input_gradient(const npu_program& p, std::span<const float> u, std::span<const float> s) {
    expects(u.size() == p.inputs && s.size() == p.units && !p.heads.empty(), "an input and a state of the program");
    std::vector<float> g(p.inputs, 0.0f);
    const std::size_t width = p.inputs + p.units;
    for (std::size_t r = 0; r < p.units; ++r) {
        const float* w = p.reservoir.data() + r * width;
        float drive = 0.0f;
        for (std::size_t c = 0; c < width; ++c)
            drive += w[c] * (c < p.inputs ? u[c] : s[c - p.inputs]);
        const float f = std::tanh(drive);
        const float back = static_cast<float>(p.leak) * p.heads[0].weights[r] * (1.0f - f * f);
        for (std::size_t c = 0; c < p.inputs; ++c)
            g[c] += back * w[c];
    }
    return g;
}

result<std::vector<attack_row>> attack_transfer(const npu_program& program, const npu_program& deployed, std::span<const labelled_sequence> all,
                                                sample_role role, dense_engine& host, dense_engine& device, const hybrid_options& options,
                                                std::span<const double> epsilons) {
    const auto one_number = [](const npu_program& p) { return p.heads.size() == 1 && p.heads.front().spec.dim == 1; };
    if (!one_number(program) || !one_number(deployed) || program.inputs != deployed.inputs || program.units != deployed.units ||
        options.activation != state_activation::tanh)
        return error{errc::invalid_argument, "the attack is on one head of one component, the same sizes and tanh states", "program " + program.name,
                     ""};
    auto exact = hybrid_network::make(program, host, {}, {.readouts = readout_place::host});
    auto int4 = hybrid_network::make(deployed, host, {&device}, options);
    for (const auto* n : {&exact, &int4})
        if (!*n)
            return n->reason();
    std::vector<attack_row> rows(epsilons.size());
    for (std::size_t e = 0; e < epsilons.size(); ++e)
        rows[e].epsilon = epsilons[e];
    const auto counted = [](rate& r, bool flipped) {
        ++r.n;
        r.k += flipped ? 1 : 0;
    };
    for (std::uint32_t which = 0; which < all.size(); ++which) {
        const auto& s = all[which];
        if (s.role != role)
            continue;
        std::vector<float> f32_state(program.units, 0.0f), int4_state(program.units, 0.0f);
        for (std::uint32_t t = 0; t < s.labels.size(); ++t) {
            const auto u = std::span(s.inputs).subspan(std::size_t{t} * program.inputs, program.inputs);
            const auto f32_clean = decision(*exact, f32_state, u);
            const auto int4_clean = decision(*int4, int4_state, u);
            if (!f32_clean || !int4_clean)
                return f32_clean ? int4_clean.reason() : f32_clean.reason();
            const std::vector<float> f32_next(exact->state().begin(), exact->state().end()), int4_next(int4->state().begin(), int4->state().end());
            if (!std::isnan(s.labels[t])) {
                const auto g = input_gradient(program, u, f32_state);
                const float side_of_z = *f32_clean ? 1.0f : -1.0f;
                for (auto& row : rows) {
                    std::vector<float> attacked(u.begin(), u.end()), shaken = attacked;
                    for (std::uint32_t c = 0; c < program.inputs; ++c) {
                        attacked[c] -= static_cast<float>(row.epsilon) * side_of_z * sign(g[c]);
                        const bool up = (philox4x32({c, t, which, 0x61746b00}, {0, 0})[0] & 1u) != 0;
                        shaken[c] += static_cast<float>(row.epsilon) * (up ? 1.0f : -1.0f);
                    }
                    const auto a = decision(*exact, f32_state, attacked), b = decision(*int4, int4_state, attacked);
                    const auto c = decision(*exact, f32_state, shaken), d = decision(*int4, int4_state, shaken);
                    for (const auto* r : {&a, &b, &c, &d})
                        if (!*r)
                            return r->reason();
                    counted(row.f32_flips, *a != *f32_clean);
                    counted(row.int4_flips, *b != *int4_clean);
                    if (*a != *f32_clean)
                        counted(row.transferred, *b != *int4_clean);
                    counted(row.f32_random, *c != *f32_clean);
                    counted(row.int4_random, *d != *int4_clean);
                }
            }
            f32_state = f32_next;
            int4_state = int4_next;
        }
    }
    return rows;
}

} // namespace forge
