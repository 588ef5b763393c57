// SPDX-License-Identifier: AGPL-3.0-only
// forge npu eval --study thermalisation: where each rule stops held-out chains, and what it leaves behind.
#include "apps/forge/npu_model_study.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace forge::app {

namespace {

using json = nlohmann::json;

constexpr std::array<rule_kind, 7> all_rules{rule_kind::fixed,  rule_kind::mser_after, rule_kind::bracket,     rule_kind::known,
                                             rule_kind::drift, rule_kind::network,    rule_kind::network_int4};

/// What came of one rule on all held-out pairs.
struct rule_outcome {
    std::vector<std::vector<stop_bias>> curve; ///< [threshold][pair]
    std::vector<stop_bias> chosen;             ///< [pair], threshold from the training chains of its fold
    std::vector<double> thresholds;            ///< by fold
};

struct held_out_pairs {
    std::vector<stop_pair> pairs;                   ///< all folds, one after another
    std::vector<std::unique_ptr<equilibrium_table>> tables;
    std::vector<rule_outcome> rules;
    std::vector<thermalisation_stop> monitor; ///< [pair]: the monitor with the network and the fold's threshold
};

result<held_out_pairs> run_folds(const chain_view& chains, const study_options& o, const study_progress& progress) {
    held_out_pairs h;
    h.rules.resize(all_rules.size());
    const auto plan = plan_folds(chains, o);
    const auto shape = conductor_shape(o.units, o.reservoirs, o.seed);
    auto network = echo_state_network::make(shape);
    if (!network)
        return network.reason();
    auto int4 = with_int4_weights(*network);
    if (!int4)
        return int4.reason();
    for (std::size_t f = 0; f < plan.judged; ++f) {
        progress(fmt::format("thermalisation, {}: fold {} of {}", to_text(chains.front()->lattice), f + 1, plan.judged));
        const auto split = split_of(chains, plan.fold, f);
        auto table = equilibrium_table::make(split.train);
        if (!table)
            return table.reason();
        h.tables.push_back(std::make_unique<equilibrium_table>(std::move(*table)));
        const auto& equilibrium = *h.tables.back();
        auto trained = train_network(*network, split.train, equilibrium);
        if (!trained)
            return trained.reason();
        auto trained4 = train_network(*int4, split.train, equilibrium);
        if (!trained4)
            return trained4.reason();
        auto training = pairs_of(split.train, equilibrium, &*trained, &*trained4);
        if (!training)
            return training.reason();
        auto test = pairs_of(split.test, equilibrium, &*trained, &*trained4);
        if (!test)
            return test.reason();
        for (std::size_t r = 0; r < all_rules.size(); ++r) {
            const auto kind = all_rules[r];
            auto& out = h.rules[r];
            const auto thresholds = thresholds_of(kind);
            out.curve.resize(thresholds.size());
            out.thresholds.push_back(choose_threshold(*training, kind, stop_targets_of(equilibrium.lattice()).training_bias));
            for (const auto& pair : *test) {
                for (std::size_t k = 0; k < thresholds.size(); ++k)
                    out.curve[k].push_back(bias_of(pair, kind, thresholds[k]));
                out.chosen.push_back(bias_of(pair, kind, out.thresholds.back()));
            }
        }
        for (auto& pair : *test) { // the product itself, fed trajectory by trajectory
            thermalisation_settings s;
            s.rule = thermalisation_rule::network;
            s.near_plaquette = s.near_polyakov = h.rules[5].thresholds.back();
            thermalisation_monitor monitor(s);
            const auto distance = *column_of(head_id::thermalisation);
            for (const auto* chain : {pair.hot, pair.cold}) {
                const auto said = predict_chain(*trained, *chain);
                if (!said)
                    return said.reason();
                const auto p = chain->plaquettes();
                const auto l = chain->polyakovs();
                for (std::size_t t = 0; t < p.size(); ++t)
                    monitor.add(chain == pair.hot, {p[t], l[t], equilibrium_distance{(*said)[t][distance], (*said)[t][distance + 1]}});
            }
            h.monitor.push_back(monitor.verdict().value_or(thermalisation_stop{s.at_most, stop_reason::limit}));
            h.pairs.push_back(std::move(pair));
        }
    }
    return h;
}

double weighted(const std::vector<stop_bias>& all, cluster_weights w, double stop_bias::*what) {
    double sum = 0.0;
    double n = 0.0;
    for (std::size_t k = 0; k < all.size(); ++k) {
        sum += w[k] * (all[k].*what);
        n += w[k];
    }
    return sum / n;
}

std::optional<interval> mean_of(const std::vector<stop_bias>& all, double stop_bias::*what, std::size_t resamples) {
    return cluster_bootstrap(all.size(), [&](cluster_weights w) -> std::optional<double> { return weighted(all, w, what); }, resamples);
}

/// Least cut from which on the worse of the two biases is at most `bias`, linear between thresholds. Where the strictest does not reach it, its cut
/// stands in: a lower bound.
std::optional<double> cut_at(const rule_outcome& r, cluster_weights w, double bias) {
    double last_cut = 0.0;
    double last_bias = 0.0;
    for (std::size_t k = 0; k < r.curve.size(); ++k) {
        const double b = std::max(weighted(r.curve[k], w, &stop_bias::plaquette), weighted(r.curve[k], w, &stop_bias::polyakov));
        const double cut = weighted(r.curve[k], w, &stop_bias::cut);
        if (b <= bias)
            return k == 0 || last_bias <= b ? cut : last_cut + (cut - last_cut) * (last_bias - bias) / (last_bias - b);
        last_cut = cut;
        last_bias = b;
    }
    return last_cut; // not reached: at least the cut of the strictest threshold
}

struct by_start {
    double chi[2] = {0.0, 0.0};
    double error[2] = {0.0, 0.0};
    [[nodiscard]] double sigmas() const { return std::abs(chi[0] - chi[1]) / std::hypot(error[0], error[1]); }
};

/// chi_L of hot [0] and cold [1] chains from their stops to the end, chains pooled, jackknife over chains.
by_start chi_of(const std::vector<const stop_pair*>& pairs, const std::vector<std::size_t>& cut) {
    by_start out;
    for (std::size_t c = 0; c < 2; ++c) {
        std::vector<std::array<double, 3>> sums; // n, sum, sum of squares by chain
        std::array<double, 3> all{};
        double spatial = 0.0;
        for (std::size_t k = 0; k < pairs.size(); ++k) {
            const auto* h = c == 0 ? pairs[k]->hot : pairs[k]->cold;
            spatial = static_cast<double>(h->lattice.volume()) / h->lattice.n[3];
            const auto l = h->polyakovs();
            std::array<double, 3> s{};
            for (std::size_t t = cut[k]; t < l.size(); ++t) {
                s[0] += 1.0;
                s[1] += l[t];
                s[2] += l[t] * l[t];
            }
            sums.push_back(s);
            for (std::size_t j = 0; j < 3; ++j)
                all[j] += s[j];
        }
        const auto chi = [spatial](double n, double x, double xx) { return spatial * (xx / n - (x / n) * (x / n)); };
        out.chi[c] = chi(all[0], all[1], all[2]);
        double squared = 0.0;
        const double n = static_cast<double>(sums.size());
        double mean = 0.0;
        std::vector<double> left_out;
        for (const auto& s : sums)
            left_out.push_back(chi(all[0] - s[0], all[1] - s[1], all[2] - s[2]));
        for (const double x : left_out)
            mean += x / n;
        for (const double x : left_out)
            squared += (x - mean) * (x - mean) * (n - 1.0) / n;
        out.error[c] = std::sqrt(squared);
    }
    return out;
}

std::map<double, std::vector<std::size_t>> pairs_by_beta(const std::vector<stop_pair>& pairs) {
    std::map<double, std::vector<std::size_t>> by_beta;
    for (std::size_t k = 0; k < pairs.size(); ++k)
        by_beta[pairs[k].hot->beta].push_back(k);
    return by_beta;
}

by_start chi_at(const held_out_pairs& h, const std::vector<std::size_t>& which, const std::function<std::size_t(std::size_t)>& cut) {
    std::vector<const stop_pair*> some;
    std::vector<std::size_t> cuts;
    for (const auto k : which) {
        some.push_back(&h.pairs[k]);
        cuts.push_back(cut(k));
    }
    return chi_of(some, cuts);
}

std::string with_sign(const std::optional<interval>& i) { return i ? fmt::format("{:+.3f} [{:+.3f}, {:+.3f}]", i->value, i->low, i->high) : "n/a"; }

/// Bias by beta of one rule: the worst of them.
std::pair<double, double> worst_beta(const held_out_pairs& h, const std::vector<stop_bias>& chosen, double stop_bias::*what) {
    std::pair<double, double> worst{0.0, -1e9};
    for (const auto& [beta, which] : pairs_by_beta(h.pairs)) {
        double b = 0.0;
        for (const auto k : which)
            b += chosen[k].*what / static_cast<double>(which.size());
        if (b > worst.second)
            worst = {beta, b};
    }
    return worst;
}

} // namespace

