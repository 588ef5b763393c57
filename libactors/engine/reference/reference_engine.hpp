// SPDX-License-Identifier: AGPL-3.0-only
// The meaning of every operation, in loops that a student can check. Slow on purpose.
#pragma once

#include "libactors/engine/lattice_engine.hpp"

namespace forge {

class reference_engine final : public lattice_engine {
public:
    reference_engine();
    [[nodiscard]] const engine_capability& about() const override { return capability_; }
    [[nodiscard]] std::unique_ptr<gauge_workspace> allocate(const extents& l) override;

private:
    engine_capability capability_;
};

/// A_mu(x): sum of the six staples, so that Re tr U_mu(x) A_mu(x) is the sum of the six plaquettes at that link.
[[nodiscard]] su3 staple_sum(const gauge_field& links, std::size_t site, std::size_t mu);

/// F_mu(x) = (beta/6) TA[U_mu(x) A_mu(x)] as nine reals.
[[nodiscard]] algebra_reals gauge_force(const gauge_field& links, std::size_t site, std::size_t mu, double beta);

} // namespace forge
