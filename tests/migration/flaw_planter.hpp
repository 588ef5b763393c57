// SPDX-License-Identifier: AGPL-3.0-only
// The only maker of flawed protocols.
#pragma once

#include "libactors/control/migration/types.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace forge::migration {

struct flaw_planter {
    static protocol_flaw plant(protocol_flaw::kind k) { return protocol_flaw(k); }
};

inline constexpr std::array<std::pair<protocol_flaw::kind, std::string_view>, 5> planted_flaws{{
    {protocol_flaw::kind::epoch_not_checked, "epoch not checked"},
    {protocol_flaw::kind::commit_before_verify, "commit before verify"},
    {protocol_flaw::kind::restart_keeps_epoch, "restart keeps epoch"},
    {protocol_flaw::kind::resend_without_id, "resend without operation id"},
    {protocol_flaw::kind::directory_not_synced, "directory not synced"},
}};

} // namespace forge::migration
