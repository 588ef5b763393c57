// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/migration/late_result.hpp"

#include <fmt/format.h>

namespace forge {

error refuse_late(const late_result& late, epoch_no current, const std::string& where) {
    const auto chain = to_text(late.chain);
    return {errc::stale_epoch,
            fmt::format("trajectory {} of {}, computed under epoch {}, is refused: {} is at epoch {}{}", late.trajectory, chain, late.epoch.value,
                        chain, current.value, where.empty() ? "" : " on " + where),
            chain, "nothing is lost: the chain's owner computes it again"};
}

std::optional<error> judge_late(const late_result& late, epoch_no current, const std::string& where) {
    if (late.epoch == current)
        return std::nullopt;
    return refuse_late(late, current, where);
}

} // namespace forge
