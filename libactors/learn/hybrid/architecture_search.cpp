// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/hybrid/architecture_search.hpp"

#include "libactors/base/contract.hpp"
#include "libactors/numerics/counter_rng.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace forge {

namespace {

enum class draw_kind : std::uint32_t { shape = 0x61726368, input = 0x696e7075, noise = 0x6e6f6973 };

philox_block draw(std::uint64_t seed, draw_kind kind, std::uint32_t a, std::uint32_t b, std::uint32_t c = 0) {
    return philox4x32({c, b, a, static_cast<std::uint32_t>(kind)}, {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
}

double log_uniform(double low, double high, double u) { return low * std::pow(high / low, u); }

} // namespace

reservoir_shape search_candidate(const search_options& o, std::uint32_t inputs, std::size_t k) {
    expects(!o.units.empty(), "sizes to choose from");
    const auto u = [&](std::uint32_t which) { return angle_uniform(draw(o.seed, draw_kind::shape, static_cast<std::uint32_t>(k), which)); };
    reservoir_shape s;
    s.inputs = inputs;
    s.units = o.units[std::min(o.units.size() - 1, static_cast<std::size_t>(u(0) * static_cast<double>(o.units.size())))];
    s.spectral_radius = 0.5 + 0.7 * u(1);
    s.leak = log_uniform(0.1, 1.0, u(2));
    s.connectivity = log_uniform(0.05, 0.5, u(3));
    s.input_scale = log_uniform(0.1, 1.0, u(4));
    s.seed = o.seed + k;
    return s;
}

result<std::vector<search_row>> search_architecture(std::span<const labelled_sequence> all, std::uint32_t inputs, dense_engine& host,
                                                    dense_engine& device, const search_options& o) {
    std::set<sample_role> roles;
    for (const auto& s : all)
        roles.insert(s.role);
    if (roles.size() != 3 || o.candidates == 0 || o.units.empty())
        return error{errc::invalid_argument, "a search needs candidates, sizes, and groups for training, validation and test", "architecture search",
                     "more groups; split_by_group"};
    const hybrid_options software{.readouts = readout_place::host};
    const hybrid_options deployed{.readouts = readout_place::host, .int4_tolerance = std::numeric_limits<double>::infinity()};
    std::vector<search_row> rows;
    for (std::size_t k = 0; k < o.candidates; ++k) {
        const auto shape = search_candidate(o, inputs, k);
        const auto p = train_classifier(shape, all, host, {}, software);
        if (!p) {
            if (p.reason().code == errc::numerics_failed) // a draw without a loop is no candidate
                continue;
            return p.reason();
        }
        const auto judged = classify(*p, all, sample_role::validation, host, {}, software);
        if (!judged)
            return judged.reason();
        rows.push_back({k, shape, judged->balanced_accuracy(), {}, {}, {}, {}});
    }
    std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.validation > b.validation; });
    for (std::size_t k = 0; k < std::min(o.deployed, rows.size()); ++k) {
        auto& row = rows[k];
        const auto p = train_classifier(row.shape, all, host, {}, software);
        if (!p)
            return p.reason();
        const auto tuned = retrain_classifier(*p, all, host, {&device}, deployed);
        if (!tuned)
            return tuned.reason();
        const auto f32 = classify(*p, all, sample_role::test, host, {}, software);
        const auto raw = classify(*p, all, sample_role::test, host, {&device}, deployed);
        const auto after = classify(*tuned, all, sample_role::test, host, {&device}, deployed);
        for (const auto* r : {&f32, &raw, &after})
            if (!*r)
                return r->reason();
        row.test_f32 = f32->balanced_accuracy();
        row.test_deployed = raw->balanced_accuracy();
        row.test_tuned = after->balanced_accuracy();
        row.tuned_to_f32 = compare_paired(f32->right, after->right, f32->group);
    }
    return rows;
}

std::vector<labelled_sequence> synthetic_task(std::uint32_t inputs, std::size_t n, std::size_t rows, std::uint64_t seed) {
    constexpr std::uint32_t asked_from = 10;
    constexpr double noise = 0.3;
    std::vector<labelled_sequence> all;
    for (std::uint32_t k = 0; k < n; ++k) {
        labelled_sequence s;
        s.group = k;
        for (std::uint32_t t = 0; t < rows; ++t) {
            for (std::uint32_t c = 0; c < inputs; ++c)
                s.inputs.push_back(static_cast<float>(normal_pair(draw(seed, draw_kind::input, k, t, c))[0]));
            if (t < asked_from) {
                s.labels.push_back(std::numeric_limits<float>::quiet_NaN());
                continue;
            }
            const double one_ago = static_cast<double>(s.inputs[std::size_t{t - 1} * inputs]),
                         three_ago = static_cast<double>(s.inputs[std::size_t{t - 2} * inputs - 1]);
            s.labels.push_back(one_ago + 0.7 * three_ago + noise * normal_pair(draw(seed, draw_kind::noise, k, t))[0] > 0.0 ? 1.0f : 0.0f);
        }
        all.push_back(std::move(s));
    }
    split_by_group(all, seed);
    return all;
}

} // namespace forge
