// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/npu/sim_akd1000.hpp"

#include "libactors/engine/npu/int4.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace forge {

namespace {

constexpr int input_top = 127;
constexpr std::int32_t activation_top = 15;

struct device_layer {
    std::string name;
    std::uint32_t inputs = 0;
    std::uint32_t outputs = 0;
    bool rectified = false;
    std::vector<float> scale;            ///< sw by channel
    std::vector<std::uint8_t> weights;   ///< packed, channel after channel
    std::vector<std::int32_t> threshold; ///< by channel; of a rectified layer
    float input_scale = 0.0f;            ///< what one unit of an input is worth
    float output_scale = 0.0f;           ///< what one unit of an activation is worth

    [[nodiscard]] std::size_t row_bytes() const { return (inputs + 1) / 2; }
    void set_channel(std::size_t c, std::span<const std::int8_t> q) {
        const auto packed = pack_int4(q);
        std::copy(packed.begin(), packed.end(), weights.begin() + static_cast<std::ptrdiff_t>(c * row_bytes()));
    }
};

std::int32_t saturated(std::int64_t x) {
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(x, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()));
}

/// Sums of one layer, as the device has them.
void sums_of(const device_layer& l, std::span<const std::int32_t> in, std::vector<std::int32_t>& out) {
    out.assign(l.outputs, 0);
    for (std::size_t c = 0; c < l.outputs; ++c) {
        const std::uint8_t* row = l.weights.data() + c * l.row_bytes();
        std::int32_t sum = 0;
        for (std::size_t k = 0; k < l.inputs; ++k) {
            const int nibble = k % 2 == 0 ? row[k / 2] & 0x0f : row[k / 2] >> 4;
            sum = saturated(std::int64_t{sum} + std::int64_t{nibble > 7 ? nibble - 16 : nibble} * in[k]);
        }
        out[c] = sum;
    }
}

void rectify(const device_layer& l, std::vector<std::int32_t>& sums) {
    for (std::size_t c = 0; c < sums.size(); ++c) {
        const std::int64_t t = l.threshold[c];
        sums[c] = static_cast<std::int32_t>(std::clamp<std::int64_t>((std::max<std::int64_t>(sums[c], 0) + t / 2) / t, 0, activation_top));
    }
}

device_layer quantised(const dense_layer& from, float input_scale) {
    device_layer l;
    l.name = from.name;
    l.inputs = from.inputs;
    l.outputs = from.outputs;
    l.rectified = from.rectified;
    l.input_scale = input_scale;
    l.weights.assign(l.outputs * l.row_bytes(), 0);
    for (std::size_t c = 0; c < l.outputs; ++c) {
        const auto channel = quantise_channel(std::span(from.weights).subspan(c * from.inputs, from.inputs));
        l.scale.push_back(channel.scale);
        l.set_channel(c, channel.q);
    }
    return l;
}

/// The largest activation over the examples becomes 15.
void fix_thresholds(device_layer& l, const std::vector<std::vector<std::int32_t>>& examples) {
    float top = 0.0f;
    std::vector<std::int32_t> sums;
    for (const auto& in : examples) {
        sums_of(l, in, sums);
        for (std::size_t c = 0; c < sums.size(); ++c)
            top = std::max(top, static_cast<float>(sums[c]) * l.scale[c] * l.input_scale);
    }
    l.output_scale = top > 0.0f ? top / activation_top : 1.0f;
    for (std::size_t c = 0; c < l.outputs; ++c) {
        const float unit = l.scale[c] * l.input_scale;
        const double t = unit > 0.0f ? static_cast<double>(l.output_scale) / static_cast<double>(unit) : 1.0;
        l.threshold.push_back(static_cast<std::int32_t>(std::clamp(std::round(t), 1.0, 1e9)));
    }
}

bool all_finite(std::span<const float> x) {
    return std::all_of(x.begin(), x.end(), [](float v) { return std::isfinite(v); });
}

} // namespace

