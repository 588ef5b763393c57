// SPDX-License-Identifier: AGPL-3.0-only
// forge npu eval --study heads | bootstrap: every head against its simple rule, and what is learnt from other runs.
#include "apps/forge/npu_model_training.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace forge::app {

namespace {

using json = nlohmann::json;

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
json number_or_null(double x) { return std::isfinite(x) ? json(x) : json(nullptr); }

struct head_rows {
    std::vector<scored> network, rule, constant;
    double cut = 0.5; ///< classification: of the network's value, mean over the folds
};

/// The cut of a score that separates the training rows best (balanced accuracy): scores of ridge readouts and of rules are no
/// probabilities of balanced classes. Values are shifted so that it lies at 1/2.
double best_cut(std::vector<scored> rows) {
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.predicted < b.predicted; });
    double ones = 0.0;
    for (const auto& r : rows)
        ones += r.actual > 0.5 ? 1.0 : 0.0;
    const double zeros = static_cast<double>(rows.size()) - ones;
    double ones_below = 0.0;
    double zeros_below = 0.0;
    double best = -1.0;
    double cut = 0.5;
    for (std::size_t k = 0; k + 1 < rows.size(); ++k) {
        (rows[k].actual > 0.5 ? ones_below : zeros_below) += 1.0;
        if (rows[k].predicted == rows[k + 1].predicted)
            continue;
        const double score = (ones - ones_below) / std::max(1.0, ones) + zeros_below / std::max(1.0, zeros);
        if (score > best) {
            best = score;
            cut = 0.5 * (rows[k].predicted + rows[k + 1].predicted);
        }
    }
    return cut;
}

struct collected {
    std::vector<head_rows> train, test; ///< by column
};

/// Predictions of the network, the rules and the constants along some chains, every stride-th row.
result<void> collect(const echo_state_network& n, const simple_rules& rules, const equilibrium_table& e, const chain_view& chains,
                     std::span<const std::uint32_t> cluster, std::size_t stride, std::vector<head_rows>& into) {
    into.resize(target_columns);
    for (std::size_t k = 0; k < chains.size(); ++k) {
        const auto said = predict_chain(n, *chains[k]);
        if (!said)
            return said.reason();
        const auto rule = rules.predictions(*chains[k]);
        std::size_t at = 0;
        each_row(*chains[k], e, [&](const feature_vector&, const training_row* row) {
            if (row == nullptr)
                return;
            if (row->t % stride == 0)
                for (std::size_t c = 0; c < target_columns; ++c) {
                    const double y = row->targets[c];
                    if (!std::isfinite(y) || !std::isfinite((*said)[row->t - 1][c]))
                        continue;
                    into[c].network.push_back({(*said)[row->t - 1][c], y, cluster[k]});
                    into[c].rule.push_back({rule[at][c], y, cluster[k]});
                    into[c].constant.push_back({rules.constants()[c], y, cluster[k]});
                }
            ++at;
        });
    }
    return {};
}

void shift(std::vector<scored>& rows, double by) {
    for (auto& r : rows)
        r.predicted += by;
}

/// One component of one head on all folds.
struct column_result {
    head_rows rows; ///< held out; classification: shifted so that the training's best cut is 1/2
};

std::vector<std::uint32_t> clusters_of(const chain_view& some, const chain_view& all, std::span<const std::uint32_t> cluster) {
    std::vector<std::uint32_t> out;
    std::size_t at = 0;
    for (const auto* h : some) { // `some` is in the order of `all`
        while (all[at] != h)
            ++at;
        out.push_back(cluster[at]);
    }
    return out;
}

result<std::vector<column_result>> run_split(const chain_view& chains, const study_options& o, const std::vector<std::size_t>& fold,
                                             std::size_t folds, std::size_t stride, std::span<const std::uint32_t> cluster,
                                             const study_progress& progress, const std::string& what) {
    std::vector<column_result> all(target_columns);
    auto network = untrained_network(o);
    if (!network)
        return network.reason();
    for (std::size_t f = 0; f < folds; ++f) {
        progress(fmt::format("heads, {}, {} held out: fold {} of {}", to_text(chains.front()->lattice), what, f + 1, folds));
        const auto split = split_of(chains, fold, f);
        const auto e = equilibrium_table::make(split.train);
        const auto truth = what == "betas" ? equilibrium_table::make(chains) : e; // a beta that is held out needs its own values to be judged by
        if (!e)
            return e.reason();
        if (!truth)
            return truth.reason();
        const simple_rules rules(split.train, *e);
        auto trained = train_network(*network, split.train, *e, stride, o.gram);
        if (!trained)
            return trained.reason();
        collected c;
        const auto of_train = clusters_of(split.train, chains, cluster);
        const auto of_test = clusters_of(split.test, chains, cluster);
        if (auto done = collect(*trained, rules, *e, split.train, of_train, 5 * stride, c.train); !done)
            return done.reason();
        if (auto done = collect(*trained, rules, *truth, split.test, of_test, stride, c.test); !done)
            return done.reason();
        for (const auto& h : all_heads()) {
            if (!h.applicable())
                continue;
            for (std::size_t k = *column_of(h.id); k < *column_of(h.id) + h.dim; ++k) {
                if (h.kind == head_kind::classification && !c.train[k].network.empty()) {
                    const double cut = best_cut(c.train[k].network);
                    all[k].rows.cut += (cut - 0.5) / static_cast<double>(folds);
                    shift(c.test[k].network, 0.5 - cut);
                    shift(c.test[k].rule, 0.5 - best_cut(c.train[k].rule));
                }
                const auto append = [](std::vector<scored>& to, const std::vector<scored>& from) { to.insert(to.end(), from.begin(), from.end()); };
                append(all[k].rows.network, c.test[k].network);
                append(all[k].rows.rule, c.test[k].rule);
                append(all[k].rows.constant, c.test[k].constant);
            }
        }
    }
    return all;
}

