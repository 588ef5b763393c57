// SPDX-License-Identifier: AGPL-3.0-only
// forge npu train: a model of all chains, judged on held-out ones before it is written.
#include "apps/forge/npu_model_study.hpp"

#include "apps/forge/campaign_files.hpp"
#include "apps/forge/npu_model_training.hpp"

#include <algorithm>
#include <map>

namespace forge::app {

namespace {

/// A head is trusted when all its components are; its score is that of the worst.
void judge_heads(const nlohmann::json& study, std::map<std::string, head_standing>& standing) {
    for (const auto& h : study["heads"]) {
        const auto name = h["head"].get<std::string>();
        if (!h.contains("trusted"))
            continue;
        const bool trusted = h["trusted"].get<bool>();
        const auto number = [&h](const char* field) { return h[field].is_object() ? std::optional(h[field]["value"].get<double>()) : std::nullopt; };
        const auto score = number("network");
        auto [at, first] = standing.try_emplace(name, head_standing{name, trusted, score, number("rule"), h["cut"].is_number() ? h["cut"].get<double>() : 0.5});
        if (first)
            continue;
        at->second.trusted = at->second.trusted && trusted;
        if (score && at->second.score && *score < *at->second.score) {
            at->second.score = score;
            at->second.rule = number("rule");
        }
    }
}

/// Thresholds from all chains of the lattice; the network's rule only where it stops no more than ten trajectories after the bracket.
result<thermalisation_choice> choose_stop(const chain_view& chains, const equilibrium_table& e, const echo_state_network& network) {
    thermalisation_choice c{e.lattice(), {}};
    const auto pairs = pairs_of(chains, e, &network, nullptr);
    if (!pairs)
        return pairs.reason();
    if (pairs->empty())
        return c; // nothing to compare: the bracket as it is
    const double bias = stop_targets_of(e.lattice()).training_bias;
    const auto mean_cut = [&pairs](rule_kind kind, double threshold) {
        double sum = 0.0;
        for (const auto& pair : *pairs)
            sum += bias_of(pair, kind, threshold).cut;
        return sum / static_cast<double>(pairs->size());
    };
    const double z = choose_threshold(*pairs, rule_kind::bracket, bias);
    const double near = choose_threshold(*pairs, rule_kind::network, bias);
    constexpr double allowed = 10.0;
    c.settings.z = z;
    c.settings.near_plaquette = c.settings.near_polyakov = near;
    c.settings.rule = mean_cut(rule_kind::network, near) <= mean_cut(rule_kind::bracket, z) + allowed ? thermalisation_rule::network : thermalisation_rule::bracket;
    return c;
}

} // namespace

std::size_t fold_plan::chains() const {
    return static_cast<std::size_t>(std::count_if(fold.begin(), fold.end(), [this](std::size_t f) { return f < judged; }));
}

fold_plan plan_folds(const chain_view& chains, const study_options& o) {
    if (o.judged.empty())
        return {folds_by_chain(chains, o.folds), o.folds};
    fold_plan p{{}, 1};
    for (const auto* h : chains)
        p.fold.push_back(std::find(o.judged.begin(), o.judged.end(), h->run) != o.judged.end() ? 0 : 1);
    return p;
}

result<echo_state_network> untrained_network(const study_options& o) {
    auto network = echo_state_network::make(conductor_shape(o.units, o.reservoirs, o.seed));
    return network && o.int4_weights ? with_int4_weights(*network) : network;
}

result<conductor_model> train_model(const training_data& data, const study_options& o, bool validate, const study_progress& progress) {
    if (data.lattices().size() != 1)
        return error{errc::invalid_argument,
                     fmt::format("the runs are of {} lattices: a model is of one, what it learns does not carry over to another volume",
                                 data.lattices().size()),
                     "forge npu train", "train one model for each lattice (docs/notes/echo_state.md)"};
    std::map<std::string, head_standing> standing;
    if (validate)
        for (const auto& lattice : data.lattices()) {
            const auto judged = study_heads(data.of(lattice), o, progress);
            if (!judged)
                return judged.reason();
            judge_heads(judged->data, standing);
        }
    auto shape = conductor_shape(o.units, o.reservoirs, o.seed);
    auto network = untrained_network(o);
    if (!network)
        return network.reason();
    conductor_model m;
    for (const auto& lattice : data.lattices()) {
        auto e = equilibrium_table::make(data.of(lattice));
        if (!e)
            return e.reason();
        m.equilibrium.push_back(std::move(*e));
    }
    const auto table_of = [&m](const chain_history& h) -> const equilibrium_table& {
        for (const auto& e : m.equilibrium)
            if (e.lattice() == h.lattice)
                return e;
        return m.equilibrium.front(); // each lattice has one
    };
    chain_view all;
    for (const auto& h : data.chains)
        all.push_back(&h);
    progress("training on all chains");
    auto trained = train_network(*network, all, table_of, 1, o.gram);
    if (!trained)
        return trained.reason();
    m.network = std::move(*trained);
    for (const auto& e : m.equilibrium) {
        auto choice = choose_stop(data.of(e.lattice()), e, m.network);
        if (!choice)
            return choice.reason();
        m.thermalisation.push_back(*choice);
    }
    for (const auto& h : shape.heads) {
        const auto at = standing.find(h.name);
        m.heads.push_back(at != standing.end() && m.network.trained(h.name) ? at->second : head_standing{h.name, false, std::nullopt, std::nullopt, 0.5});
        if (const auto* first = m.network.readout(0, h.name, 0))
            m.rows = first->rows();
    }
    m.runs = data.runs;
    m.chains = data.chains.size();
    m.provenance = program_version() + ", forge npu train" + (o.gram != nullptr ? ", sums by " + o.gram->name() : "");
    return m;
}

} // namespace forge::app
