// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/npu/sim_akd1000.hpp"

#include "libactors/engine/npu/int4.hpp"
#include "libactors/engine/npu/integer_matrix.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace forge {

namespace {

constexpr int input_top = 127;
constexpr std::int32_t activation_top = 15;

struct device_layer {
    std::string name;
    std::uint32_t inputs = 0;
    std::uint32_t outputs = 0;
    bool rectified = false;
    std::vector<float> scale; ///< sw by channel
    integer_matrix weights;
    std::vector<std::int32_t> threshold; ///< by channel; of a rectified layer
    float input_scale = 0.0f;            ///< what one unit of an input is worth
    float output_scale = 0.0f;           ///< what one unit of an activation is worth

    /// As the bytes come over the link.
    void set_channel(std::size_t c, std::span<const std::int8_t> q) { weights.set_row(c, unpack_int4(pack_int4(q), q.size())); }
};

/// 4-bit activations of a layer's sums.
void rectify(const device_layer& l, std::span<const std::int32_t> sums, std::int16_t* to) {
    for (std::size_t c = 0; c < l.outputs; ++c) {
        const std::uint32_t t = static_cast<std::uint32_t>(l.threshold[c]); // at most 1e9: the sum below stays under 2^32
        const auto sum = static_cast<std::uint32_t>(std::max(sums[c], 0));
        to[c] = static_cast<std::int16_t>(std::min<std::uint32_t>((sum + t / 2) / t, activation_top));
    }
}

device_layer quantised(const dense_layer& from, float input_scale) {
    device_layer l;
    l.name = from.name;
    l.inputs = from.inputs;
    l.outputs = from.outputs;
    l.rectified = from.rectified;
    l.input_scale = input_scale;
    l.weights = integer_matrix(l.outputs, l.inputs);
    for (std::size_t c = 0; c < l.outputs; ++c) {
        const auto channel = quantise_channel(std::span(from.weights).subspan(c * from.inputs, from.inputs));
        l.scale.push_back(channel.scale);
        l.set_channel(c, channel.q);
    }
    return l;
}

/// The largest activation over the examples, or the bound if that is smaller, becomes 15.
void fix_thresholds(device_layer& l, float bound, const std::vector<std::vector<std::int16_t>>& examples) {
    float top = 0.0f;
    std::vector<std::int32_t> sums(l.outputs);
    for (const auto& in : examples) {
        l.weights.multiply(in.data(), sums.data());
        for (std::size_t c = 0; c < sums.size(); ++c)
            top = std::max(top, static_cast<float>(sums[c]) * l.scale[c] * l.input_scale);
    }
    if (bound > 0.0f)
        top = std::min(top, bound);
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
    std::string where; ///< for errors
    float input_scale = 1.0f;
    std::vector<device_layer> trunk;
    std::vector<device_layer> heads;
    std::uint64_t units = 0;
    std::uint64_t n_weights = 0;
    std::size_t outputs = 0;      ///< values of an answer
    std::vector<std::int16_t> in; ///< room for the widest layer, padded
    std::vector<std::int32_t> sums;

    /// @return how many values the range cut.
    std::uint64_t read_in(std::span<const float> x, std::int16_t* to) const {
        std::uint64_t clamped = 0;
        for (std::size_t k = 0; k < x.size(); ++k) {
            const float q = std::round(x[k] / input_scale);
            clamped += std::abs(q) > static_cast<float>(input_top) ? 1 : 0;
            to[k] = static_cast<std::int16_t>(std::clamp(q, static_cast<float>(-input_top), static_cast<float>(input_top)));
        }
        return clamped;
    }
    /// @return how many inputs the range cut.
    std::uint64_t answer(std::span<const float> x, dense_answer& out) {
        std::fill(in.begin(), in.end(), std::int16_t{0});
        const auto clamped = read_in(x, in.data());
        out.reserve(outputs);
        const auto give = [&](const device_layer& l) {
            for (std::size_t c = 0; c < l.outputs; ++c)
                out.push_back(l.rectified ? static_cast<float>(in[c]) * l.output_scale : static_cast<float>(sums[c]) * l.scale[c] * l.input_scale);
        };
        for (const auto& l : trunk) {
            l.weights.multiply(in.data(), sums.data());
            if (!l.rectified)
                break; // the last one: map() sees to it
            std::fill(in.begin(), in.end(), std::int16_t{0});
            rectify(l, sums, in.data());
        }
        if (heads.empty())
            give(trunk.back());
        for (const auto& h : heads) {
            h.weights.multiply(in.data(), sums.data());
            give(h);
        }
        return clamped;
    }
};

sim_akd1000::sim_akd1000(const akd1000_figures& figures) : figures_(figures) {}
sim_akd1000::~sim_akd1000() = default;

dense_about sim_akd1000::about() const { return {"sim-akd1000", true, 4, 4}; }

std::uint64_t sim_akd1000::units_of(const dense_program& program) const { return figures_.budget.units_of(program.heads.size()); }

std::uint64_t sim_akd1000::units_used() const {
    std::uint64_t sum = 0;
    for (const auto& [id, p] : programs_)
        sum += p->units;
    return sum;
}

void sim_akd1000::charge(double chip_s, std::uint64_t bytes, double fixed_s, std::uint64_t clamped) {
    chip_s_ = chip_s;
    seconds_ = fixed_s + static_cast<double>(bytes) / figures_.bytes_per_s + chip_s;
    clamped_ = clamped;
}

dense_cost sim_akd1000::cost() const {
    dense_cost c;
    c.chip_s = chip_s_;
    c.seconds = seconds_;
    c.joules = figures_.board_w * seconds_;
    c.clamped = clamped_;
    c.source = fmt::format("model: {:.0f} us link + {:.0f} MB/s + {:.2f} ns a weight; board {:.3f} W over the whole time, chip alone {:.1f} uJ",
                           figures_.link_s * 1e6, figures_.bytes_per_s / 1e6, figures_.chip_s_per_weight * 1e9, figures_.board_w,
                           1e6 * figures_.chip_w * chip_s_);
    return c;
}

result<program_id> sim_akd1000::map(const dense_program& program, std::span<const float> examples) {
    if (auto sound = validate(program); !sound)
        return sound.reason();
    const auto where = "sim-akd1000, program " + program.name;
    const std::size_t width = program.trunk.front().inputs;
    if (examples.empty() || examples.size() % width != 0 || !all_finite(examples))
        return error{errc::invalid_argument,
                     fmt::format("{} example values for {} inputs: the ranges of 8 and 4 bits are fixed by examples, which must be finite rows",
                                 examples.size(), width),
                     where, "map it with inputs as they will come"};
    for (std::size_t k = 0; k < program.trunk.size(); ++k)
        if (!program.trunk[k].rectified && (k + 1 < program.trunk.size() || !program.heads.empty()))
            return error{errc::invalid_argument,
                         "layer " + program.trunk[k].name + " is not rectified, and the device has no other activation between layers", where,
                         "the hybrid executor runs such layers on both sides"};
    const auto units = units_of(program);
    if (units_used() + units > figures_.budget.total) {
        std::string sum;
        for (const auto& [id, p] : programs_)
            sum += fmt::format("{} ({}) + ", p->units, p->name);
        return error{errc::device_memory,
                     fmt::format("{}{} ({}) = {} of {} units", sum, units, program.name, units_used() + units, figures_.budget.total), where,
                     "unmap a program, or take fewer heads"};
    }
    auto m = std::make_unique<mapped>();
    m->name = program.name;
    m->where = where;
    m->units = units;
    float top = 0.0f;
    for (const float x : examples)
        top = std::max(top, std::abs(x));
    m->input_scale = top > 0.0f ? top / input_top : 1.0f;
    std::size_t widest = 0;
    for (const auto* part : {&program.trunk, &program.heads})
        for (const auto& l : *part)
            widest = std::max({widest, integer_matrix::padded(l.inputs), integer_matrix::padded(l.outputs)});
    m->in.resize(widest);
    m->sums.resize(widest);
    std::vector<std::vector<std::int16_t>> seen(examples.size() / width, std::vector<std::int16_t>(widest, 0));
    for (std::size_t row = 0; row < seen.size(); ++row)
        (void)m->read_in(examples.subspan(row * width, width), seen[row].data());
    float scale = m->input_scale;
    for (const auto& from : program.trunk) {
        auto l = quantised(from, scale);
        if (l.rectified) {
            fix_thresholds(l, from.bound, seen);
            for (auto& in : seen) {
                l.weights.multiply(in.data(), m->sums.data());
                std::fill(in.begin(), in.end(), std::int16_t{0});
                rectify(l, m->sums, in.data());
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
    m->outputs = program.heads.empty() ? program.trunk.back().outputs : 0;
    for (const auto& h : program.heads)
        m->outputs += h.outputs;
    charge(0.0, m->n_weights / 2, figures_.map_s, 0);
    const auto id = next_++;
    programs_.emplace(id, std::move(m));
    return id;
}

void sim_akd1000::unmap(program_id id) { programs_.erase(id); }

result<std::vector<dense_answer>> sim_akd1000::run(program_id id, std::span<const float> inputs) {
    const auto at = programs_.find(id);
    if (at == programs_.end())
        return no_such_program("sim-akd1000");
    auto& m = *at->second;
    const std::size_t width = m.trunk.front().inputs;
    if (auto rows = judge_rows(inputs, width, m.where); !rows)
        return rows.reason();
    std::vector<dense_answer> answers(inputs.size() / width);
    std::uint64_t clamped = 0;
    for (std::size_t row = 0; row < answers.size(); ++row)
        clamped += m.answer(inputs.subspan(row * width, width), answers[row]);
    const double pass = std::max(figures_.chip_floor_s, figures_.chip_s_per_weight * static_cast<double>(m.n_weights));
    charge(pass * static_cast<double>(answers.size()), inputs.size() + answers.size() * m.outputs * 4, figures_.link_s, clamped);
    return answers;
}

result<void> sim_akd1000::set_variable(program_id id, const std::string& layer, std::span<const float> weights) {
    const auto at = programs_.find(id);
    if (at == programs_.end())
        return no_such_program("sim-akd1000");
    auto& m = *at->second;
    for (auto* part : {&m.trunk, &m.heads})
        for (auto& l : *part)
            if (l.name == layer) {
                if (auto fits = judge_weights(weights, l.inputs, l.outputs, layer); !fits)
                    return fits;
                std::uint64_t clamped = 0;
                for (std::size_t c = 0; c < l.outputs; ++c) {
                    const auto row = weights.subspan(c * l.inputs, l.inputs);
                    clamped += beyond_int4(row, l.scale[c]);
                    l.set_channel(c, quantise_with(row, l.scale[c]));
                }
                charge(0.0, weights.size() / 2, figures_.fast_set_variable ? figures_.set_variable_fast_s : figures_.set_variable_safe_s, clamped);
                return {};
            }
    return no_such_layer(layer, m.where);
}

} // namespace forge
