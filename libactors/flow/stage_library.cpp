// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/flow/stage_library.hpp"

#include <algorithm>

namespace forge {

const char* name_of(item_type t) {
    switch (t) {
    case item_type::result: return "result";
    case item_type::scored_result: return "scored result";
    case item_type::decision: return "decision";
    case item_type::stop: return "stop";
    case item_type::verdict: return "verdict";
    case item_type::measurement: return "measurement";
    case item_type::task: return "task";
    }
    return "n/a";
}

field_schema schema_of(item_type t, const std::vector<std::string>& heads) {
    field_schema s;
    const auto numbers = [&s](std::initializer_list<const char*> names) {
        for (const char* n : names)
            s.add(n, value_type::number);
    };
    switch (t) {
    case item_type::result: return result_schema();
    case item_type::scored_result: return result_schema(heads);
    case item_type::decision: numbers({"beta", "gain", "uncertainty"}); break;
    case item_type::verdict:
        numbers({"deviation", "drift", "beta", "trajectory"});
        s.add("agrees", value_type::truth);
        break;
    case item_type::measurement: numbers({"beta", "trajectory", "value", "error"}); break;
    case item_type::stop:
    case item_type::task: numbers({"chain", "trajectory"}); break;
    }
    return s;
}

const std::vector<stage_kind>& stage_library() {
    using enum item_type;
    using enum capability_kind;
    static const std::vector<capability> hmc{{f64_compute, 0}, {scalar_reduce, 0}};
    static const std::vector<item_type> any_record{result, scored_result, decision, stop, verdict, measurement};
    static const std::vector<stage_kind> all{
        {"hmc_producer", "chain", {{"steering", {decision}, false}, {"stop", {stop}, false}}, {{"results", {result}, false}}, hmc,
         "runs a Markov chain; goes on with its beta until a decision comes"},
        {"hmc_on_demand", "chain", {{"steering", {decision}, true}, {"stop", {stop}, false}}, {{"results", {result}, false}}, hmc,
         "runs one trajectory for each decision and sleeps in between"},
        {"thermalisation_monitor", "conductor", {{"results", {result}, true}}, {{"stop", {stop}, false}}, {{f32_compute, 0}},
         "watches the plaquette converge and ends thermalisation early"},
        {"conductor_screen", "conductor", {{"results", {result}, true}}, {{"scored", {scored_result}, false}}, {{f32_compute, 0}},
         "scores every result with the heads of the conductor"},
        {"precision_validator", "validator", {{"results", {result}, true}}, {{"verdicts", {verdict}, false}}, hmc,
         "evaluates the same configuration again, in another precision or on another device"},
        {"observable", "observer", {{"results", {result}, true}}, {{"measurements", {measurement}, false}}, {{f64_compute, 0}},
         "measures an observable of the configuration"},
        {"bayesian_steerer", "steerer", {{"evidence", {result, verdict, measurement}, true}}, {{"decisions", {decision}, false}},
         {{f64_compute, 0}}, "chooses the beta of the next trajectories by expected information"},
        {"recorder", "recorder", {{"records", any_record, true}}, {}, {}, "writes what it is given to the ledger"},
        {"chain", "chain", {{"steering", {decision}, false}, {"stop", {stop}, false}},
         {{"tasks", {task}, false}, {"results", {result}, false}}, {}, "a Markov chain that runs on a device worker"},
        {"device_worker", "device_worker", {{"tasks", {task}, false}}, {}, {}, "runs the trajectories of chains on one device"},
        {"steerer", "steerer", {{"evidence", {result, verdict, measurement}, false}}, {{"decisions", {decision}, false}}, {},
         "walks the campaign's plan of betas"},
        {"conductor", "conductor", {{"results", {result}, false}}, {{"scored", {scored_result}, false}, {"stop", {stop}, false}},
         {{f32_compute, 0}}, "scores, and ends thermalisation, beside the chains"},
    };
    return all;
}

const stage_kind* find_kind(std::string_view name) {
    for (const auto& k : stage_library())
        if (k.name == name)
            return &k;
    return nullptr;
}

std::optional<port_match> match_ports(const stage_kind& from, const stage_kind& to) {
    for (std::size_t o = 0; o < from.outputs.size(); ++o)
        for (const auto item : from.outputs[o].items)
            for (std::size_t i = 0; i < to.inputs.size(); ++i)
                for (const auto taken : to.inputs[i].items)
                    if (item == taken || (item == item_type::scored_result && taken == item_type::result))
                        return port_match{o, i, item};
    return std::nullopt;
}

} // namespace forge