/// Tables of all heads from the rows of their columns; by_beta may be null: then those heads are judged like the others.
struct head_table {
    std::vector<std::vector<std::string>> rows;
    json data = json::array();
};

head_table tabulate(const std::vector<column_result>& by_chain, const std::vector<column_result>* by_beta, std::size_t chain_clusters,
                    std::size_t beta_clusters, std::size_t resamples) {
    head_table table;
    auto& rows = table.rows;
    auto& data = table.data;
    for (const auto& h : all_heads()) {
        if (!h.applicable()) {
            rows.push_back({std::string(h.name), "n/a", "n/a", "n/a", "n/a", "n/a", "n/a", "not applicable: " + std::string(h.unavailable)});
            data.push_back({{"head", h.name}, {"applicable", false}, {"reason", h.unavailable}});
            continue;
        }
        const bool chainwise = h.judged_by == held_out::chains || by_beta == nullptr;
        const auto clusters = chainwise ? chain_clusters : beta_clusters;
        for (std::uint32_t d = 0; d < h.dim; ++d) {
            const auto& r = (chainwise ? by_chain : *by_beta)[*column_of(h.id) + d].rows;
            const auto name = h.dim == 1 ? std::string(h.name) : fmt::format("{}[{}]", h.name, d);
            if (r.network.empty()) {
                rows.push_back({name, "n/a", "n/a", "n/a", "n/a", "n/a", "n/a", "no target on this lattice"});
                data.push_back({{"head", h.name}, {"component", d}, {"applicable", true}, {"rows", 0}});
                continue;
            }
            const bool classes = h.kind == head_kind::classification;
            const roc a(classes ? std::span<const scored>(r.network) : std::span<const scored>());
            const roc b(classes ? std::span<const scored>(r.rule) : std::span<const scored>());
            const auto one = [&](bool network, cluster_weights w) { return classes ? (network ? a : b).area(w) : r_squared(network ? r.network : r.rule, w); };
            const auto score = cluster_bootstrap(clusters, [&](cluster_weights w) { return one(true, w); }, resamples);
            const auto rule = cluster_bootstrap(clusters, [&](cluster_weights w) { return one(false, w); }, resamples);
            const auto gain = cluster_bootstrap(clusters, [&](cluster_weights w) -> std::optional<double> {
                const auto x = one(true, w);
                const auto y = one(false, w);
                const auto nothing = classes ? std::optional(0.5) : r_squared(r.constant, w);
                return x && y && nothing ? std::optional(*x - std::max(*y, *nothing)) : std::nullopt;
            }, resamples);
            const auto constant = classes ? std::optional(0.5) : r_squared(r.constant);
            const double balanced = classes ? balanced_accuracy(r.network).value_or(unknown) : unknown;
            const double balanced_rule = classes ? balanced_accuracy(r.rule).value_or(unknown) : unknown;
            const bool beats = gain && gain->low > 0.0;
            const bool loses = gain && gain->high < 0.0;
            const bool enough = classes ? balanced >= 0.6 : score && score->value >= 0.3; // the trust gate's own bounds
            std::string more = fmt::format("{} rows", r.network.size());
            if (classes)
                more += fmt::format(", base rate {:.4f}, balanced accuracy {:.3f} (rule {:.3f})", base_rate(r.network).value_or(unknown), balanced, balanced_rule);
            if (!chainwise)
                more += ", betas held out";
            rows.push_back({name, classes ? "AUC" : "R^2", text_of(score), constant ? fmt::format("{:.3f}", *constant) : "n/a", text_of(rule), text_of(gain),
                            beats ? (enough ? "trusted" : "beats both, too weak: untrusted") : loses ? "loses: untrusted" : "no better: untrusted", more});
            data.push_back({{"head", h.name},
                            {"component", d},
                            {"applicable", true},
                            {"score", classes ? "auc" : "r2"},
                            {"network", to_json(score)},
                            {"rule", to_json(rule)},
                            {"constant", constant ? json(*constant) : json(nullptr)},
                            {"gain", to_json(gain)},
                            {"beats_baselines", beats},
                            {"trusted", beats && enough},
                            {"rows", r.network.size()},
                            {"base_rate", classes ? number_or_null(base_rate(r.network).value_or(unknown)) : json(nullptr)},
                            {"cut", classes ? json(r.cut) : json(nullptr)},
                            {"balanced_accuracy", number_or_null(balanced)},
                            {"balanced_accuracy_rule", number_or_null(balanced_rule)},
                            {"held_out", chainwise ? "chains" : "betas"}});
        }
    }
    return table;
}

