// SPDX-License-Identifier: AGPL-3.0-only
// forge npu eval --study phase | rejection: placement C, and what B may know before a trajectory.
#include "apps/forge/npu_model_study.hpp"

#include "libactors/numerics/counter_rng.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <deque>
#include <numeric>

namespace forge::app {

namespace {

using json = nlohmann::json;

constexpr std::size_t settled = 100; ///< rows before are thermalisation
constexpr std::size_t window = 25;

std::uint32_t bit(std::string_view feature) {
    const auto at = std::find(feature_names.begin(), feature_names.end(), feature);
    return 1u << static_cast<std::uint32_t>(at - feature_names.begin());
}

/// A network with one sigmoid head.
result<echo_state_network> one_head(const study_options& o, std::uint32_t hidden) {
    auto shape = conductor_shape(o.units, o.reservoirs, o.seed);
    shape.heads = {{"class", 1, head_activation::sigmoid}};
    shape.inputs_hidden = hidden;
    return echo_state_network::make(shape);
}

using label_of = std::function<double(const chain_history&, const training_row&)>;

result<echo_state_network> teach(const echo_state_network& n, const chain_view& chains, const equilibrium_table& e, const label_of& label) {
    network_trainer trainer(n);
    const auto group = partnerships(chains);
    result<void> state;
    for (std::size_t k = 0; k < chains.size() && state; ++k) {
        trainer.begin(group[k]);
        each_row(*chains[k], e, [&](const feature_vector& v, const training_row* row) {
            if (state)
                state = trainer.step(v);
            if (state && row != nullptr && row->t > settled)
                state = trainer.teach_all(std::array{label(*chains[k], *row)});
        });
    }
    return state ? trainer.solve(usual_penalties()) : result<echo_state_network>(state.reason());
}

/// Readouts on the rows of a chain after `settled`.
void judge(const echo_state_network& n, const chain_history& h, const equilibrium_table& e, const std::function<void(const training_row&, double)>& use) {
    auto state = n.rest();
    each_row(h, e, [&](const feature_vector& v, const training_row* row) {
        if (n.advance(v, state) && row != nullptr && row->t > settled)
            use(*row, n.readout(0, "class", 0)->predict(state.of[0]));
    });
}

/// Logistic regression by Newton's method, features standardised, a small ridge. w: bias first.
std::vector<double> logistic(const std::vector<std::vector<double>>& x, const std::vector<double>& y) {
    const std::size_t d = x.front().size() + 1;
    std::vector<double> w(d, 0.0);
    for (int iteration = 0; iteration < 25; ++iteration) {
        std::vector<double> g(d, 0.0);
        std::vector<double> h(d * d, 0.0);
        for (std::size_t r = 0; r < d; ++r) {
            h[r * d + r] = 1e-3;
            g[r] = -1e-3 * w[r];
        }
        for (std::size_t k = 0; k < x.size(); ++k) {
            double z = w[0];
            for (std::size_t c = 1; c < d; ++c)
                z += w[c] * x[k][c - 1];
            const double p = 1.0 / (1.0 + std::exp(-z));
            const auto at = [&](std::size_t c) { return c == 0 ? 1.0 : x[k][c - 1]; };
            for (std::size_t r = 0; r < d; ++r) {
                g[r] += (y[k] - p) * at(r);
                for (std::size_t c = 0; c < d; ++c)
                    h[r * d + c] += p * (1.0 - p) * at(r) * at(c);
            }
        }
        for (std::size_t r = 0; r < d; ++r) // Gauss elimination; h is positive definite
            for (std::size_t q = r + 1; q < d; ++q) {
                const double f = h[q * d + r] / h[r * d + r];
                for (std::size_t c = r; c < d; ++c)
                    h[q * d + c] -= f * h[r * d + c];
                g[q] -= f * g[r];
            }
        double moved = 0.0;
        for (std::size_t r = d; r-- > 0;) {
            for (std::size_t c = r + 1; c < d; ++c)
                g[r] -= h[r * d + c] * g[c];
            g[r] /= h[r * d + r];
            moved = std::max(moved, std::abs(g[r]));
        }
        for (std::size_t r = 0; r < d; ++r)
            w[r] += std::clamp(g[r], -5.0, 5.0);
        if (moved < 1e-8)
            break;
    }
    return w;
}

/// Means of P and |L| over the newest `n`, in units that make them of order one.
std::vector<double> window_means(const chain_history& h, std::size_t t, std::size_t n, bool p, bool l) {
    double mean_p = 0.0;
    double mean_l = 0.0;
    for (std::size_t k = t - n; k < t; ++k) {
        const auto& s = h.samples[k];
        mean_p += 0.5 * (s.plaquette_spatial + s.plaquette_temporal) / static_cast<double>(n);
        mean_l += std::hypot(s.polyakov_re, s.polyakov_im) / static_cast<double>(n);
    }
    std::vector<double> x;
    if (p)
        x.push_back((mean_p - 0.55) / 0.01);
    if (l)
        x.push_back((mean_l - 0.1) / 0.05);
    return x;
}

constexpr std::size_t permutations = 10; ///< a single one agrees with the truth by chance as often as 17 coins do

/// Fisher-Yates with named random numbers.
std::vector<std::size_t> permutation(std::size_t n, std::uint32_t which) {
    constexpr std::uint32_t stream = 0x7065726d; // "perm"
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t k = n; k > 1; --k) {
        const double u = angle_uniform(philox4x32({static_cast<std::uint32_t>(k), which, stream, 0}, {7, 0}));
        std::swap(order[k - 1], order[std::min(k - 1, static_cast<std::size_t>(u * static_cast<double>(k)))]);
    }
    return order;
}

struct classifier {
    std::string name;
    std::vector<scored> rows;
    std::vector<double> distance; ///< |beta - peak| of each row
};

std::vector<scored> near(const classifier& c, double from, double to) {
    std::vector<scored> some;
    for (std::size_t k = 0; k < c.rows.size(); ++k)
        if (c.distance[k] >= from && c.distance[k] < to)
            some.push_back(c.rows[k]);
    return some;
}

/// The rows that are judged begin after trajectory 125 and end 25 before the last.
result<void> long_enough(const chain_view& chains) {
    for (const auto* h : chains)
        if (h->samples.size() < settled + window + target_horizon + 1)
            return error{errc::invalid_argument,
                         fmt::format("{} trajectories are too few: {} are needed", h->samples.size(), settled + window + target_horizon + 1),
                         h->run + " " + to_text(h->chain), "longer runs"};
    return {};
}

} // namespace