struct sim_akd1000::mapped {
    std::string name;
    float input_scale = 1.0f;
    std::vector<device_layer> trunk;
    std::vector<device_layer> heads;
    std::uint32_t units = 0;
    std::uint64_t n_weights = 0;

    [[nodiscard]] std::vector<std::int32_t> read_in(std::span<const float> x) const {
        std::vector<std::int32_t> q(x.size());
        std::transform(x.begin(), x.end(), q.begin(), [this](float v) {
            return static_cast<std::int32_t>(std::clamp(std::round(v / input_scale), static_cast<float>(-input_top), static_cast<float>(input_top)));
        });
        return q;
    }
    [[nodiscard]] dense_answer answer(std::span<const float> x) const {
        auto in = read_in(x);
        std::vector<std::int32_t> sums;
        dense_answer out;
        const auto give = [&](const device_layer& l) {
            for (std::size_t c = 0; c < l.outputs; ++c)
                out.push_back(l.rectified ? static_cast<float>(sums[c]) * l.output_scale : static_cast<float>(sums[c]) * l.scale[c] * l.input_scale);
        };
        for (const auto& l : trunk) {
            sums_of(l, in, sums);
            if (l.rectified)
                rectify(l, sums);
            in = sums;
        }
        if (heads.empty())
            give(trunk.back());
        for (const auto& h : heads) {
            sums_of(h, in, sums);
            give(h);
        }
        return out;
    }
};

sim_akd1000::sim_akd1000(const akd1000_figures& figures) : figures_(figures) {}
sim_akd1000::~sim_akd1000() = default;

dense_about sim_akd1000::about() const { return {"sim-akd1000", true, 4, 4}; }

std::uint32_t sim_akd1000::units_of(const dense_program& program) const {
    return figures_.trunk_units + figures_.head_units * static_cast<std::uint32_t>(program.heads.size());
}

std::uint32_t sim_akd1000::units_used() const {
    std::uint32_t sum = 0;
    for (const auto& [id, p] : programs_)
        sum += p->units;
    return sum;
}

void sim_akd1000::charge(double chip_s, std::uint64_t bytes, double fixed_s) {
    cost_.chip_s = chip_s;
    cost_.seconds = fixed_s + static_cast<double>(bytes) / figures_.bytes_per_s + chip_s;
    cost_.joules = figures_.board_w * cost_.seconds;
    cost_.source = fmt::format("model: {:.0f} us link + {:.0f} MB/s + {:.2f} ns a weight; board {:.3f} W over the whole time, chip alone {:.1f} uJ", figures_.link_s * 1e6,
                               figures_.bytes_per_s / 1e6, figures_.chip_s_per_weight * 1e9, figures_.board_w, 1e6 * figures_.chip_w * chip_s);
}