result<study_report> study_thermalisation(const chain_view& chains, const study_options& o, const study_progress& progress) {
    auto ran = run_folds(chains, o, progress);
    if (!ran)
        return ran.reason();
    if (ran->pairs.empty())
        return no_pairs();
    const auto& h = *ran;
    const auto lattice = chains.front()->lattice;
    const auto targets = stop_targets_of(lattice);
    progress(fmt::format("thermalisation, {}: bootstrap", to_text(lattice)));
    study_report report;
    report.data = {{"lattice", lattice.n},
                   {"pairs", h.pairs.size()},
                   {"held_out_chains", 2 * h.pairs.size()},
                   {"folds", o.judged.empty() ? o.folds : 1},
                   {"training_bias", targets.training_bias},
                   {"equal_bias", targets.equal_bias},
                   {"demanded_upper_bound", targets.demanded}};

    std::vector<std::vector<std::string>> rows;
    auto rules = json::array();
    const auto& fixed = h.rules[0];
    for (std::size_t r = 0; r < all_rules.size(); ++r) {
        const auto& one = h.rules[r];
        const auto cut = mean_of(one.chosen, &stop_bias::cut, o.resamples);
        const auto p = mean_of(one.chosen, &stop_bias::plaquette, o.resamples);
        const auto l = mean_of(one.chosen, &stop_bias::polyakov, o.resamples);
        const auto wp = worst_beta(h, one.chosen, &stop_bias::plaquette);
        const auto wl = worst_beta(h, one.chosen, &stop_bias::polyakov);
        const auto equal = cluster_bootstrap(h.pairs.size(), [&](cluster_weights w) { return cut_at(one, w, targets.equal_bias); }, o.resamples / 4);
        const auto minus_fixed = cluster_bootstrap(h.pairs.size(), [&](cluster_weights w) -> std::optional<double> {
            const auto a = cut_at(one, w, targets.equal_bias);
            const auto b = cut_at(fixed, w, targets.equal_bias);
            return a && b ? std::optional(*a - *b) : std::nullopt;
        }, o.resamples / 4);
        const bool holds = p && l && p->high <= targets.demanded && l->high <= targets.demanded;
        rows.push_back({std::string(name_of(all_rules[r])), text_of(cut, 1), with_sign(p), with_sign(l), fmt::format("{:+.2f} at {:.3f}", wp.second, wp.first),
                        fmt::format("{:+.2f} at {:.3f}", wl.second, wl.first), holds ? "yes" : "no", text_of(equal, 1), r == 0 ? "0" : text_of(minus_fixed, 1)});
        rules.push_back({{"rule", name_of(all_rules[r])},
                         {"thresholds_by_fold", one.thresholds},
                         {"cut", to_json(cut)},
                         {"bias_plaquette", to_json(p)},
                         {"bias_polyakov", to_json(l)},
                         {"worst_plaquette", {{"beta", wp.first}, {"bias", wp.second}}},
                         {"worst_polyakov", {{"beta", wl.first}, {"bias", wl.second}}},
                         {"meets_demand", holds},
                         {"cut_at_equal_bias", to_json(equal)},
                         {"minus_fixed_at_equal_bias", to_json(minus_fixed)}});
    }
    report.data["rules"] = rules;
    report.text =
        fmt::format("{}: {} held-out chains ({} hot/cold pairs), {}. Bias of the mean of the 100 trajectories after the stop, in "
                    "sigma_M, + towards the start; "
                    "thresholds from the training chains (for a bias of {:.2f} there); demanded upper bound {:.2f}; equal bias {:.2f} "
                    "(the worse of P and |L|).\n\n",
                    to_text(lattice), 2 * h.pairs.size(), h.pairs.size(), o.judged.empty() ? fmt::format("{} folds by pair", o.folds) : "taught by other runs",
                    targets.training_bias, targets.demanded, targets.equal_bias) +
        markdown({"rule", "cut", "bias P", "bias |L|", "worst beta P", "worst beta |L|", "upper bounds hold", "cut at equal bias", "minus fixed"},
                 rows);

    // The network against the best baseline, and int4 against float, as paired differences.
    const auto difference = [&](std::size_t a, std::size_t b) {
        return cluster_bootstrap(h.pairs.size(), [&](cluster_weights w) -> std::optional<double> {
            const auto x = cut_at(h.rules[a], w, targets.equal_bias);
            const auto y = cut_at(h.rules[b], w, targets.equal_bias);
            return x && y ? std::optional(*x - *y) : std::nullopt;
        }, o.resamples / 4);
    };
    const std::vector<double> once(h.pairs.size(), 1.0);
    std::size_t best = 0;
    for (const std::size_t r : {1u, 2u}) {
        const auto a = cut_at(h.rules[r], once, targets.equal_bias);
        const auto b = cut_at(h.rules[best], once, targets.equal_bias);
        if (a && (!b || *a < *b))
            best = r;
    }
    const auto against_best = difference(5, best);
    const auto int4_ratio = cluster_bootstrap(h.pairs.size(), [&](cluster_weights w) -> std::optional<double> {
        const auto x = cut_at(h.rules[6], w, targets.equal_bias);
        const auto y = cut_at(h.rules[5], w, targets.equal_bias);
        return x && y ? std::optional(*x / *y) : std::nullopt;
    }, o.resamples / 4);
    std::size_t same = 0;
    std::size_t gave_up = 0;
    for (std::size_t k = 0; k < h.pairs.size(); ++k) {
        same += static_cast<double>(h.monitor[k].after) == h.rules[5].chosen[k].cut ? 1u : 0u;
        gave_up += h.monitor[k].by == stop_reason::limit ? 1u : 0u;
    }
    report.text += fmt::format("\nnetwork minus the best of fixed, MSER-5 and bracket ({}) at equal bias: {}\nint4 cut / float cut at equal bias: {}\n"
                               "the monitor, fed trajectory by trajectory, stops where the table says in {} of {} pairs; {} pairs were not thermalised after {}\n",
                               name_of(all_rules[best]), text_of(against_best, 1), text_of(int4_ratio), same, h.pairs.size(), gave_up, thermalisation_settings().at_most);
    report.data["network_minus_best"] = {{"best", name_of(all_rules[best])}, {"difference", to_json(against_best)}};
    report.data["int4_over_float"] = to_json(int4_ratio);
    report.data["monitor"] = {{"agrees", same}, {"pairs", h.pairs.size()}, {"not_thermalised", gave_up}};

    // chi_L from hot and cold starts after the monitor's stop.
    rows.clear();
    auto chi = json::array();
    std::size_t beyond = 0;
    double squared = 0.0;
    const auto stop = [&h](std::size_t k) { return std::size_t{h.monitor[k].after}; };
    const auto groups = pairs_by_beta(h.pairs);
    for (const auto& [beta, which] : groups) {
        const auto c = chi_at(h, which, stop);
        const auto bad = chi_at(h, which, [](std::size_t) { return std::size_t{45}; });
        beyond += c.sigmas() > 2.0 ? 1u : 0u;
        squared += c.sigmas() * c.sigmas();
        rows.push_back({fmt::format("{:.3f}", beta), fmt::format("{:.3f}({:.3f})", c.chi[0], c.error[0]),
                        fmt::format("{:.3f}({:.3f})", c.chi[1], c.error[1]), fmt::format("{:.1f}", c.sigmas()),
                        fmt::format("{:.3f}({:.3f})", bad.chi[0], bad.error[0]),
                        fmt::format("{:.1f}", std::abs(bad.chi[0] - c.chi[1]) / std::hypot(bad.error[0], c.error[1]))});
        chi.push_back({{"beta", beta},
                       {"hot", c.chi[0]},
                       {"hot_error", c.error[0]},
                       {"cold", c.chi[1]},
                       {"cold_error", c.error[1]},
                       {"sigmas", c.sigmas()},
                       {"hot_cut_45", bad.chi[0]},
                       {"hot_cut_45_error", bad.error[0]}});
    }
    report.text += fmt::format("\nchi_L after the monitor's stop (jackknife over chains); {} of {} betas differ by more than 2 joint errors ({:.1f} "
                               "expected by chance); sum of squares {:.1f} for {}:\n\n",
                               beyond, groups.size(), 0.0455 * static_cast<double>(groups.size()), squared, groups.size()) +
                   markdown({"beta", "chi_L hot", "chi_L cold", "joint errors", "hot, cut 45", "against cold"}, rows);
    report.data["chi"] = chi;
    report.data["chi_beyond_two_errors"] = beyond;
    report.data["chi_sum_of_squares"] = squared;

    // The planted case: hot starts at beta 5.8 ... 5.9 cut at 45, where the plaquette looks thermalised and |L| is not.
    std::size_t planted = 0;
    std::size_t displaced = 0;
    std::size_t refused = 0;
    double left = 0.0;
    for (std::size_t k = 0; k < h.pairs.size(); ++k) {
        const auto& pair = h.pairs[k];
        if (pair.hot->beta < 5.799 || pair.hot->beta > 5.901)
            continue;
        const auto here = pair.equilibrium->at(pair.hot->beta);
        const double l = (pair.sums[2][70] - pair.sums[2][45]) / 25.0;
        ++planted;
        left += (here.polyakov - l) / here.sigma_polyakov;
        if ((here.polyakov - l) / here.sigma_polyakov > 1.0) {
            ++displaced;
            refused += h.monitor[k].after > 45 ? 1u : 0u;
        }
    }
    if (planted > 0) {
        report.text += fmt::format("\nplanted case, hot start, beta 5.8 ... 5.9, cut 45: |L| of the 25 after it is {:.2f} sigma below equilibrium on "
                                   "average over {} chains, more than 1 sigma in {}; "
                                   "the monitor refuses 45 in {} of these {}\n",
                                   left / static_cast<double>(planted), planted, displaced, refused, displaced);
        report.data["planted"] = {{"chains", planted}, {"mean_displacement_sigma", left / static_cast<double>(planted)}, {"displaced", displaced}, {"refused", refused}};
    }
    return report;
}

} // namespace forge::app
