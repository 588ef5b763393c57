// SPDX-License-Identifier: AGPL-3.0-only
// Are these links what the file says they are, and are they SU(3)?
#pragma once

#include "libactors/formats/payload.hpp"

namespace forge::formats {

/// Fills the recomputed half of `report` and compares it with the stored half.
/// @return nothing, or the first refusal: checksum, finiteness, unitarity, determinant, plaquette, link trace.
[[nodiscard]] std::optional<error> verify(const input_file& file, const payload_plan& plan, const gauge_field& links,
                                          const running_checksum& sum, gauge_file_report& report);

} // namespace forge::formats