result<study_report> study_phase(const chain_view& chains, const study_options& o, const study_progress& progress) {
    if (auto enough = long_enough(chains); !enough)
        return enough.reason();
    const auto lattice = chains.front()->lattice;
    study_report report;
    report.data = {{"lattice", lattice.n}, {"chains", chains.size()}};
    const auto whole = equilibrium_table::make(chains);
    if (!whole)
        return whole.reason();
    if (!whole->chi_peak()) {
        report.text = to_text(lattice) + ": chi_L has no peak inside these betas (or the lattice does not deconfine): there are no two phases to tell apart, n/a\n";
        report.data["applicable"] = false;
        return report;
    }
    const std::uint32_t no_beta = bit("beta") | bit("hot_start");
    const std::uint32_t only_p = ~(bit("plaquette") | bit("plaquette_drift") | bit("plaquette_spread")) & ((1u << feature_count) - 1u);
    std::vector<classifier> all{{"network, beta and start hidden", {}, {}},
                                {"network, plaquette only", {}, {}},
                                {"network, labels permuted among betas (10 a fold)", {}, {}},
                                {"logistic, P and |L|, 25 trajectories", {}, {}},
                                {"logistic, |L|, 25 trajectories", {}, {}},
                                {"logistic, P, 25 trajectories", {}, {}},
                                {"|L| of one trajectory, logistic", {}, {}},
                                {"network, beta and start hidden, mean of 25 answers", {}, {}}}; // what the regressions have
    const auto plan = plan_folds(chains, o);
    const auto& [fold, folds] = plan;
    report.data["chains"] = plan.chains();
    const auto cluster = partnerships(chains);
    for (std::size_t f = 0; f < folds; ++f) {
        progress(fmt::format("phase, {}: fold {} of {}", to_text(lattice), f + 1, folds));
        const auto split = split_of(chains, fold, f);
        const auto e = equilibrium_table::make(split.train);
        if (!e)
            return e.reason();
        if (!e->chi_peak())
            return error{errc::invalid_argument, "the training chains of a fold have no chi_L peak", to_text(lattice), "more chains, or betas on both sides"};
        const double peak = e->chi_peak()->beta;
        const label_of label = [peak](const chain_history& h, const training_row&) { return h.beta > peak ? 1.0 : 0.0; };
        const auto points = e->points();
        std::vector<std::size_t> order(points.size());
        const label_of permuted = [&](const chain_history& h, const training_row&) {
            const auto at = std::find_if(points.begin(), points.end(), [&h](const auto& p) { return p.beta == h.beta; });
            return points[order[static_cast<std::size_t>(at - points.begin())]].beta > peak ? 1.0 : 0.0;
        };
        std::vector<echo_state_network> networks;
        for (std::size_t k = 0; k < 2 + permutations; ++k) {
            auto n = one_head(o, k == 1 ? only_p : no_beta);
            if (!n)
                return n.reason();
            order = permutation(points.size(), static_cast<std::uint32_t>(f * permutations + k));
            auto trained = teach(*n, split.train, *e, k >= 2 ? permuted : label);
            if (!trained)
                return trained.reason();
            networks.push_back(std::move(*trained));
        }
        struct fit {
            std::size_t n;
            bool p, l;
            std::vector<double> w;
        };
        std::vector<fit> fits{{window, true, true, {}}, {window, false, true, {}}, {window, true, false, {}}, {1, false, true, {}}};
        for (auto& one : fits) {
            std::vector<std::vector<double>> x;
            std::vector<double> y;
            for (const auto* h : split.train)
                for (std::size_t t = settled + window; t <= h->samples.size(); t += 5) {
                    x.push_back(window_means(*h, t, one.n, one.p, one.l));
                    y.push_back(h->beta > peak ? 1.0 : 0.0);
                }
            one.w = logistic(x, y);
        }
        for (std::size_t k = 0; k < chains.size(); ++k) {
            if (fold[k] != f)
                continue;
            const auto& h = *chains[k];
            const double actual = h.beta > peak ? 1.0 : 0.0;
            const auto put = [&](std::size_t which, double z) {
                all[which].rows.push_back({1.0 / (1.0 + std::exp(-z)), actual, cluster[k]});
                all[which].distance.push_back(std::abs(h.beta - peak));
            };
            for (std::size_t n = 0; n < networks.size(); ++n) {
                std::deque<double> said;
                judge(networks[n], h, *e, [&](const training_row& row, double z) {
                    said.push_back(z);
                    if (said.size() > window)
                        said.pop_front();
                    if (row.t < settled + window)
                        return;
                    put(std::min<std::size_t>(n, 2), z);
                    if (n == 0)
                        put(7, std::accumulate(said.begin(), said.end(), 0.0) / static_cast<double>(said.size()));
                });
            }
            for (std::size_t n = 0; n < fits.size(); ++n)
                for (std::size_t t = settled + window; t + target_horizon <= h.samples.size(); ++t) {
                    const auto x = window_means(h, t, fits[n].n, fits[n].p, fits[n].l);
                    put(3 + n, std::inner_product(x.begin(), x.end(), fits[n].w.begin() + 1, fits[n].w[0]));
                }
        }
    }
    progress(fmt::format("phase, {}: bootstrap", to_text(lattice)));
    const std::array<std::pair<double, double>, 4> bins{{{0.0, 9.0}, {0.09, 9.0}, {0.04, 0.09}, {0.0, 0.04}}};
    std::vector<std::vector<std::string>> rows;
    auto data = json::array();
    for (const auto& c : all) {
        std::vector<std::string> cells{c.name};
        auto one = json{{"classifier", c.name}};
        const char* names[] = {"all", "far", "middle", "near"};
        for (std::size_t b = 0; b < bins.size(); ++b) {
            const auto some = near(c, bins[b].first, bins[b].second);
            const auto score = some.empty() ? std::nullopt
                                            : cluster_bootstrap(
                                                  cluster.size(), [&some](cluster_weights w) { return balanced_accuracy(some, w); }, o.resamples / 2);
            cells.push_back(text_of(score));
            one[names[b]] = to_json(score);
        }
        one["rows"] = c.rows.size();
        rows.push_back(cells);
        data.push_back(one);
    }
    report.data["classifiers"] = data;
    report.data["peak_beta"] = whole->chi_peak()->beta;
    report.text = fmt::format("{}: balanced accuracy on {} rows of {} held-out chains (trajectories {} ... 275), label beta above the chi_L peak of "
                              "the training chains ({:.4f} over all)\n\n",
                              to_text(lattice), all.front().rows.size(), plan.chains(), settled + window, whole->chi_peak()->beta) +
                  markdown({"classifier", "all", "|db| >= 0.09", "0.04 ... 0.09", "< 0.04"}, rows);
    return report;
}

