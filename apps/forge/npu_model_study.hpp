// SPDX-License-Identifier: AGPL-3.0-only
// What the models are worth: studies on held-out chains, each printed by one command.
#pragma once

#include "apps/forge/cli.hpp"
#include "apps/forge/npu_model_data.hpp"
#include "libactors/learn/metrics.hpp"
#include "libactors/learn/thermalisation.hpp"

#include <string>
#include <vector>

namespace forge::app {

struct study_options {
    std::uint32_t units = 128;
    std::uint32_t reservoirs = 1;
    std::uint64_t seed = 42;
    std::size_t folds = 5;
    std::vector<std::string> judged{}; ///< runs (chain_history::run) that are judged, taught by all others; empty: every chain once, by folds
    std::size_t resamples = 1000;
    bool int4_weights = false; ///< reservoirs as an int4 device stores them: readouts then learn the states that it produces (train, heads)
    gram_engine* gram = nullptr; ///< forms the sums of train and heads; null: the host
};

/// The conductor's network of these options, without readouts.
[[nodiscard]] result<echo_state_network> untrained_network(const study_options& o);

/// Chains of fold f are judged by what all others teach, for f from 0 on.
struct fold_plan {
    std::vector<std::size_t> fold; ///< of every chain
    std::size_t judged = 0;        ///< folds that are
    [[nodiscard]] std::size_t chains() const; ///< in them
};
[[nodiscard]] fold_plan plan_folds(const chain_view& chains, const study_options& o);

/// Says how far it is, on standard error.
using study_progress = std::function<void(const std::string&)>;

struct study_report {
    std::string text; ///< tables, for people
    nlohmann::json data;
};

/// Placement A on one lattice: where each rule stops, and what bias it leaves in P and |L|.
[[nodiscard]] result<study_report> study_thermalisation(const chain_view& chains, const study_options& o, const study_progress& progress);
/// Is a configuration confined? Label beta above the chi_L peak of the training chains; the network sees neither beta nor the start.
[[nodiscard]] result<study_report> study_phase(const chain_view& chains, const study_options& o, const study_progress& progress);
/// Is the next trajectory rejected? With and without the uniform of its test.
[[nodiscard]] result<study_report> study_rejection(const chain_view& chains, const study_options& o, const study_progress& progress);
/// Every head on held-out chains (or betas) against the constant and its simple rule.
[[nodiscard]] result<study_report> study_heads(const chain_view& chains, const study_options& o, const study_progress& progress);
/// Trains on the first runs (by name) and judges on the others; on another lattice where there is one.
[[nodiscard]] result<study_report> study_bootstrap(const training_data& data, const study_options& o, const study_progress& progress);

[[nodiscard]] nlohmann::json to_json(const std::optional<interval>& i);
/// "0.812 [0.80, 0.83]"; "n/a".
[[nodiscard]] std::string text_of(const std::optional<interval>& i, int digits = 3);
/// A table in Markdown.
[[nodiscard]] std::string markdown(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows);

// ---- thermalisation, in parts -----------------------------------------------------------------------------------

/// A hot and a cold chain at one beta, and what the rules see of them: rule[r][t-1] is the score of rule r after t trajectories, which
/// stops at the first t whose score is at most its threshold.
struct stop_pair {
    const chain_history* hot = nullptr;
    const chain_history* cold = nullptr;
    std::vector<std::vector<double>> rule;
    std::size_t mser_hot = 0, mser_cold = 0; ///< later cut of P and |L|, of the first 200
    const equilibrium_table* equilibrium = nullptr;
    std::array<std::vector<double>, 4> sums; ///< running sums of P and |L|, hot and cold: means in no time
};

/// What a stop leaves behind in the mean of the 100 trajectories after it, in sigma_M; + towards the start.
struct stop_bias {
    double cut = 0.0;
    double plaquette = 0.0;
    double polyakov = 0.0;
};

enum class rule_kind { fixed, mser_after, bracket, known, drift, network, network_int4 };
inline constexpr std::size_t scored_rules = 5; ///< bracket, known, drift, network, network_int4
[[nodiscard]] std::string_view name_of(rule_kind k);
[[nodiscard]] std::vector<double> thresholds_of(rule_kind k);
/// Mean over the two chains of the pair.
[[nodiscard]] stop_bias bias_of(const stop_pair& pair, rule_kind kind, double threshold);
/// The pairs of `chains`, with scores by the networks (either may be null: then its score is never low enough).
[[nodiscard]] result<std::vector<stop_pair>> pairs_of(const chain_view& chains, const equilibrium_table& equilibrium, const echo_state_network* network,
                                                      const echo_state_network* int4);
/// What is wrong when there are none where they are needed.
[[nodiscard]] error no_pairs();
/// The loosest threshold of a rule whose bias of P and of |L| on these (training) pairs is at most `bias`; the strictest when none is.
[[nodiscard]] double choose_threshold(const std::vector<stop_pair>& training, rule_kind kind, double bias);
/// Same split of the bias that every table uses.
struct stop_targets {
    double training_bias; ///< thresholds are chosen for it
    double equal_bias;    ///< at which methods are compared
    double demanded;      ///< upper 95 % bound on held-out chains
};
[[nodiscard]] stop_targets stop_targets_of(const extents& lattice);

} // namespace forge::app
