// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/hybrid/mapping.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace forge {

namespace {

constexpr auto identity_head = "state of the reservoir"; ///< validate() does not keep a head from this name; dense validate() then refuses

bool quantises(const dense_engine& e) { return e.about().weight_bits < 32; }

/// A layer whose ranges reach as far as its weights may go later: mapped with `range` in every row, then overwritten.
std::vector<float> range_rows(std::size_t rows, std::size_t columns, float range) {
    std::vector<float> w(rows * columns, 0.0f);
    for (std::size_t r = 0; r < rows; ++r)
        w[r * columns] = range;
    return w;
}

} // namespace

float scale_trick(std::span<const float> w, std::size_t columns) {
    float top = 0.0f;
    for (const float x : w)
        top = std::max(top, std::abs(x));
    if (!(top > 0.0f))
        return 1.0f;
    const double wanted = std::clamp(0.05 / (3.0 * static_cast<double>(top) * std::sqrt(static_cast<double>(columns))), std::ldexp(1.0, -19), 1.0);
    return static_cast<float>(std::exp2(std::floor(std::log2(wanted))));
}

std::vector<float> columns_of(const program_head& h, std::size_t units, std::size_t first, std::size_t rows) {
    std::vector<float> w;
    for (std::size_t c = 0; c < h.spec.dim; ++c) {
        const auto from = h.weights.begin() + static_cast<std::ptrdiff_t>(c * units + first);
        w.insert(w.end(), from, from + static_cast<std::ptrdiff_t>(rows));
    }
    return w;
}

std::vector<float> all_readouts(const npu_program& p) {
    std::vector<float> w;
    for (const auto& h : p.heads)
        w.insert(w.end(), h.weights.begin(), h.weights.end());
    return w;
}

result<mapped_chunk> map_chunk(dense_engine& e, const npu_program& p, std::size_t number, unit_range range, const chunk_options& o) {
    const std::uint32_t columns = p.inputs + p.units;
    const auto rows = static_cast<std::uint32_t>(range.rows);
    mapped_chunk chunk{&e, 0, range.first, range.rows, mapped_chunk::answer_kind::values, 1.0f};
    const auto from = p.reservoir.begin() + static_cast<std::ptrdiff_t>(range.first * columns);
    std::vector<float> w(from, from + static_cast<std::ptrdiff_t>(range.rows * columns));
    dense_program d{fmt::format("{} ({})", p.name, number), {{"reservoir", columns, rows, {}, o.native, o.native ? o.relu_bound : 0.0f}}, {}};
    if (!o.native && quantises(e) && o.path == linear_path::split) {
        chunk.answer = mapped_chunk::answer_kind::halves;
        chunk.divide = scale_trick(w, columns);
        for (auto& x : w)
            x *= chunk.divide;
        const std::size_t half = w.size();
        w.reserve(2 * half);
        for (std::size_t k = 0; k < half; ++k)
            w.push_back(-w[k]);
        d.trunk.front().outputs = 2 * rows;
        d.trunk.front().rectified = true;
        d.trunk.front().bound = o.split_bound * chunk.divide;
    }
    d.trunk.front().weights = std::move(w);
    if (o.heads_in_pass) {
        chunk.answer = mapped_chunk::answer_kind::values_and_heads;
        std::vector<float> identity(range.rows * range.rows, 0.0f);
        for (std::size_t k = 0; k < range.rows; ++k)
            identity[k * range.rows + k] = 1.0f;
        d.heads.push_back({identity_head, rows, rows, std::move(identity), false});
        for (const auto& h : p.heads)
            d.heads.push_back(
                {h.spec.name, rows, h.spec.dim,
                 o.readout_range > 0.0f ? range_rows(h.spec.dim, rows, o.readout_range) : columns_of(h, p.units, range.first, range.rows), false});
    }
    const auto id = e.map(d, p.examples);
    if (!id)
        return id.reason();
    chunk.id = *id;
    if (o.heads_in_pass && o.readout_range > 0.0f)
        for (const auto& h : p.heads)
            if (auto set = e.set_variable(*id, h.spec.name, columns_of(h, p.units, range.first, range.rows)); !set)
                return set.reason();
    return chunk;
}

void merge(const mapped_chunk& c, std::span<const float> answer, std::span<float> drive, std::span<float> part) {
    for (std::size_t k = 0; k < c.rows; ++k)
        drive[c.first + k] = c.answer == mapped_chunk::answer_kind::halves ? (answer[k] - answer[c.rows + k]) / c.divide : answer[k];
    if (c.answer == mapped_chunk::answer_kind::values_and_heads)
        for (std::size_t k = 0; k < part.size(); ++k)
            part[k] += answer[c.rows + k];
}

result<mapped_readouts> map_readouts(dense_engine& e, const npu_program& p, float range) {
    const auto weights = all_readouts(p);
    const auto rows = static_cast<std::uint32_t>(weights.size() / p.units);
    const std::size_t width = std::size_t{p.inputs} + p.units;
    std::vector<float> states; // the second half of every example
    for (std::size_t row = 0; row < p.examples.size() / width; ++row) {
        const auto from = p.examples.begin() + static_cast<std::ptrdiff_t>(row * width + p.inputs);
        states.insert(states.end(), from, from + static_cast<std::ptrdiff_t>(p.units));
    }
    const bool ranged = range > 0.0f && quantises(e);
    const auto id =
        e.map({p.name + " (readouts)", {{"readouts", p.units, rows, ranged ? range_rows(rows, p.units, range) : weights, false}}, {}}, states);
    if (!id)
        return id.reason();
    if (ranged)
        if (auto set = e.set_variable(*id, "readouts", weights); !set)
            return set.reason();
    return mapped_readouts{&e, *id};
}

result<std::vector<float>> calibration_rows(const npu_program& p, const hybrid_options& o, std::span<const std::vector<float>> sequences,
                                            std::size_t rows_max) {
    const std::size_t width = std::size_t{p.inputs} + p.units;
    std::size_t total = 0;
    for (const auto& s : sequences) {
        if (auto rows = judge_rows(s, p.inputs, "calibration"); !rows)
            return rows.reason();
        total += s.size() / p.inputs;
    }
    const std::size_t every = std::max<std::size_t>(1, (total + rows_max - 1) / std::max<std::size_t>(1, rows_max));
    const float leak = static_cast<float>(p.leak);
    std::vector<float> kept, both(width), next(p.units);
    std::size_t number = 0;
    for (const auto& s : sequences) {
        std::fill(both.begin(), both.end(), 0.0f);
        for (std::size_t t = 0; t < s.size() / p.inputs; ++t, ++number) {
            std::copy_n(s.begin() + static_cast<std::ptrdiff_t>(t * p.inputs), p.inputs, both.begin());
            if (number % every == 0)
                kept.insert(kept.end(), both.begin(), both.end());
            for (std::size_t r = 0; r < p.units; ++r) {
                float sum = 0.0f;
                for (std::size_t c = 0; c < width; ++c)
                    sum += p.reservoir[r * width + c] * both[c];
                const float f = o.activation == state_activation::tanh ? std::tanh(sum) : std::clamp(sum, 0.0f, o.relu_bound);
                next[r] = (1.0f - leak) * both[p.inputs + r] + leak * f;
            }
            std::copy(next.begin(), next.end(), both.begin() + static_cast<std::ptrdiff_t>(p.inputs));
        }
    }
    return kept;
}

} // namespace forge
