// SPDX-License-Identifier: AGPL-3.0-only
// Topologies as pictures.
#pragma once

#include "libactors/flow/topology.hpp"

#include <string>

namespace forge {

/// Boxes in layers, producers on top, and below each layer the edges that leave it with kind and capacity. ASCII, lines of at most
/// 80 columns. Also draws what is not valid.
[[nodiscard]] std::string picture(const topology& t);

/// Graphviz: `dot -Tsvg`. Edges `latest` are dashed, filtered ones dotted with their condition, broadcast ones bold.
[[nodiscard]] std::string to_dot(const topology& t);

} // namespace forge
