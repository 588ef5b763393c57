// SPDX-License-Identifier: AGPL-3.0-only
// The result of a trajectory with the running values of its segment: what conditions of filtered edges see.
#pragma once

#include "libactors/flow/predicate.hpp"
#include "libactors/hmc/params.hpp"
#include "libactors/hmc/record.hpp"
#include "libactors/lattice/extents.hpp"

#include <cstdint>

namespace forge {

/// Running values over the measured trajectories of one segment, the newest included; n/a before there are two.
///
/// chi_p = V var(P), chi_l = V_s var(|L|), var with divisor n (Welford's update). acceptance: mean over the same trajectories; n/a before
/// there is one.
class running_result {
public:
    explicit running_result(const extents& lattice) : lattice_(lattice) {}
    /// A segment begins, or is taken up again: what was is forgotten.
    void begin(chain_id chain, segment_no segment, const segment_params& params);
    void add(std::uint64_t trajectory, const trajectory_observables& o, bool measured, double seconds);
    /// By the names of result_schema().
    [[nodiscard]] std::optional<double> field(std::string_view name) const;
    [[nodiscard]] field_source source() const {
        return [this](std::string_view name) { return field(name); };
    }

private:
    struct moments {
        double mean = 0.0, squares = 0.0;
        void add(double x, double n);
    };
    extents lattice_;
    chain_id chain_;
    segment_no segment_;
    segment_params params_;
    std::uint64_t trajectory_ = 0, measured_ = 0, accepted_ = 0;
    trajectory_observables newest_;
    bool newest_measured_ = false;
    double seconds_ = 0.0;
    moments plaquette_, polyakov_;
};

} // namespace forge
