// SPDX-License-Identifier: AGPL-3.0-only
// States that go to a node before their owner does: what has to be sent, and who waits for what. Pure.
#pragma once

#include "libactors/base/ids.hpp"
#include "libactors/lattice/state_hash.hpp"

#include <map>
#include <optional>

namespace forge {

/// One device's book of loads as (state, event) -> what to do.
///
/// While a chain's last state is being sealed it is already on its way to the new device (a load without an owner). Its
/// owner comes when the seal is durable, and names the state that it expects there: then nothing is sent again.
class hand_over_book {
public:
    enum class way {
        send,  ///< the fields go to the node
        claim, ///< the node has them: name the state
        wait,  ///< they are on their way: serve this owner when on_loaded says so
    };
    /// @param expected  the state that an owner resumes from; unset: a state without an owner yet, or a chain's beginning.
    [[nodiscard]] way on_load(chain_id c, const std::optional<state_hash>& expected);

    struct arrival {
        bool unload = false; ///< nobody wants it any more
        bool serve = false;  ///< the owner that waits: call on_load for it again
    };
    /// A load was answered. @param there  the state that is on the node now; unset: it failed.
    [[nodiscard]] arrival on_loaded(chain_id c, const std::optional<state_hash>& there);
    void on_unload(chain_id c);
    /// The chain computes: what is there is no copy of anything any more.
    void on_run(chain_id c) { chains_.erase(c); }

private:
    struct entry {
        bool under_way = false;
        bool unwanted = false; ///< unloaded before it was there: the order to unload went ahead of it
        bool owner_waits = false;
        std::optional<state_hash> there;
    };
    std::map<chain_id, entry> chains_;
};

} // namespace forge
