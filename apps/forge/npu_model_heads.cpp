// SPDX-License-Identifier: AGPL-3.0-only
// forge npu eval --study heads | bootstrap: every head against its simple rule, and what is learnt from other runs.
#include "apps/forge/npu_model_study.hpp"

#include <algorithm>
#include <cmath>

namespace forge::app {

namespace {

using json = nlohmann::json;

struct head_rows {
    std::vector<scored> network, rule, constant;
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
result<void> collect(const echo_state_network& n, const simple_rules& rules, const equilibrium_table& e, const chain_view& chains, std::span<const std::uint32_t> cluster, std::size_t stride,
                     std::vector<head_rows>& into) {
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

result<std::vector<column_result>> run_split(const chain_view& chains, const study_options& o, const std::vector<std::size_t>& fold, std::size_t folds, std::size_t stride,
                                             std::span<const std::uint32_t> cluster, const study_progress& progress, const std::string& what) {
    std::vector<column_result> all(target_columns);
    auto network = echo_state_network::make(conductor_shape(o.units, o.reservoirs, o.seed));
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
        auto trained = train_network(*network, split.train, *e, stride);
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
                    shift(c.test[k].network, 0.5 - best_cut(c.train[k].network));
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
    std::vector<std::vector<std::string>> rows;
    auto data = json::array();
    for (const auto& h : all_heads()) {
        if (!h.applicable()) {
            rows.push_back({std::string(h.name), "n/a", "n/a", "n/a", "n/a", "n/a", "n/a", "not applicable: " + std::string(h.unavailable)});
            data.push_back({{"head", h.name}, {"applicable", false}, {"reason", h.unavailable}});
            continue;
        }
        const bool chainwise = h.judged_by == held_out::chains;
        const auto& clusters = chainwise ? cluster : beta_cluster;
        for (std::uint32_t d = 0; d < h.dim; ++d) {
            const auto& r = (chainwise ? *by_chain : *by_beta)[*column_of(h.id) + d].rows;
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
            const auto resamples = o.resamples / 5;
            const auto score = cluster_bootstrap(clusters.size(), [&](cluster_weights w) { return one(true, w); }, resamples);
            const auto rule = cluster_bootstrap(clusters.size(), [&](cluster_weights w) { return one(false, w); }, resamples);
            const auto gain = cluster_bootstrap(clusters.size(), [&](cluster_weights w) -> std::optional<double> {
                const auto x = one(true, w);
                const auto y = one(false, w);
                return x && y ? std::optional(*x - *y) : std::nullopt;
            }, resamples);
            const auto constant = classes ? std::optional(0.5) : r_squared(r.constant);
            const auto balanced = classes ? balanced_accuracy(r.network) : std::nullopt;
            const auto balanced_rule = classes ? balanced_accuracy(r.rule) : std::nullopt;
            const bool beats = gain && gain->low > 0.0;
            const bool loses = gain && gain->high < 0.0;
            std::string more = fmt::format("{} rows", r.network.size());
            if (classes)
                more += fmt::format(", base rate {:.4f}, balanced accuracy {:.3f} (rule {:.3f})", base_rate(r.network).value_or(NAN), balanced.value_or(NAN), balanced_rule.value_or(NAN));
            if (!chainwise)
                more += ", betas held out";
            rows.push_back({name, classes ? "AUC" : "R^2", text_of(score), constant ? fmt::format("{:.3f}", *constant) : "n/a", text_of(rule), text_of(gain),
                            beats ? "beats the rule" : loses ? "loses: untrusted" : "does not beat the rule: untrusted", more});
            data.push_back({{"head", h.name}, {"component", d}, {"applicable", true}, {"score", classes ? "auc" : "r2"}, {"network", to_json(score)}, {"rule", to_json(rule)},
                            {"constant", constant ? json(*constant) : json(nullptr)}, {"gain", to_json(gain)}, {"beats_rule", beats}, {"rows", r.network.size()},
                            {"base_rate", classes ? json(base_rate(r.network).value_or(NAN)) : json(nullptr)}, {"balanced_accuracy", balanced ? json(*balanced) : json(nullptr)},
                            {"balanced_accuracy_rule", balanced_rule ? json(*balanced_rule) : json(nullptr)}, {"held_out", chainwise ? "chains" : "betas"}});
        }
    }
    study_report report;
    report.data = {{"lattice", lattice.n}, {"chains", chains.size()}, {"heads", data}};
    report.text = fmt::format("{}: {} chains, {} folds by chain ({} by beta where the target is a function of beta)\n\n", to_text(lattice), chains.size(), o.folds, beta_folds) +
                  markdown({"head", "score", "network", "constant", "simple rule", "network - rule", "verdict", ""}, rows);
    return report;
}

result<study_report> study_bootstrap(const training_data& data, const study_options& o, const study_progress& progress) {
    study_report report;
    std::vector<std::vector<std::string>> rows;
    auto all = json::array();
    auto network = echo_state_network::make(conductor_shape(o.units, o.reservoirs, o.seed));
    if (!network)
        return network.reason();
    const auto lattices = data.lattices();
    for (const auto& from : lattices) {
        // Half of the partnerships teaches, the other half is another campaign.
        const auto chains = data.of(from);
        const auto split = split_of(chains, folds_by_chain(chains, 2), 1);
        const auto e = equilibrium_table::make(split.train);
        if (!e)
            return e.reason();
        progress(fmt::format("bootstrap: training on {}", to_text(from)));
        auto trained = train_network(*network, split.train, *e);
        if (!trained)
            return trained.reason();
        const auto training = pairs_of(split.train, *e, &*trained, nullptr);
        if (!training)
            return training.reason();
        for (const auto& to : lattices) {
            progress(fmt::format("bootstrap: {} judged on {}", to_text(from), to_text(to)));
            const auto judged = to == from ? split.test : data.of(to);
            // Biases are measured against equilibrium on the judged lattice; the rules were set on the other.
            const auto truth = to == from ? e : equilibrium_table::make(judged);
            if (!truth)
                return truth.reason();
            const auto pairs = pairs_of(judged, *truth, &*trained, nullptr);
            if (!pairs)
                return pairs.reason();
            for (const auto kind : {rule_kind::fixed, rule_kind::mser_after, rule_kind::bracket, rule_kind::network}) {
                const double threshold = choose_threshold(*training, kind, stop_targets_of(from).training_bias);
                std::vector<stop_bias> b;
                for (const auto& pair : *pairs)
                    b.push_back(bias_of(pair, kind, threshold));
                const auto mean = [&](double stop_bias::*what) {
                    return cluster_bootstrap(b.size(), [&](cluster_weights w) -> std::optional<double> {
                        double sum = 0.0;
                        double n = 0.0;
                        for (std::size_t k = 0; k < b.size(); ++k) {
                            sum += w[k] * (b[k].*what);
                            n += w[k];
                        }
                        return sum / n;
                    }, o.resamples / 2);
                };
                const auto cut = mean(&stop_bias::cut);
                const auto p = mean(&stop_bias::plaquette);
                const auto l = mean(&stop_bias::polyakov);
                rows.push_back({to_text(from), to_text(to), fmt::format("{}", 2 * b.size()), std::string(name_of(kind)), text_of(cut, 1), text_of(p), text_of(l)});
                all.push_back({{"trained_on", from.n}, {"judged_on", to.n}, {"chains", 2 * b.size()}, {"rule", name_of(kind)}, {"threshold", threshold}, {"cut", to_json(cut)}, {"bias_plaquette", to_json(p)}, {"bias_polyakov", to_json(l)}});
            }
        }
    }
    report.data = {{"rows", all}};
    report.text = "Rules set (and the network trained) on half of the chains of one lattice, judged on the other half, or on another lattice; bias in sigma_M\n\n" +
                  markdown({"set on", "judged on", "chains", "rule", "cut", "bias P", "bias |L|"}, rows);
    return report;
}

} // namespace forge::app
