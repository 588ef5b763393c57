// SPDX-License-Identifier: AGPL-3.0-only
// Restart or give up: the pure core of the supervisor actor.
#pragma once

#include "libactors/base/error.hpp"
#include "libactors/base/ids.hpp"

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace forge {

/// At most this many restarts of one chain in the window; one more gives the chain up.
inline constexpr std::size_t restarts_max = 3;
inline constexpr double restart_window_s = 60.0;
inline constexpr double first_backoff_s = 0.1; ///< doubled with every restart in the window

struct chain_verdict {
    bool restart = false;
    double after_s = 0.0;
    std::size_t restarts_in_window = 0;
};

/// What a chain's failure says about the place where it ran.
enum class blame : std::uint8_t {
    chain, ///< its own, or its device's: it counts against the chain's budget
    node,  ///< the node went away: its device is out until it introduces itself again
    past,  ///< the node went away and that is known; it may be back already, with another worker
};

/// @param own_device   of the coordinator's machine, so that no node is involved.
/// @param same_worker  the worker that the chain was given is the one that the device has now.
[[nodiscard]] blame blame_of(errc code, bool own_device, bool same_worker);

/// Counts failures per chain and knows when the campaign is over. Times are seconds on a steady clock, passed in.
class supervisor {
public:
    explicit supervisor(std::uint32_t n_chains) : n_chains_(n_chains) {}
    [[nodiscard]] chain_verdict on_failure(chain_id chain, const error& reason, double now_s);
    void on_done(chain_id chain, bool finished);
    /// A chain that had ended runs again (an operator resumed it).
    void on_started(chain_id chain) {
        ended_.erase(chain);
        given_up_.erase(chain);
    }
    /// Every chain is done, stopped or given up.
    [[nodiscard]] bool over() const { return ended_.size() == n_chains_; }
    [[nodiscard]] bool all_finished() const;
    /// Chains that were given up, with their last error.
    [[nodiscard]] const std::map<chain_id, error>& given_up() const { return given_up_; }

private:
    friend struct model_peek; // the model check compares whole states
    std::uint32_t n_chains_;
    std::map<chain_id, std::deque<double>> failures_;
    std::map<chain_id, bool> ended_; ///< true: finished
    std::map<chain_id, error> given_up_;
};

} // namespace forge
