// SPDX-License-Identifier: AGPL-3.0-only
// Where a chain may run: a pure function over a table of nodes and devices.
#pragma once

#include "libactors/control/migration/types.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace forge::migration {

struct device_offer {
    std::string id; ///< "gpu0"
    bool enabled = true;
    bool fp64 = true;
    std::uint64_t free_bytes = 0;
};
struct node_offer {
    node_name node;
    bool up = true;
    bool draining = false; ///< takes no new chains
    std::vector<device_offer> devices;
};
struct chain_needs {
    bool fp64 = true;
    std::uint64_t bytes = 0; ///< on the device
};

enum class placement_kind : std::uint8_t { possible, same_place, refused };

struct placement {
    placement_kind kind = placement_kind::refused;
    place where;                     ///< node and device, when possible or same_place
    std::string reason;              ///< when not possible: one sentence
    std::vector<place> alternatives; ///< when refused: places that would do, most free memory first
};

/// Judges a wish to move a chain.
///
/// @param wish     node, and device or empty for the one with the most free memory there. A wish that leaves the
///                 device open is met by any place on the node where the chain already is.
/// @param current  where the chain runs; none: nowhere.
[[nodiscard]] placement judge_placement(const place& wish, const std::optional<place>& current, const chain_needs& needs,
                                        const std::vector<node_offer>& table);

} // namespace forge::migration
