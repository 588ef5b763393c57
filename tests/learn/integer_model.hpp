// SPDX-License-Identifier: AGPL-3.0-only
// The int4 device's rules once more (docs/notes/int4.md), in long integers and double, step by step with a state.
#pragma once

#include "libactors/learn/npu_program.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <vector>

namespace forge::testing {

inline std::vector<float> normals(std::mt19937& g, std::size_t n, float spread = 1.0f) {
    std::normal_distribution<float> normal(0.0f, spread);
    std::vector<float> x(n);
    for (auto& v : x)
        v = normal(g);
    return x;
}

/// One layer of 4-bit rows.
struct integer_layer {
    std::size_t columns = 0;
    std::vector<std::vector<long>> q;
    std::vector<double> sw;

    integer_layer(const std::vector<float>& w, std::size_t n) : columns(n) {
        for (std::size_t row = 0; row < w.size() / n; ++row) {
            float top = 0.0f;
            for (std::size_t k = 0; k < n; ++k)
                top = std::fmax(top, std::fabs(w[row * n + k]));
            const float scale = top / 7.0f;
            std::vector<long> one;
            for (std::size_t k = 0; k < n; ++k)
                one.push_back(scale > 0.0f ? std::lround(w[row * n + k] / scale) : 0);
            q.push_back(one);
            sw.push_back(static_cast<double>(scale));
        }
    }
    [[nodiscard]] long sum(std::size_t row, const std::vector<long>& x) const {
        long all = 0;
        for (std::size_t k = columns; k-- > 0;)
            all += q[row][k] * x[k];
        return all;
    }
};

inline std::vector<long> eight_bits(const std::vector<float>& x, float sx) {
    std::vector<long> q;
    for (const float v : x)
        q.push_back(std::lround(std::fmin(127.0f, std::fmax(-127.0f, std::round(v / sx)))));
    return q;
}

/// s <- (1 - a) s + a f(4-bit W [u; s]) in the three ways of the executor.
struct integer_executor {
    enum class way { override_threshold, split, rectified };
    const npu_program& p;
    way how;
    std::vector<double> s;
    integer_layer layer;
    float sx = 0.0f;
    double unit = 0.0; ///< what one of 15 steps is worth
    std::vector<long> threshold;
    std::vector<long> activation; ///< of the last step, 0 ... 15

    static float top_of(const std::vector<float>& x) {
        float top = 0.0f;
        for (const float v : x)
            top = std::fmax(top, std::fabs(v));
        return top;
    }
    static std::vector<float> rows_of(const npu_program& p, way how) {
        auto w = p.reservoir;
        if (how == way::split)
            for (const float x : p.reservoir)
                w.push_back(-x);
        return w;
    }
    integer_executor(const npu_program& program, way w, float bound = 0.0f)
        : p(program), how(w), s(program.units, 0.0), layer(rows_of(program, w), program.inputs + program.units) {
        sx = top_of(p.examples) / 127.0f;
        const std::size_t width = p.inputs + p.units;
        float top = 0.0f;
        for (std::size_t row = 0; row < p.examples.size() / width; ++row) {
            const auto x =
                eight_bits({p.examples.begin() + static_cast<long>(row * width), p.examples.begin() + static_cast<long>((row + 1) * width)}, sx);
            for (std::size_t c = 0; c < layer.q.size(); ++c)
                top = std::fmax(top, static_cast<float>(layer.sum(c, x)) * static_cast<float>(layer.sw[c]) * sx);
        }
        if (bound > 0.0f)
            top = std::fmin(top, bound);
        unit = static_cast<double>(top / 15.0f);
        for (const double scale : layer.sw)
            threshold.push_back(std::max(1L, std::lround(unit / static_cast<double>(static_cast<float>(scale) * sx))));
    }
    long four_bits(std::size_t row, const std::vector<long>& x) const {
        return std::min(15L, (std::max(0L, layer.sum(row, x)) + threshold[row] / 2) / threshold[row]);
    }
    void step(const std::vector<float>& u) {
        std::vector<float> both = u;
        for (const double v : s)
            both.push_back(static_cast<float>(v));
        const auto x = eight_bits(both, sx);
        activation.assign(p.units, 0);
        for (std::size_t k = 0; k < p.units; ++k) {
            double f = 0.0;
            if (how == way::override_threshold)
                f = std::tanh(static_cast<double>(layer.sum(k, x)) * layer.sw[k] * static_cast<double>(sx));
            else if (how == way::split)
                f = std::tanh(unit * static_cast<double>(four_bits(k, x) - four_bits(p.units + k, x)));
            else
                f = unit * static_cast<double>(activation[k] = four_bits(k, x));
            s[k] = (1.0 - p.leak) * s[k] + p.leak * f;
        }
    }
    std::vector<double> float_readout(std::size_t h) const {
        std::vector<double> z;
        for (std::size_t c = 0; c < p.heads[h].spec.dim; ++c) {
            z.push_back(static_cast<double>(p.heads[h].bias[c]));
            for (std::size_t k = 0; k < p.units; ++k)
                z.back() += static_cast<double>(p.heads[h].weights[c * p.units + k]) * s[k];
        }
        return z;
    }
    /// A second pass: the state in 8 bits, its range that of the examples' states.
    std::vector<double> integer_readout(std::size_t h) const {
        const std::size_t width = p.inputs + p.units;
        float top = 0.0f;
        for (std::size_t k = 0; k < p.examples.size(); ++k)
            if (k % width >= p.inputs)
                top = std::fmax(top, std::fabs(p.examples[k]));
        const float ss = top / 127.0f;
        const auto x = eight_bits({s.begin(), s.end()}, ss);
        const integer_layer head(p.heads[h].weights, p.units);
        std::vector<double> z;
        for (std::size_t c = 0; c < head.q.size(); ++c)
            z.push_back(static_cast<double>(head.sum(c, x)) * head.sw[c] * static_cast<double>(ss) + static_cast<double>(p.heads[h].bias[c]));
        return z;
    }
    double head_of_activations(std::size_t h, std::size_t c) const {
        const integer_layer head(p.heads[h].weights, p.units);
        return static_cast<double>(head.sum(c, activation)) * head.sw[c] * unit;
    }
    double rounded_head_of_state(std::size_t h, std::size_t c) const {
        const integer_layer head(p.heads[h].weights, p.units);
        double z = 0.0;
        for (std::size_t k = 0; k < p.units; ++k)
            z += static_cast<double>(head.q[c][k]) * head.sw[c] * s[k];
        return z;
    }
};

} // namespace forge::testing
