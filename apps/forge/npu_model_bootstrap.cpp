// SPDX-License-Identifier: AGPL-3.0-only
// forge npu eval --study bootstrap: placement E, what other runs teach.
#include "apps/forge/npu_model_study.hpp"

#include <fmt/format.h>

namespace forge::app {

using json = nlohmann::json;

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
            if (pairs->empty() || training->empty())
                return no_pairs();
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
                all.push_back({{"trained_on", from.n},
                               {"judged_on", to.n},
                               {"chains", 2 * b.size()},
                               {"rule", name_of(kind)},
                               {"threshold", threshold},
                               {"cut", to_json(cut)},
                               {"bias_plaquette", to_json(p)},
                               {"bias_polyakov", to_json(l)}});
            }
        }
    }
    report.data = {{"rows", all}};
    report.text = "Rules set (and the network trained) on half of the chains of one lattice, judged on the other half, or on another lattice; bias in sigma_M\n\n" +
                  markdown({"set on", "judged on", "chains", "rule", "cut", "bias P", "bias |L|"}, rows);
    return report;
}

} // namespace forge::app