result<study_report> study_rejection(const chain_view& chains, const study_options& o, const study_progress& progress) {
    if (auto enough = long_enough(chains); !enough)
        return enough.reason();
    const auto lattice = chains.front()->lattice;
    struct variant {
        std::string name;
        std::uint32_t hidden;
    };
    const std::array<variant, 2> variants{{{"network, next uniform known", 0}, {"network without it", bit("rejection_next")}}};
    std::array<std::vector<scored>, 4> rows; // the variants, the rule, -ln u alone
    const auto plan = plan_folds(chains, o);
    const auto& [fold, folds] = plan;
    const auto cluster = partnerships(chains);
    const auto column = *column_of(head_id::rejection);
    const auto chance = static_cast<std::size_t>(std::countr_zero(bit("rejection_next")));
    const label_of label = [column](const chain_history&, const training_row& row) { return row.targets[column]; };
    for (std::size_t f = 0; f < folds; ++f) {
        progress(fmt::format("rejection, {}: fold {} of {}", to_text(lattice), f + 1, folds));
        const auto split = split_of(chains, fold, f);
        const auto e = equilibrium_table::make(split.train);
        if (!e)
            return e.reason();
        const simple_rules rules(split.train, *e);
        std::vector<echo_state_network> networks;
        for (const auto& v : variants) {
            auto n = one_head(o, v.hidden);
            if (!n)
                return n.reason();
            auto trained = teach(*n, split.train, *e, label);
            if (!trained)
                return trained.reason();
            networks.push_back(std::move(*trained));
        }
        for (std::size_t k = 0; k < chains.size(); ++k) {
            if (fold[k] != f)
                continue;
            const auto& h = *chains[k];
            for (std::size_t n = 0; n < networks.size(); ++n)
                judge(networks[n], h, *e, [&](const training_row& row, double z) { rows[n].push_back({1.0 / (1.0 + std::exp(-z)), row.targets[column], cluster[k]}); });
            const auto said = rules.predictions(h);
            std::size_t at = 0;
            each_row(h, *e, [&](const feature_vector&, const training_row* row) {
                if (row == nullptr)
                    return;
                if (row->t > settled) {
                    rows[2].push_back({0.25 * (row->features[chance] + 1.0), row->targets[column], cluster[k]}); // as feature_builder scales it
                    rows[3].push_back({said[at][column], row->targets[column], cluster[k]});
                }
                ++at;
            });
        }
    }
    progress(fmt::format("rejection, {}: bootstrap", to_text(lattice)));
    study_report report;
    const auto base = base_rate(rows[0]).value_or(0.0);
    report.data = {{"lattice", lattice.n}, {"rows", rows[0].size()}, {"chains", plan.chains()}, {"base_rate", base}};
    const std::array<std::string, 4> names{variants[0].name, variants[1].name, "normal dH of the last 20, next uniform known", "the next uniform alone"};
    std::vector<std::vector<std::string>> table;
    auto data = json::array();
    for (std::size_t k = 0; k < rows.size(); ++k) {
        const roc curve(rows[k]);
        const auto area = cluster_bootstrap(cluster.size(), [&curve](cluster_weights w) { return curve.area(w); }, o.resamples / 5);
        const auto score = brier(rows[k]);
        const auto plain = plain_accuracy(rows[k]);
        table.push_back({names[k], text_of(area), fmt::format("{:.4f}", score.value_or(NAN)), fmt::format("{:.4f}", plain.value_or(NAN))});
        data.push_back({{"predictor", names[k]}, {"auc", to_json(area)}, {"brier", *score}, {"plain_accuracy", *plain}});
    }
    report.data["predictors"] = data;
    report.text = fmt::format("{}: {} trajectories of {} held-out chains in equilibrium; {:.1f} % are rejected: \"always accepted\" is right in "
                              "{:.4f}, with a Brier score of {:.4f}\n\n",
                              to_text(lattice), rows[0].size(), plan.chains(), 100.0 * base, 1.0 - base, base) +
                  markdown({"predictor", "AUC", "Brier", "plain accuracy"}, table);
    return report;
}

} // namespace forge::app
