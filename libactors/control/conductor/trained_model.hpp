// SPDX-License-Identifier: AGPL-3.0-only
// A trained conductor: the network, what it was trained on, and which of its heads earned to be listened to.
#pragma once

#include "libactors/control/conductor/training_set.hpp"
#include "libactors/learn/echo_state_network.hpp"
#include "libactors/learn/thermalisation.hpp"

#include <optional>
#include <string>
#include <vector>

namespace forge {

/// What held-out chains said of a head; of its worst component.
struct head_standing {
    std::string name;
    bool trusted = false;          ///< beat constant and simple rule on held-out chains, and is good enough for the trust gate
    std::optional<double> score;   ///< R^2 or AUC on held-out chains; none: not judged
    std::optional<double> rule;    ///< of the simple rule
    double cut = 0.5;              ///< classification: values above mean the class
    friend bool operator==(const head_standing&, const head_standing&) = default;
};

/// When to stop thermalisation on one lattice: thresholds from the training chains, the rule that did best on them.
struct thermalisation_choice {
    extents lattice;
    thermalisation_settings settings;
    friend bool operator==(const thermalisation_choice&, const thermalisation_choice&) = default;
};

/// Stored as a file of its own (schemas/conductor_model.capnp).
struct conductor_model {
    echo_state_network network;
    std::vector<head_standing> heads;       ///< as many as the network has, in its order
    std::vector<thermalisation_choice> thermalisation;
    std::vector<equilibrium_table> equilibrium; ///< of the training chains, one for each lattice: one
    std::vector<std::string> runs;          ///< that it was trained on: they must not judge it
    std::uint64_t chains = 0;
    std::uint64_t rows = 0;
    std::string provenance;                 ///< the program and the command

    [[nodiscard]] const head_standing* standing(std::string_view head) const {
        for (const auto& h : heads)
            if (h.name == head)
                return &h;
        return nullptr;
    }
    /// Settings for a lattice; the bracket with its defaults where none was trained.
    [[nodiscard]] thermalisation_settings settings_for(const extents& lattice) const {
        for (const auto& t : thermalisation)
            if (t.lattice == lattice)
                return t.settings;
        return {};
    }
};

} // namespace forge
