// SPDX-License-Identifier: AGPL-3.0-only
// topology.toml: a pipeline's graph in a file of its own (docs/topology.md).
#pragma once

#include "libactors/flow/topology.hpp"

#include <string>

namespace forge {

struct topology_file {
    std::string name = "topology";
    topology graph;
    friend bool operator==(const topology_file&, const topology_file&) = default;
};

/// Capacity of an edge that names none.
inline constexpr std::uint32_t edge_capacity_usual = 4;

/// Reads and checks.
/// @param node  what it is checked against; without devices neither capabilities nor power are.
/// @return errc::config_invalid: every problem with line, what, why and a suggestion; or the first of syntax.
[[nodiscard]] result<topology_file> parse_topology(const std::string& text, const std::string& file_name, const node_view& node = {});

/// A file that parse_topology reads as `f`.
[[nodiscard]] std::string topology_toml(const topology_file& f);

} // namespace forge
