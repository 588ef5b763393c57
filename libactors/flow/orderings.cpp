// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/flow/orderings.hpp"

#include <algorithm>

namespace forge {

namespace {

stage make(const char* id, const char* kind, const std::string& device) { return {id, kind, device, {}, {}}; }

const workload& profile(const std::string& name) {
    const auto& all = workload_profiles();
    const auto at = std::find_if(all.begin(), all.end(), [&](const workload& w) { return w.name == name; });
    expects(at != all.end(), "a profile has a name");
    return *at;
}

/// The validator stands on another device than the large producer, if there is one.
const std::string& validator_device(const pipeline_devices& d) { return d.fast != d.large ? d.fast : d.host; }

stage large_hmc(const pipeline_devices& d) { return make("large_hmc", "hmc_producer", d.large); }
stage small_hmc(const pipeline_devices& d) { return make("small_hmc", "hmc_producer", d.fast); }
stage screen(const pipeline_devices& d) { return make("screen", "conductor_screen", d.conductor); }
stage steer(const pipeline_devices& d) { return make("steer", "bayesian_steerer", d.host); }

std::string wake_condition() {
    return "score.uncertainty > " + std::to_string(wake_uncertainty).substr(0, 3);
}

} // namespace

result<pipeline_devices> choose_devices(const std::vector<substrate>& substrates) {
    const auto& hmc = profile("hmc_native");
    const auto first = route(hmc, substrates);
    const auto heads = route(profile("conductor_heads"), substrates);
    if (!first.chosen || !heads.chosen)
        return error{errc::device_unavailable, first.chosen ? "no device can run the conductor's heads" : "no device can run trajectories",
                     "", "forge route says what each device lacks"};
    pipeline_devices d;
    d.large = d.fast = substrates[*first.chosen].id;
    d.conductor = substrates[*heads.chosen].id;
    auto others = substrates;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(*first.chosen));
    if (const auto second = route(hmc, others); second.chosen)
        d.fast = others[*second.chosen].id;
    d.host = substrates[*route(profile("cpu_validation"), substrates).chosen].id; // needs less than hmc_native
    return d;
}

topology seed_pipeline(const pipeline_devices& d) {
    const auto critical = channel::filtered("chi > 10.0", 4);
    return {{large_hmc(d), small_hmc(d), screen(d), make("large_validate", "precision_validator", d.large),
             make("small_validate", "precision_validator", d.fast), steer(d)},
            {{"large_hmc", "screen", channel::bounded(4)},
             {"small_hmc", "screen", channel::bounded(4)},
             {"screen", "steer", channel::bounded(8)},
             {"steer", "large_hmc", channel::latest()},
             {"steer", "small_hmc", channel::latest()},
             {"large_hmc", "small_validate", critical},
             {"small_hmc", "large_validate", critical}}};
}

topology ordering_a(const pipeline_devices& d) {
    return {{large_hmc(d), screen(d), make("validate", "precision_validator", validator_device(d))},
            {{"large_hmc", "screen", channel::bounded(4)}, {"screen", "validate", channel::filtered("chi_l > 10 or score.anomaly > 0.5", 4)}}};
}

topology ordering_b(const pipeline_devices& d) {
    return {{small_hmc(d), screen(d), steer(d), make("large_hmc", "hmc_on_demand", d.large)},
            {{"small_hmc", "screen", channel::bounded(4)},
             {"screen", "steer", channel::filtered("score.beta_priority > 0.5", 8)},
             {"steer", "large_hmc", channel::latest()},
             {"large_hmc", "steer", channel::bounded(4)}}};
}

topology ordering_c(const pipeline_devices& d) {
    return {{large_hmc(d), small_hmc(d), screen(d), steer(d)},
            {{"large_hmc", "screen", channel::bounded(4)},
             {"small_hmc", "screen", channel::bounded(4)},
             {"screen", "steer", channel::bounded(8)},
             {"steer", "large_hmc", channel::latest()},
             {"steer", "small_hmc", channel::latest()}}};
}

topology ordering_d(const pipeline_devices& d) {
    return {{large_hmc(d), make("validate", "precision_validator", validator_device(d))}, {{"large_hmc", "validate", channel::bounded(4)}}};
}

topology ordering_e(const pipeline_devices& d) {
    auto t = ordering_c(d);
    for (auto& s : t.stages)
        if (s.kind == "hmc_producer")
            s.kind = "hmc_on_demand";
    for (auto& e : t.edges)
        if (e.from == "screen")
            e.via = channel::filtered(wake_condition(), 8);
    return t;
}

std::vector<named_ordering> orderings(const pipeline_devices& d) {
    return {{"A", "production: the large lattice leads, a validator spot-checks", ordering_a(d)},
            {"B", "discovery: the small lattice leads, the large one follows up", ordering_b(d)},
            {"C", "parallel discovery: both produce, one steerer", ordering_c(d)},
            {"D", "precision cascade: every configuration is evaluated again", ordering_d(d)},
            {"E", "power-optimised: devices wake when the conductor is uncertain", ordering_e(d)}};
}

topology recorded(const topology& t, const std::string& device, std::uint32_t capacity) {
    topology r = t;
    auto at = std::find_if(r.stages.begin(), r.stages.end(), [](const stage& s) { return s.kind == "recorder"; });
    if (at == r.stages.end())
        at = r.stages.insert(at, make("recorder", "recorder", device));
    const auto recorder = at->id;
    for (const auto& s : t.stages) {
        const auto* kind = find_kind(s.kind);
        const bool gives = kind != nullptr && std::any_of(kind->outputs.begin(), kind->outputs.end(), [](const port& p) {
            return p.items.front() == item_type::result || p.items.front() == item_type::verdict || p.items.front() == item_type::measurement;
        });
        const bool has = std::any_of(r.edges.begin(), r.edges.end(), [&](const edge& e) { return e.from == s.id && e.to == recorder; });
        if (gives && !has)
            r.edges.push_back({s.id, recorder, channel::bounded(capacity)});
    }
    return r;
}

} // namespace forge
