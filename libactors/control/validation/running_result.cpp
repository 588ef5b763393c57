// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/validation/running_result.hpp"

#include <cmath>

namespace forge {

void running_result::moments::add(double x, double n) {
    const double d = x - mean;
    mean += d / n;
    squares += d * (x - mean);
}

void running_result::begin(chain_id chain, segment_no segment, const segment_params& params) {
    *this = running_result(lattice_);
    chain_ = chain;
    segment_ = segment;
    params_ = params;
}

void running_result::add(std::uint64_t trajectory, const trajectory_observables& o, bool measured, double seconds) {
    trajectory_ = trajectory;
    newest_ = o;
    newest_measured_ = measured;
    seconds_ = seconds;
    if (!measured)
        return;
    const auto n = static_cast<double>(++measured_);
    accepted_ += o.accepted ? 1 : 0;
    plaquette_.add(o.plaquette(), n);
    polyakov_.add(std::hypot(o.polyakov_re, o.polyakov_im), n);
}

std::optional<double> running_result::field(std::string_view name) const {
    const auto n = static_cast<double>(measured_);
    const auto spread = [&](const moments& m, double volume) { return measured_ < 2 ? std::nullopt : std::optional(volume * m.squares / n); };
    if (name == "beta")
        return params_.beta;
    if (name == "chain")
        return chain_.value;
    if (name == "segment")
        return segment_.value;
    if (trajectory_ == 0)
        return std::nullopt;
    if (name == "trajectory")
        return static_cast<double>(trajectory_);
    if (name == "plaquette")
        return newest_.plaquette();
    if (name == "plaquette_spatial")
        return newest_.plaquette_spatial;
    if (name == "plaquette_temporal")
        return newest_.plaquette_temporal;
    if (name == "action_density")
        return newest_.action_density;
    if (name == "polyakov_re")
        return newest_.polyakov_re;
    if (name == "polyakov_im")
        return newest_.polyakov_im;
    if (name == "polyakov_abs")
        return std::hypot(newest_.polyakov_re, newest_.polyakov_im);
    if (name == "delta_h")
        return newest_.delta_h;
    if (name == "exp_minus_delta_h")
        return newest_.exp_minus_delta_h;
    if (name == "accepted")
        return newest_.accepted ? 1.0 : 0.0;
    if (name == "measured")
        return newest_measured_ ? 1.0 : 0.0;
    if (name == "seconds")
        return seconds_;
    if (name == "acceptance")
        return measured_ == 0 ? std::nullopt : std::optional(static_cast<double>(accepted_) / n);
    if (name == "chi_p")
        return spread(plaquette_, static_cast<double>(lattice_.volume()));
    if (name == "chi_l")
        return spread(polyakov_, static_cast<double>(lattice_.spatial_volume()));
    return std::nullopt;
}

} // namespace forge
