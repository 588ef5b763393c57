// SPDX-License-Identifier: AGPL-3.0-only
// Which side of a hybrid executor does what: decided once, when a program is loaded, by rules with numbers and reasons.
#pragma once

#include "libactors/engine/dense_engine.hpp"

#include <span>
#include <string>
#include <vector>

namespace forge {

enum class operation_kind : std::uint8_t {
    dense, ///< y = W x
    tanh_activation,
    bounded_relu,
    sigmoid,
    gelu,
    recurrent_step, ///< [u; s] -> next s
    gradient,
    gradient_update,      ///< weights minus rate times gradient
    mutation_update,      ///< weights from an evolutionary or outside source
    head_fan_out,         ///< several heads on one trunk
    temporal_integration, ///< leaky or windowed sum over time
};

enum class weight_precision : std::uint8_t { int4, f32 };

/// One operation of a program, as far as the rules look.
struct operation {
    operation_kind kind = operation_kind::dense;
    std::string name;
    std::uint32_t inputs = 0;
    std::uint32_t outputs = 0;                           ///< nodes of a layer; number of heads of a fan-out
    weight_precision precision = weight_precision::int4; ///< what its weights bear
    friend bool operator==(const operation&, const operation&) = default;
};

/// Where an operation runs.
enum class side : std::uint8_t {
    device,
    host,
    device_then_host, ///< the linear part there, the rest here
    host_then_device, ///< computed here, written there (set_variable)
    divided,          ///< by rows, over several back ends
};
[[nodiscard]] std::string_view name_of(side s);
[[nodiscard]] std::string_view name_of(operation_kind k);

struct route_decision {
    std::string name; ///< of the operation
    side where = side::host;
    int rule = 0; ///< 1 ... 14 of the table in docs/notes/int4.md; 0: there is no device that quantises
    std::string reason;
};

/// What there is to route to.
struct route_surroundings {
    bool int4_device = false;    ///< a device or simulator with 4-bit weights
    std::uint32_t back_ends = 1; ///< that the reservoir may be divided over
    bool trunk_on_device = true; ///< heads find the trunk's output there; not where its activation is the host's
    unit_budget budget;
};

/// The first rule that fits; exactly one always does.
///
///  1 dense, int4 weights                     device            native there
///  2 dense, f32 weights                      host              4 bits would lose them
///  3 dense, more nodes than units            host              beyond the device
///  4 tanh                                    device then host  the linear part there, tanh here
///  5 bounded ReLU                            device            native there
///  6 sigmoid                                 host
///  7 GELU                                    host
///  8 recurrent step                          device then host  one product on [u; s] there; the state is the host's
///  9 gradient                                host              no such path on the device
/// 10 weight update by gradient               host              master weights in float are the host's
/// 11 weight update from elsewhere            host then device  set_variable
/// 12 heads on one trunk                      device            one pass (SkipDMA), while their units last and the trunk's output is there;
///                                            else host         a second pass costs more than the product
/// 13 temporal integration                    device then host  the state buffer is the host's
/// 14 dense over several back ends            divided           by rows, one step for all
[[nodiscard]] route_decision route(const operation& op, const route_surroundings& around);
[[nodiscard]] std::vector<route_decision> route(std::span<const operation> ops, const route_surroundings& around);

/// Root mean square of w - q s over that of w, with q and s as 4-bit rows have them (max |w| of the row is 7 steps).
[[nodiscard]] double int4_error(std::span<const float> weights, std::size_t columns);
/// int4 where int4_error is at most `tolerance`.
[[nodiscard]] weight_precision precision_of(std::span<const float> weights, std::size_t columns, double tolerance);

} // namespace forge
