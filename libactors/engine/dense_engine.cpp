// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/dense_engine.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace forge {

namespace {

bool all_finite(std::span<const float> x) {
    return std::all_of(x.begin(), x.end(), [](float v) { return std::isfinite(v); });
}

} // namespace

result<void> judge_rows(std::span<const float> inputs, std::size_t width, const std::string& where) {
    if (inputs.empty() || inputs.size() % width != 0)
        return error{errc::invalid_argument, std::to_string(inputs.size()) + " values are no rows of " + std::to_string(width) + " inputs", where,
                     "one row or several, whole"};
    if (!all_finite(inputs))
        return error{errc::invalid_argument, "an input is not a number", where, "such a trajectory is not shown to a model"};
    return {};
}

result<void> judge_weights(std::span<const float> weights, std::uint32_t inputs, std::uint32_t outputs, const std::string& layer) {
    if (weights.size() == std::size_t{inputs} * outputs && all_finite(weights))
        return {};
    return error{errc::invalid_argument,
                 std::to_string(weights.size()) + " weights for " + std::to_string(outputs) + " x " + std::to_string(inputs) +
                     ", or one is not a number",
                 "layer " + layer, "all weights of the layer, by rows"};
}

error no_such_program(const std::string& engine) { return {errc::not_found, "no such program is mapped", engine, "map it first"}; }

error no_such_layer(const std::string& layer, const std::string& where) {
    return {errc::not_found, "the program has no layer " + layer, where, "the name that the layer had when it was mapped"};
}

result<void> validate(const dense_program& program) {
    const auto refuse = [&](const std::string& what) { return error{errc::invalid_argument, what, "program " + program.name, "see dense_program"}; };
    if (program.trunk.empty())
        return refuse("a program has a trunk");
    std::set<std::string> names;
    const auto judge = [&](const dense_layer& l, std::uint32_t inputs) -> result<void> {
        if (l.name.empty() || !names.insert(l.name).second)
            return refuse("a layer's name is empty or there twice: \"" + l.name + "\"");
        if (l.inputs == 0 || l.outputs == 0 || l.inputs != inputs)
            return refuse("layer " + l.name + " takes " + std::to_string(l.inputs) + " inputs and is given " + std::to_string(inputs));
        if (l.weights.size() != std::size_t{l.inputs} * l.outputs)
            return refuse("layer " + l.name + " has " + std::to_string(l.weights.size()) + " weights for " + std::to_string(l.outputs) + " x " +
                          std::to_string(l.inputs));
        if (!(std::isfinite(l.bound) && l.bound >= 0.0f) || (l.bound > 0.0f && !l.rectified))
            return refuse("layer " + l.name + " has a bound of " + std::to_string(l.bound) + ": above 0, and only where it is rectified");
        if (!all_finite(l.weights))
            return refuse("a weight of layer " + l.name + " is not a number");
        return {};
    };
    std::uint32_t width = program.trunk.front().inputs;
    for (const auto& l : program.trunk) {
        if (auto fits = judge(l, width); !fits)
            return fits;
        width = l.outputs;
    }
    for (const auto& l : program.heads) {
        if (auto fits = judge(l, width); !fits)
            return fits;
        if (l.rectified)
            return refuse("head " + l.name + " is rectified; a head is linear here, its activation is the host's");
    }
    return {};
}

} // namespace forge