result<program_id> sim_akd1000::map(const dense_program& program, std::span<const float> examples) {
    if (auto sound = validate(program); !sound)
        return sound.reason();
    const auto where = "sim-akd1000, program " + program.name;
    const std::size_t width = program.trunk.front().inputs;
    if (examples.empty() || examples.size() % width != 0 || !all_finite(examples))
        return error{errc::invalid_argument, fmt::format("{} example values for {} inputs: the ranges of 8 and 4 bits are fixed by examples, which must be finite rows", examples.size(), width),
                     where, "map it with inputs as they will come"};
    for (std::size_t k = 0; k < program.trunk.size(); ++k)
        if (!program.trunk[k].rectified && (k + 1 < program.trunk.size() || !program.heads.empty()))
            return error{errc::invalid_argument, "layer " + program.trunk[k].name + " is not rectified, and the device has no other activation between layers", where,
                         "the hybrid executor runs such layers on both sides"};
    const auto units = units_of(program);
    if (units_used() + units > figures_.units) {
        std::string sum;
        for (const auto& [id, p] : programs_)
            sum += fmt::format("{} ({}) + ", p->units, p->name);
        return error{errc::device_memory, fmt::format("{}{} ({}) = {} of {} units", sum, units, program.name, units_used() + units, figures_.units), where,
                     "unmap a program, or take fewer heads"};
    }
    auto m = std::make_unique<mapped>();
    m->name = program.name;
    m->units = units;
    float top = 0.0f;
    for (const float x : examples)
        top = std::max(top, std::abs(x));
    m->input_scale = top > 0.0f ? top / input_top : 1.0f;
    std::vector<std::vector<std::int32_t>> seen;
    for (std::size_t row = 0; row < examples.size() / width; ++row)
        seen.push_back(m->read_in(examples.subspan(row * width, width)));
    float scale = m->input_scale;
    for (const auto& from : program.trunk) {
        auto l = quantised(from, scale);
        if (l.rectified) {
            fix_thresholds(l, seen);
            for (auto& in : seen) {
                std::vector<std::int32_t> sums;
                sums_of(l, in, sums);
                rectify(l, sums);
                in = std::move(sums);
            }
            scale = l.output_scale;
        }
        m->n_weights += from.weights.size();
        m->trunk.push_back(std::move(l));
    }
    for (const auto& from : program.heads) {
        m->n_weights += from.weights.size();
        m->heads.push_back(quantised(from, scale));
    }
    charge(0.0, m->n_weights / 2, figures_.map_s);
    const auto id = next_++;
    programs_.emplace(id, std::move(m));
    return id;
}

void sim_akd1000::unmap(program_id id) { programs_.erase(id); }

result<std::vector<dense_answer>> sim_akd1000::run(program_id id, std::span<const float> inputs) {
    const auto at = programs_.find(id);
    if (at == programs_.end())
        return error{errc::not_found, "no such program is mapped", "sim-akd1000", "map it first"};
    const auto& m = *at->second;
    const std::size_t width = m.trunk.front().inputs;
    if (inputs.empty() || inputs.size() % width != 0)
        return error{errc::invalid_argument, fmt::format("{} values are no rows of {} inputs", inputs.size(), width), "sim-akd1000, program " + m.name, ""};
    if (!all_finite(inputs))
        return error{errc::invalid_argument, "an input is not a number", "sim-akd1000, program " + m.name, "such a trajectory is not shown to a model"};
    std::vector<dense_answer> answers;
    for (std::size_t row = 0; row < inputs.size() / width; ++row)
        answers.push_back(m.answer(inputs.subspan(row * width, width)));
    const double pass = std::max(figures_.chip_floor_s, figures_.chip_s_per_weight * static_cast<double>(m.n_weights));
    charge(pass * static_cast<double>(answers.size()), inputs.size() + answers.size() * answers.front().size() * 4, figures_.link_s);
    return answers;
}

result<void> sim_akd1000::set_variable(program_id id, const std::string& layer, std::span<const float> weights) {
    const auto at = programs_.find(id);
    if (at == programs_.end())
        return error{errc::not_found, "no such program is mapped", "sim-akd1000", "map it first"};
    auto& m = *at->second;
    for (auto* part : {&m.trunk, &m.heads})
        for (auto& l : *part)
            if (l.name == layer) {
                if (weights.size() != std::size_t{l.inputs} * l.outputs || !all_finite(weights))
                    return error{errc::invalid_argument, fmt::format("{} weights for {} x {}, or one is not a number", weights.size(), l.outputs, l.inputs), "layer " + layer, ""};
                for (std::size_t c = 0; c < l.outputs; ++c)
                    l.set_channel(c, quantise_with(weights.subspan(c * l.inputs, l.inputs), l.scale[c]));
                charge(0.0, weights.size() / 2, figures_.fast_set_variable ? figures_.set_variable_fast_s : figures_.set_variable_safe_s);
                return {};
            }
    return error{errc::not_found, "the program has no layer " + layer, "sim-akd1000, program " + m.name, ""};
}

} // namespace forge
