// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/dense_engine.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace forge {

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
            return refuse("layer " + l.name + " has " + std::to_string(l.weights.size()) + " weights for " + std::to_string(l.outputs) + " x " + std::to_string(l.inputs));
        if (!std::all_of(l.weights.begin(), l.weights.end(), [](float w) { return std::isfinite(w); }))
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
