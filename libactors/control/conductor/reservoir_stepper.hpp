// SPDX-License-Identifier: AGPL-3.0-only
// Port: who computes the steps of the conductor's reservoirs: the network itself, a device, its simulator.
#pragma once

#include "libactors/learn/echo_state_network.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace forge {

/// What a stepper is and what its steps cost so far; a model's time and a measured one are never added up.
struct stepper_report {
    std::string name;                 ///< "software-f32", "sim-akd1000"
    bool simulated = false;
    std::uint64_t passes = 0;         ///< runs of the device: one a reservoir and trajectory
    std::optional<double> model_s;    ///< of all passes, by the device's model; unset: there is no model
    std::optional<double> measured_s; ///< wall time of all of them here; of a simulator the simulator's own, not the device's
    std::uint64_t clamped = 0;        ///< inputs and weights that the device's ranges cut
    std::string note;                 ///< why this one runs and not the one that was asked for; empty: it is
};

/// One owner and one thread: the conductor's. Equal inputs and states give equal bits, whatever came between: decisions depend on them.
class reservoir_stepper {
public:
    virtual ~reservoir_stepper() = default;
    /// Moves the states of all reservoirs by one input, in place of network.advance; readouts stay the network's.
    /// @param network  the one that the stepper was made for.
    /// @return errc::invalid_argument as network.advance, or what the device says; the state is unchanged then.
    [[nodiscard]] virtual result<void> advance(const echo_state_network& network, std::span<const float> input, network_state& state) = 0;
    [[nodiscard]] virtual stepper_report report() const = 0;
};

} // namespace forge
