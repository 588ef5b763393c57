// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/hybrid/router.hpp"

#include "libactors/base/contract.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace forge {

namespace {

constexpr std::array<std::string_view, 5> side_names{"device", "host", "device then host", "host then device", "divided"};
constexpr std::array<std::string_view, 11> kind_names{"dense",
                                                      "tanh",
                                                      "bounded ReLU",
                                                      "sigmoid",
                                                      "GELU",
                                                      "recurrent step",
                                                      "gradient",
                                                      "weight update (gradient)",
                                                      "weight update (mutation)",
                                                      "head fan-out",
                                                      "temporal integration"};

route_decision dense_decision(const operation& op, const route_surroundings& around) {
    if (around.back_ends > 1)
        return {op.name, side::divided, 14, fmt::format("{} rows over {} back ends, one step for all", op.outputs, around.back_ends)};
    if (op.precision == weight_precision::f32)
        return {op.name, side::host, 2, "4 bits would lose too much of its weights"};
    if (op.outputs > around.budget.total)
        return {op.name, side::host, 3, fmt::format("{} nodes are more than the device's {} units", op.outputs, around.budget.total)};
    return {op.name, side::device, 1, "a product with 4-bit weights is native to the device"};
}

route_decision fan_out_decision(const operation& op, const route_surroundings& around) {
    const auto units = around.budget.units_of(op.outputs);
    if (units > around.budget.total)
        return {op.name, side::host, 12,
                fmt::format("{} + {} * {} = {} of {} units: too many heads for one pass", around.budget.trunk, around.budget.head, op.outputs, units,
                            around.budget.total)};
    if (op.precision == weight_precision::f32)
        return {op.name, side::host, 2, "4 bits would lose too much of the heads' weights"};
    if (!around.trunk_on_device)
        return {op.name, side::host, 12, "the trunk's activation is the host's: heads on the device would be a second pass over the link"};
    return {op.name, side::device, 12, "all heads read the trunk in one pass (SkipDMA)"};
}

} // namespace

std::string_view name_of(side s) { return side_names[static_cast<std::size_t>(s)]; }
std::string_view name_of(operation_kind k) { return kind_names[static_cast<std::size_t>(k)]; }

route_decision route(const operation& op, const route_surroundings& around) {
    if (!around.int4_device && around.back_ends <= 1)
        return {op.name, side::host, 0, "there is no int4 device"};
    switch (op.kind) {
    case operation_kind::dense:
        return dense_decision(op, around);
    case operation_kind::tanh_activation:
        return {op.name, side::device_then_host, 4, "the device has no tanh: it gives the linear part, the host the function"};
    case operation_kind::bounded_relu:
        return {op.name, side::device, 5, "the device's own activation"};
    case operation_kind::sigmoid:
        return {op.name, side::host, 6, "the device has no sigmoid"};
    case operation_kind::gelu:
        return {op.name, side::host, 7, "the device has no GELU"};
    case operation_kind::recurrent_step:
        return {op.name, side::device_then_host, 8, "the device feeds nothing back: one product on [u; s] there, activation and state on the host"};
    case operation_kind::gradient:
        return {op.name, side::host, 9, "the device has no gradient path"};
    case operation_kind::gradient_update:
        return {op.name, side::host, 10, "a step is smaller than a 4-bit weight resolves: the float weights are the host's"};
    case operation_kind::mutation_update:
        return {op.name, side::host_then_device, 11, "computed on the host, written by set_variable"};
    case operation_kind::head_fan_out:
        return fan_out_decision(op, around);
    case operation_kind::temporal_integration:
        return {op.name, side::device_then_host, 13, "the device computes each step, the host keeps the state"};
    }
    throw contract_broken("every operation has a rule");
}

std::vector<route_decision> route(std::span<const operation> ops, const route_surroundings& around) {
    std::vector<route_decision> all;
    std::transform(ops.begin(), ops.end(), std::back_inserter(all), [&around](const operation& op) { return route(op, around); });
    return all;
}

double int4_error(std::span<const float> weights, std::size_t columns) {
    expects(columns > 0 && weights.size() % columns == 0, "whole rows");
    constexpr double steps = 7.0;
    double wrong = 0.0, all = 0.0;
    for (std::size_t first = 0; first < weights.size(); first += columns) {
        const auto row = weights.subspan(first, columns);
        double top = 0.0;
        for (const float w : row)
            top = std::max(top, std::abs(static_cast<double>(w)));
        const double scale = top / steps;
        for (const float w : row) {
            const double x = static_cast<double>(w);
            const double back = scale > 0.0 ? std::round(x / scale) * scale : 0.0;
            wrong += (x - back) * (x - back);
            all += x * x;
        }
    }
    return all > 0.0 ? std::sqrt(wrong / all) : 0.0;
}

weight_precision precision_of(std::span<const float> weights, std::size_t columns, double tolerance) {
    return int4_error(weights, columns) <= tolerance ? weight_precision::int4 : weight_precision::f32;
}

} // namespace forge
