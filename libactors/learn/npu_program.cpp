// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/npu_program.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace forge {

namespace {

bool all_finite(const std::vector<float>& x) {
    return std::all_of(x.begin(), x.end(), [](float v) { return std::isfinite(v); });
}

} // namespace

result<void> validate(const npu_program& p) {
    const auto refuse = [&p](std::string what) { return error{errc::invalid_argument, std::move(what), "program " + p.name, "see npu_program"}; };
    if (p.inputs == 0 || p.inputs > program_inputs_max || p.units == 0 || p.units > program_units_max)
        return refuse(
            fmt::format("a reservoir of {} inputs and {} units: 1 ... {} and 1 ... {}", p.inputs, p.units, program_inputs_max, program_units_max));
    if (!(p.leak > 0.0 && p.leak <= 1.0))
        return refuse(fmt::format("a leak of {}: it is in (0, 1]", p.leak));
    const std::size_t width = std::size_t{p.inputs} + p.units;
    if (p.reservoir.size() != p.units * width)
        return refuse(fmt::format("{} reservoir weights for {} x {}", p.reservoir.size(), p.units, width));
    if (!all_finite(p.reservoir))
        return refuse("a weight of the reservoir is not a number");
    if (p.heads.empty())
        return refuse("a program without heads has nothing to say");
    std::set<std::string> names;
    for (const auto& h : p.heads) {
        if (h.spec.name.empty() || h.spec.name == "reservoir" || !names.insert(h.spec.name).second)
            return refuse("the name of a head is empty, \"reservoir\" or there twice: \"" + h.spec.name + "\"");
        if (h.spec.activation > head_activation::softmax)
            return refuse(fmt::format("head {} has an activation of no name ({})", h.spec.name, static_cast<unsigned>(h.spec.activation)));
        if (h.spec.dim == 0 || h.spec.dim > program_head_dim_max || (h.spec.activation == head_activation::softmax && h.spec.dim < 2))
            return refuse(fmt::format("head {} has {} components: 1 ... {}, softmax at least 2", h.spec.name, h.spec.dim, program_head_dim_max));
        if (h.weights.size() != std::size_t{h.spec.dim} * p.units || h.bias.size() != h.spec.dim)
            return refuse(
                fmt::format("head {} has {} weights and {} biases for {} x {}", h.spec.name, h.weights.size(), h.bias.size(), h.spec.dim, p.units));
        if (!all_finite(h.weights) || !all_finite(h.bias))
            return refuse("a weight of head " + h.spec.name + " is not a number");
    }
    if (p.examples.size() % width != 0 || !all_finite(p.examples))
        return refuse(fmt::format("{} example values are no rows of {} numbers", p.examples.size(), width));
    return {};
}

dense_program one_pass(const npu_program& p) {
    dense_program d{p.name, {{"reservoir", p.inputs + p.units, p.units, p.reservoir, true}}, {}};
    for (const auto& h : p.heads)
        d.heads.push_back({h.spec.name, p.units, h.spec.dim, h.weights, false});
    return d;
}

std::vector<scaling_row> scaling_table(std::uint32_t largest, const unit_budget& budget) {
    std::vector<scaling_row> rows;
    for (std::uint32_t n = 1; n <= largest; ++n) {
        const auto units = budget.units_of(n);
        const bool fits = units <= budget.total;
        rows.push_back({n, units, fits ? budget.total - units : 0, fits});
    }
    return rows;
}

result<void> within_budget(std::uint32_t heads, const unit_budget& budget) {
    if (budget.units_of(heads) <= budget.total)
        return {};
    return error{errc::device_memory,
                 fmt::format("{} + {} * {} = {} of {} units", budget.trunk, budget.head, heads, budget.units_of(heads), budget.total),
                 "the program's heads",
                 fmt::format("at most {} heads, or the software engine, which has no budget", (budget.total - budget.trunk) / budget.head)};
}

} // namespace forge
