// SPDX-License-Identifier: AGPL-3.0-only
// The sums of ridge regression on the host.
#pragma once

#include "libactors/engine/gram_engine.hpp"

namespace forge {

/// Products by Eigen in tiles of 128 rows, on the caller's thread. Holds nothing and costs nothing to make: the right engine for models of
/// a few hundred units (docs/notes/echo_state.md, section 7d).
class host_gram final : public gram_engine {
public:
    [[nodiscard]] std::string name() const override { return "host"; }
    [[nodiscard]] std::size_t tile_rows() const override { return 128; }
    [[nodiscard]] result<void> accumulate(std::span<const double> x, std::span<const double> y, gram_sums& sums) override;
};

} // namespace forge
