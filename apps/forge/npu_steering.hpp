// SPDX-License-Identifier: AGPL-3.0-only
// What the two halves of forge npu steering share.
#pragma once

#include "apps/forge/cli.hpp"
#include "libactors/control/conductor/peak_errors.hpp"

#include <optional>
#include <string>

namespace forge::app {

struct campaign_study_options {
    std::string folder; ///< of scripts/steering-pairs
    std::optional<double> target;
    bool json = false;
};

/// --campaigns: reads the ledgers of all complete pairs and prints what they say.
[[nodiscard]] result<void> study_steering_campaigns(const campaign_study_options& o);

/// "-58 % [-384, +71]"; n/a where there is none.
[[nodiscard]] std::string to_text(const saving& s);

} // namespace forge::app
