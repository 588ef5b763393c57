// SPDX-License-Identifier: AGPL-3.0-only
// The running campaign's ear: requests from forge chain, forge device and forge op on this machine.
#pragma once

#include "apps/forge/campaign_files.hpp"
#include "libactors/transport/local_socket.hpp"

#include <nlohmann/json.hpp>

namespace forge::app {

/// Listens at RUN/control/forge.sock for as long as it lives; `runtime` must outlive it.
[[nodiscard]] result<local_server> open_control_point(const run_folder& folder, const campaign& plan, campaign_runtime& runtime);

/// Asks the campaign that runs in this folder. @return what it answered under "data"; its error as an error;
/// errc::not_found when none runs; errc::interrupted when it does not answer.
[[nodiscard]] result<nlohmann::json> ask_campaign(const run_folder& folder, const nlohmann::json& request);

} // namespace forge::app
