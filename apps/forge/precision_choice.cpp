// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/precision_choice.hpp"

#include "apps/forge/cli.hpp"
#include "libactors/hmc/start.hpp"
#include "libactors/numerics/difference.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <map>

namespace forge::app {

namespace {

constexpr int repeats = 7;
constexpr double force_difference_max = 1e-11;

double force_seconds(gauge_workspace& fields) {
    double best = 1e30;
    for (int r = 0; r < repeats + 1; ++r) {
        const auto start = std::chrono::steady_clock::now();
        fields.kick(6.0, 0.0);
        (void)fields.kinetic_energy(); // waits for the kick
        if (r > 0)                     // the first launch may compile
            best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
}

momentum_field force_of(gauge_workspace& fields) {
    fields.upload_momenta(momentum_field(fields.shape()));
    fields.kick(6.0, -1.0); // P = F
    return fields.download_momenta();
}

} // namespace

result<precision_measurement> measure_precision(const opencl_system& system, const std::string& device, const opencl_options& options,
                                                const campaign& plan) {
    auto engine = system.make_engine(device, options);
    if (!engine)
        return engine.reason();
    try {
        const auto fields = (*engine)->allocate(plan.lattice);
        fields->upload(hot_start(plan.lattice, {1, 0, 0}));
        const double native_s = force_seconds(*fields);
        const auto native = force_of(*fields);
        const double sites = static_cast<double>(plan.lattice.volume());
        precision_measurement m;
        double hybrid_s = 0.0;
        try {
            fields->set_arithmetic({precision_strategy::hybrid, 0.0});
        } catch (const failure& f) { // the self-test refuses: native is what remains
            if (plan.precision != precision_choice::automatic)
                return f.reason();
            m.reason = "native: " + f.reason().what;
            return m;
        }
        hybrid_s = force_seconds(*fields);
        const auto hybrid = force_of(*fields);
        const auto difference = difference_of(hybrid.reals(), native.reals()).max;
        const double slices = plan.lattice.n[3]; // what a queue can be given is whole time slices
        const double share = plan.df64_share.value_or(std::round(slices * native_s / (native_s + hybrid_s)) / slices);
        const arithmetic concurrent{precision_strategy::concurrent, share};
        fields->set_arithmetic(concurrent);
        const double concurrent_s = force_seconds(*fields);
        const auto measured = fmt::format("force ns/site: native {:.0f}, hybrid {:.0f}, concurrent {:.0f} (df64 share {}); largest force difference {:.1e}",
                                          1e9 * native_s / sites, 1e9 * hybrid_s / sites, 1e9 * concurrent_s / sites, share, difference);
        if (plan.precision == precision_choice::concurrent)
            m.chosen = concurrent;
        else if (difference <= force_difference_max && hybrid_s < native_s && hybrid_s <= concurrent_s)
            m.chosen = {precision_strategy::hybrid, 0.0};
        else if (difference <= force_difference_max && concurrent_s < native_s)
            m.chosen = concurrent;
        m.reason = fmt::format("{} on {}: {}", name_of(m.chosen.strategy), device, measured);
        return m;
    } catch (const failure& f) {
        return f.reason();
    }
}

result<std::vector<arithmetic>> decide_precision(const opencl_system& system, const std::vector<std::string>& devices, const opencl_options& options,
                                                 const campaign& plan, ledger& book, std::string& text) {
    std::vector<arithmetic> all(plan.n_chains);
    const bool measured = plan.precision == precision_choice::automatic || (plan.precision == precision_choice::concurrent && !plan.df64_share);
    if (!measured) {
        for (auto& a : all)
            a = {static_cast<precision_strategy>(plan.precision), plan.df64_share.value_or(0.0)};
        return all;
    }
    const auto events = book.events();
    if (!events)
        return events.reason();
    std::map<std::uint32_t, arithmetic> known;
    for (const auto& e : *events)
        if (e.kind == "precision" && e.chain) {
            const auto j = nlohmann::json::parse(e.json, nullptr, false);
            if (j.is_object() && j.contains("strategy") && j.contains("df64_share"))
                known[e.chain->value] = {static_cast<precision_strategy>(j["strategy"].get<int>()), j["df64_share"].get<double>()};
        }
    std::map<std::string, precision_measurement> by_device;
    for (std::uint32_t c = 0; c < plan.n_chains; ++c) {
        if (const auto at = known.find(c); at != known.end()) {
            all[c] = at->second;
            continue;
        }
        const auto& device = devices[c % devices.size()];
        if (!by_device.contains(device)) {
            auto m = measure_precision(system, device, options, plan);
            if (!m)
                return m.reason();
            text += "precision " + m->reason + "\n";
            by_device[device] = *m;
        }
        all[c] = by_device[device].chosen;
        event_row row;
        row.utc = utc_now();
        row.kind = "precision";
        row.chain = chain_id{c};
        row.text = by_device[device].reason;
        row.json = nlohmann::json{{"strategy", static_cast<int>(all[c].strategy)}, {"df64_share", all[c].df64_share}}.dump();
        if (auto written = book.add_event(row); !written)
            return written.reason();
    }
    return all;
}

} // namespace forge::app
