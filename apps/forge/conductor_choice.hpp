// SPDX-License-Identifier: AGPL-3.0-only
// Which model a campaign's conductor works with.
#pragma once

#include "apps/forge/campaign_files.hpp"
#include "libactors/control/conductor/trained_model.hpp"

#include <memory>
#include <string>

namespace forge::app {

struct chosen_model {
    std::shared_ptr<const conductor_model> model; ///< none: heuristics only
    std::string name;
};

/// The model of [conductor] model; or one that is learnt from the runs of [conductor] bootstrap, once, and kept as RUN/conductor.model; or
/// none. Fills in c.plan.conductor.model_hash: an acting conductor is part of the campaign's physics.
/// @param text  gets a line for people.
/// @return what load_model and train_model say; errc::conflict when the model is of another lattice.
[[nodiscard]] result<chosen_model> conductor_model_for(loaded_campaign& c, std::string& text);

} // namespace forge::app
