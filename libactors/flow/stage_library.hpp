// SPDX-License-Identifier: AGPL-3.0-only
// The kinds of stages: what they take, what they give, what they need, who plays them.
#pragma once

#include "libactors/flow/capability.hpp"
#include "libactors/flow/predicate.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace forge {

/// What travels over an edge. Lattice fields never do: a result carries numbers and a handle of its configuration.
enum class item_type : std::uint8_t {
    result,        ///< of one trajectory
    scored_result, ///< with the conductor's scores: goes wherever a result goes
    decision,      ///< what a chain runs next
    stop,          ///< a chain has thermalised
    verdict,       ///< of a precision validator
    measurement,   ///< of an observable stage
    task,          ///< a trajectory to be run on a device
};
[[nodiscard]] const char* name_of(item_type t);

/// Names that a filter may use on an edge with items of this type. Results: result_schema; scored ones with
/// "score.HEAD"; decisions: beta, gain (expected information), uncertainty; verdicts: deviation, drift, agrees;
/// measurements: beta, value, error; stops and tasks: chain, trajectory.
[[nodiscard]] field_schema schema_of(item_type t, const std::vector<std::string>& heads);

struct port {
    std::string name;
    std::vector<item_type> items; ///< any of these
    bool required = false;        ///< of inputs: at least one edge
};

struct stage_kind {
    std::string name;
    std::string role; ///< actor that plays it: chain | device_worker | steerer | recorder | conductor | validator | observer
    std::vector<port> inputs;
    std::vector<port> outputs;
    std::vector<capability> needs;
    std::string says; ///< one sentence for people
};

/// All kinds, in the order of the documentation (docs/topology.md).
[[nodiscard]] const std::vector<stage_kind>& stage_library();
/// Null when there is no such kind.
[[nodiscard]] const stage_kind* find_kind(std::string_view name);

/// The first output of `from` that fits an input of `to`.
struct port_match {
    std::size_t output = 0, input = 0; ///< positions in stage_kind::outputs and inputs
    item_type item = item_type::result;
};
[[nodiscard]] std::optional<port_match> match_ports(const stage_kind& from, const stage_kind& to);

} // namespace forge
