// SPDX-License-Identifier: AGPL-3.0-only
// What is asked of the conductor and what it answers, inside one process.
#pragma once

#include "libactors/control/conductor/conductor.hpp"
#include "libactors/control/steerer.hpp"

#include <caf/all.hpp>

#include <optional>
#include <vector>

namespace forge {

// ---- chain -> conductor: request and answer; a chain has at most one of each kind under way
struct classify { watched_batch batch; };
struct trajectories_classified { classification says; };
struct quenched_therm_check { chain_id chain; std::uint32_t ordinal; std::uint32_t done; }; ///< answered when the partner has come as far
struct therm_checked { thermalisation_answer says; };
struct therm_check { std::vector<double> plaquette, polyakov; }; ///< one chain alone
struct predict_quenched_length { std::optional<double> beta; };
struct quenched_length_predicted { length_answer says; };
struct suggest_params { std::optional<segment_params> params; };
struct params_suggested { parameter_answer says; };
struct predict_cg_iterations { std::optional<double> beta; };
struct cg_iterations_predicted { std::optional<double> iterations; std::string reason; };

// ---- chain -> conductor, one way
struct segment_is_over { chain_id chain; std::uint32_t ordinal; };
struct chain_is_gone { chain_id chain; bool gone; }; ///< gone: nobody needs to wait for it
/// Of the three predictions that were asked before a chain was loaded: how many were there when its device was ready.
struct predictions_collected { std::uint32_t early, late; };

// ---- steerer -> conductor
struct steer_adaptive { std::vector<double> planned; };
struct adaptive_steered { std::optional<point_suggestion> point; std::string reason; };

// ---- timer of the conductor
struct window_over {};

} // namespace forge

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::classify)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::trajectories_classified)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::quenched_therm_check)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::therm_checked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::therm_check)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::predict_quenched_length)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::quenched_length_predicted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::suggest_params)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::params_suggested)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::predict_cg_iterations)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::cg_iterations_predicted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::segment_is_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::chain_is_gone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::predictions_collected)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::steer_adaptive)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::adaptive_steered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(forge::window_over)
