// SPDX-License-Identifier: AGPL-3.0-only
// Sums and shares of joules, and the meter that only multiplies.
#include "libactors/energy/meters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace forge::energy {

namespace {

class model final : public energy_meter {
public:
    model(std::optional<double> watts, std::string what) : watts_(watts), what_(std::move(what)) {}
    energy_reading read(double now_s) override {
        if (!watts_ || !(*watts_ >= 0.0) || !std::isfinite(*watts_))
            return {std::nullopt, energy_source::none, fmt::format("no watts are configured for {}", what_)};
        if (!first_s_)
            first_s_ = now_s;
        return {*watts_ * (now_s - *first_s_), energy_source::model, fmt::format("{} at {:.4g} W as configured", what_, *watts_)};
    }

private:
    std::optional<double> watts_;
    std::string what_;
    std::optional<double> first_s_;
};

} // namespace

std::unique_ptr<energy_meter> model_meter(std::optional<double> watts, std::string what) {
    return std::make_unique<model>(watts, std::move(what));
}

energy_reading sum_of(std::span<const energy_reading> readings) {
    energy_reading sum{0.0, energy_source::none, ""};
    for (const auto& r : readings) {
        if (!r.joules || r.source == energy_source::none)
            return {std::nullopt, energy_source::none, r.note};
        *sum.joules += *r.joules;
        sum.source = sum.source == energy_source::none ? r.source : std::min(sum.source, r.source);
        sum.note += (sum.note.empty() ? "" : "; ") + r.note;
    }
    if (readings.empty())
        return {std::nullopt, energy_source::none, "nothing counts joules here"};
    return sum;
}

result<std::vector<stage_share>> attribute(double node_joules, std::span<const stage_occupancy> stages) {
    double direct = 0.0, device_s = 0.0;
    bool sound = node_joules >= 0.0 && std::isfinite(node_joules);
    for (const auto& s : stages) {
        sound = sound && s.device_s >= 0.0 && std::isfinite(s.device_s) && s.direct_joules.value_or(0.0) >= 0.0;
        direct += s.direct_joules.value_or(0.0);
        device_s += s.device_s;
    }
    if (!sound || !(device_s > 0.0))
        return error{errc::invalid_argument, sound ? "no stage held a device: there is nobody to attribute joules to" : "joules and seconds are not below 0", "", ""};
    const double rest = node_joules - direct;
    if (rest < -1e-9 * node_joules)
        return error{errc::conflict, fmt::format("the stages' own meters say {:.6g} J, the node {:.6g} J", direct, node_joules), "", "count the accelerators into the node"};
    std::vector<stage_share> shares;
    for (const auto& s : stages)
        shares.push_back({s.stage, s.direct_joules.value_or(0.0) + std::max(rest, 0.0) * s.device_s / device_s});
    return shares;
}

} // namespace forge::energy
