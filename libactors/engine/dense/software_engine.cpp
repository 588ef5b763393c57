// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/dense/software_engine.hpp"

#include "libactors/engine/dense/blocked_matrix.hpp"

#include <algorithm>
#include <chrono>
#include <limits>

namespace forge {

namespace {

constexpr auto engine_name = "software-f32";

/// Puts the seconds since it was made into a cost.
class stopwatch {
public:
    explicit stopwatch(dense_cost& cost) : cost_(cost), start_(std::chrono::steady_clock::now()) {}
    ~stopwatch() { cost_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }
    stopwatch(const stopwatch&) = delete;
    stopwatch& operator=(const stopwatch&) = delete;

private:
    dense_cost& cost_;
    std::chrono::steady_clock::time_point start_;
};

struct placed_layer {
    std::string name;
    std::uint32_t inputs = 0;
    std::uint32_t outputs = 0;
    std::size_t first_row = 0; ///< in its matrix
};

} // namespace

struct software_engine::mapped {
    std::string where; ///< for errors
    std::vector<placed_layer> trunk;
    struct activation {
        bool rectified;
        float top; ///< infinity without a bound
    };
    std::vector<activation> activations;
    std::vector<blocked_matrix> trunk_weights;
    std::vector<placed_layer> heads;
    blocked_matrix head_weights; ///< of all heads, one below the other: one pass
    std::vector<float> in, out;  ///< activations

    void answer(std::span<const float> x, dense_answer& to) {
        const float* from = x.data();
        for (std::size_t k = 0; k < trunk.size(); ++k) {
            out.resize(std::max(out.size(), trunk_weights[k].padded_rows()));
            trunk_weights[k].multiply(from, out.data());
            if (activations[k].rectified)
                std::transform(out.begin(), out.end(), out.begin(), [top = activations[k].top](float v) { return v > 0.0f ? std::min(v, top) : 0.0f; });
            std::swap(in, out);
            from = in.data();
        }
        if (!heads.empty()) {
            out.resize(std::max(out.size(), head_weights.padded_rows()));
            head_weights.multiply(from, out.data());
            from = out.data();
        }
        to.assign(from, from + (heads.empty() ? trunk.back().outputs : head_weights.rows()));
    }
};

software_engine::software_engine() = default;
software_engine::~software_engine() = default;

dense_about software_engine::about() const { return {engine_name, false, 32, 32}; }

result<program_id> software_engine::map(const dense_program& program, std::span<const float>) {
    if (auto sound = validate(program); !sound)
        return sound.reason();
    const stopwatch watch(cost_);
    auto m = std::make_unique<mapped>();
    m->where = std::string(engine_name) + ", program " + program.name;
    for (const auto& l : program.trunk) {
        m->trunk.push_back({l.name, l.inputs, l.outputs, 0});
        m->activations.push_back({l.rectified, l.bound > 0.0f ? l.bound : std::numeric_limits<float>::infinity()});
        m->trunk_weights.emplace_back(l.outputs, l.inputs).set_rows(0, l.weights);
    }
    std::size_t rows = 0;
    for (const auto& h : program.heads) {
        m->heads.push_back({h.name, h.inputs, h.outputs, rows});
        rows += h.outputs;
    }
    m->head_weights = blocked_matrix(rows, program.trunk.back().outputs);
    for (std::size_t k = 0; k < program.heads.size(); ++k)
        m->head_weights.set_rows(m->heads[k].first_row, program.heads[k].weights);
    const auto id = next_++;
    programs_.emplace(id, std::move(m));
    return id;
}

void software_engine::unmap(program_id id) { programs_.erase(id); }

result<std::vector<dense_answer>> software_engine::run(program_id id, std::span<const float> inputs) {
    const auto at = programs_.find(id);
    if (at == programs_.end())
        return no_such_program(engine_name);
    auto& m = *at->second;
    const std::size_t width = m.trunk.front().inputs;
    if (auto rows = judge_rows(inputs, width, m.where); !rows)
        return rows.reason();
    const stopwatch watch(cost_);
    std::vector<dense_answer> answers(inputs.size() / width);
    for (std::size_t row = 0; row < answers.size(); ++row)
        m.answer(inputs.subspan(row * width, width), answers[row]);
    return answers;
}

result<void> software_engine::set_variable(program_id id, const std::string& layer, std::span<const float> weights) {
    const auto at = programs_.find(id);
    if (at == programs_.end())
        return no_such_program(engine_name);
    auto& m = *at->second;
    const stopwatch watch(cost_);
    const auto write = [&](const placed_layer& l, blocked_matrix& to) -> result<void> {
        if (auto fits = judge_weights(weights, l.inputs, l.outputs, layer); !fits)
            return fits;
        to.set_rows(l.first_row, weights);
        return {};
    };
    for (std::size_t k = 0; k < m.trunk.size(); ++k)
        if (m.trunk[k].name == layer)
            return write(m.trunk[k], m.trunk_weights[k]);
    for (const auto& h : m.heads)
        if (h.name == layer)
            return write(h, m.head_weights);
    return no_such_layer(layer, m.where);
}

} // namespace forge
