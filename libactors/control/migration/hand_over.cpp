// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/migration/hand_over.hpp"

namespace forge {

hand_over_book::way hand_over_book::on_load(chain_id c, const std::optional<state_hash>& expected) {
    const auto at = chains_.find(c);
    if (!expected) {
        chains_[c] = entry{true, false, false, std::nullopt};
        return way::send;
    }
    if (at == chains_.end())
        return way::send;
    if (at->second.under_way && !at->second.unwanted) {
        at->second.owner_waits = true;
        return way::wait;
    }
    const bool is_there = at->second.there == expected;
    chains_.erase(at);
    return is_there ? way::claim : way::send;
}

hand_over_book::arrival hand_over_book::on_loaded(chain_id c, const std::optional<state_hash>& there) {
    const auto at = chains_.find(c);
    if (at == chains_.end())
        return {};
    if (at->second.unwanted) {
        chains_.erase(at);
        return {true, false};
    }
    const bool serve = at->second.owner_waits;
    at->second = entry{false, false, false, there};
    return {false, serve};
}

void hand_over_book::on_unload(chain_id c) {
    const auto at = chains_.find(c);
    if (at == chains_.end())
        return;
    if (at->second.under_way)
        at->second.unwanted = true;
    else
        chains_.erase(at);
}

} // namespace forge