const std::vector<std::string> head_columns{"head", "score", "network", "constant", "simple rule", "network - better of both", "verdict", ""};

} // namespace

result<study_report> study_heads(const chain_view& chains, const study_options& o, const study_progress& progress) {
    const auto lattice = chains.front()->lattice;
    const auto cluster = partnerships(chains);
    std::vector<std::uint32_t> beta_cluster; // betas held out: a beta is what is drawn
    {
        std::vector<double> betas;
        for (const auto* h : chains)
            betas.push_back(h->beta);
        std::sort(betas.begin(), betas.end());
        betas.erase(std::unique(betas.begin(), betas.end()), betas.end());
        for (const auto* h : chains)
            beta_cluster.push_back(static_cast<std::uint32_t>(std::lower_bound(betas.begin(), betas.end(), h->beta) - betas.begin()));
    }
    const auto by_chain = run_split(chains, o, folds_by_chain(chains, o.folds), o.folds, 1, cluster, progress, "chains");
    if (!by_chain)
        return by_chain.reason();
    constexpr std::size_t beta_folds = 4;
    constexpr std::size_t beta_stride = 10;
    const auto by_beta = run_split(chains, o, folds_by_beta(chains, beta_folds), beta_folds, beta_stride, beta_cluster, progress, "betas");
    if (!by_beta)
        return by_beta.reason();
    progress(fmt::format("heads, {}: bootstrap", to_text(lattice)));
    const auto table = tabulate(*by_chain, &*by_beta, cluster.size(), beta_cluster.size(), o.resamples / 5);
    study_report report;
    report.data = {{"lattice", lattice.n}, {"chains", chains.size()}, {"heads", table.data}};
    report.text = fmt::format("{}: {} chains, {} folds by chain ({} by beta where the target is a function of beta)\n\n", to_text(lattice),
                              chains.size(), o.folds, beta_folds) +
                  markdown(head_columns, table.rows);
    return report;
}

result<study_report> judge_model(const conductor_model& m, const training_data& data, const study_options& o, const study_progress& progress) {
    for (const auto& run : data.runs)
        if (std::find(m.runs.begin(), m.runs.end(), run) != m.runs.end())
            return error{errc::conflict, "the model was trained on run \"" + run + "\": it would judge itself", "forge npu eval",
                         "other runs, or --study heads, which holds chains out"};
    if (m.network.shape().feature_version != feature_version)
        return error{errc::unsupported, "the model does not say that it reads our features: its answers would mean nothing", "forge npu eval",
                     "a model of forge npu train"};
    if (data.lattices().size() != 1)
        return error{errc::invalid_argument, "the runs are of several lattices", "forge npu eval", "judge one lattice at a time"};
    const auto lattice = data.lattices().front();
    const auto e = std::find_if(m.equilibrium.begin(), m.equilibrium.end(), [&](const auto& t) { return t.lattice() == lattice; });
    if (e == m.equilibrium.end())
        return error{errc::not_found, "the model was not trained on " + to_text(lattice), "forge npu eval",
                     "forge npu train on runs of this lattice: what is learnt on one volume does not hold on another"};
    progress("judging the model on " + std::to_string(data.chains.size()) + " chains");
    const auto chains = data.of(lattice);
    const simple_rules rules(chains, *e);
    std::vector<head_rows> rows;
    const auto cluster = partnerships(chains);
    if (auto done = collect(m.network, rules, *e, chains, cluster, 1, rows); !done)
        return done.reason();
    std::vector<column_result> columns;
    for (auto& r : rows)
        columns.push_back({std::move(r)});
    for (const auto& h : all_heads()) {
        const auto* s = m.standing(h.name);
        if (h.applicable() && h.kind == head_kind::classification && s != nullptr) {
            auto& r = columns[*column_of(h.id)].rows;
            r.cut = s->cut;
            shift(r.network, 0.5 - s->cut);
            if (!r.rule.empty())
                shift(r.rule, 0.5 - best_cut(r.rule));
        }
    }
    const auto table = tabulate(columns, nullptr, cluster.size(), 0, o.resamples / 5);
    study_report report;
    report.data = {{"lattice", lattice.n}, {"chains", chains.size()}, {"heads", table.data}};
    report.text = fmt::format("{}: {} chains that the model has not seen; the simple rules are set on these very chains, which favours them\n\n",
                              to_text(lattice), chains.size()) +
                  markdown(head_columns, table.rows);
    return report;
}

} // namespace forge::app
