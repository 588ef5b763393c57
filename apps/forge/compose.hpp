// SPDX-License-Identifier: AGPL-3.0-only
// Builds the object graph of a run by hand: devices, ledger, store, start configurations.
#pragma once

#include "apps/forge/campaign_files.hpp"

namespace forge::app {

struct composed_run {
    runtime_parts parts;
    std::shared_ptr<ledger> book; ///< the same as parts.book, for the last words
    std::string introduction;     ///< what is about to happen, for people
};

/// Sub-devices on cores of their own, unless somebody has said otherwise. Call it before the devices are looked for.
void pin_sub_devices(std::uint32_t split_cpu);

/// @return errc::conflict with a diff when the run directory belongs to other physics; errc::locked when another
///         process runs it; errc::device_unavailable; what reading a start file returns.
[[nodiscard]] result<composed_run> compose(const loaded_campaign& c);

} // namespace forge::app
