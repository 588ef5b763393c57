// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/conductor/conductor.hpp"

#include "libactors/numerics/statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace forge {

namespace {

constexpr double assumed_tau = 10.0;  // of P near the transition; a chain of its own cannot know it yet
constexpr std::size_t lone_window = 40;
constexpr double lone_z = 1.0;
constexpr std::uint32_t tested_enough = 20;
constexpr double acceptance_floor = 0.6; // below it what is assumed of dH (small, Gaussian) fails

double acceptance_of(double sigma) { return std::erfc(sigma / std::sqrt(8.0)); }

thermalisation_settings monitor_settings(const campaign& plan, const conductor_model* model) {
    thermalisation_settings s = model != nullptr ? model->settings_for(plan.lattice) : thermalisation_settings{};
    s.at_least = std::max({plan.hmc.n_warmup + s.window, s.at_least});
    s.at_most = std::max(plan.hmc.n_thermalise, s.at_least);
    return s;
}

bool finite(const trajectory_observables& o) {
    return std::isfinite(o.plaquette_spatial) && std::isfinite(o.plaquette_temporal) && std::isfinite(o.polyakov_re) &&
           std::isfinite(o.polyakov_im) && std::isfinite(o.delta_h);
}

} // namespace

parameter_answer cheapest_steps(std::uint32_t n, double sigma) {
    if (n < 1 || !(sigma > 0.0) || !std::isfinite(sigma))
        return {std::nullopt, std::nullopt, answer_source::unavailable, "no spread of dH is known"};
    parameter_answer best;
    double best_rate = 0.0;
    for (std::uint32_t m = 1; m <= 16 * n; ++m) {
        const double ratio = static_cast<double>(n) / m;
        const double acceptance = acceptance_of(sigma * ratio * ratio);
        if (acceptance >= acceptance_floor && acceptance / m > best_rate) {
            best_rate = acceptance / m;
            best.n_steps = m;
            best.acceptance = acceptance;
        }
    }
    if (!best.n_steps)
        return {std::nullopt, std::nullopt, answer_source::unavailable, fmt::format("a spread of dH of {:.3g} is out of reach of sixteen times the steps", sigma)};
    best.source = answer_source::heuristic;
    best.reason = fmt::format("dH spreads by {:.3g} with {} steps; {} steps would be accepted with {:.2f}", sigma, n, *best.n_steps, *best.acceptance);
    return best;
}

conductor::conductor(const campaign& plan, std::string seed, std::shared_ptr<const conductor_model> model, std::shared_ptr<reservoir_stepper> stepper)
    : plan_(plan), seed_(std::move(seed)), model_(std::move(model)), stepper_(std::move(stepper)) {
    if (model_)
        for (const auto id : chain_watch::judged())
            if (model_->network.trained(std::string(about(id).name)))
                gates_.emplace(id, trust_gate(about(id).kind));
}

conductor::chain_view& conductor::view_of(const watched_batch& batch, bool heads) {
    const auto known = chains_.find(batch.chain);
    if (known != chains_.end() && known->second.ordinal == batch.ordinal)
        return known->second;
    // In first segments the model has a say in where thermalisation ends: asked whatever `classify` says, which is no physics.
    const auto* model = heads && (plan_.conductor.classify || batch.ordinal == 0) ? model_.get() : nullptr;
    chain_view fresh{batch.ordinal,
                     0,
                     rng_key(seed_, batch.chain),
                     chain_watch(model, plan_.lattice, stepper_.get()),
                     batch.params.beta,
                     0.0,
                     0.0,
                     0,
                     batch.params.n_steps,
                     {},
                     {},
                     {}};
    return chains_.insert_or_assign(batch.chain, std::move(fresh)).first->second;
}

/// As training_set.hpp makes them from records.
trajectory_sample conductor::sample_of(const watched_batch& batch, std::size_t k, const chain_view& v) const {
    physics_record r;
    r.observed = batch.trajectories[k].observed;
    const bool hot = batch.ordinal == 0 && plan_.starts_hot(batch.chain);
    const auto in_segment = v.seen + 1;
    return forge::sample_of(r, batch.params.beta, hot, in_segment, {v.key, batch.first_trajectory + in_segment, batch.segment.value});
}

bool conductor::trusted(head_id head) const {
    const auto* standing = model_ ? model_->standing(about(head).name) : nullptr;
    if (standing == nullptr || !standing->trusted)
        return false; // it never beat its simple rule on chains that it had not seen
    const auto gate = gates_.find(head);
    return gate == gates_.end() || gate->second.trusted();
}

classification conductor::says(chain_id chain) const {
    const auto v = chains_.find(chain);
    if (v == chains_.end())
        return {chain, 0, 0, {}};
    return {chain, v->second.ordinal, v->second.seen, v->second.heads.answers([this](head_id head) { return trusted(head); }, true)};
}

std::vector<chain_id> conductor::watched() const {
    std::vector<chain_id> all;
    for (const auto& [chain, v] : chains_)
        all.push_back(chain);
    return all;
}

classification conductor::watch(const watched_batch& batch, bool heads) {
    auto& v = view_of(batch, heads);
    classification c{batch.chain, batch.ordinal, v.seen, {}};
    const std::pair key{batch.chain.value / 2, batch.ordinal};
    // Later segments of a pair come from the same side: their agreement would mean nothing.
    const bool paired = plan_.replicas() == 2 && batch.ordinal == 0;
    const bool hot = batch.chain.value % 2 == 0;
    auto* monitor = paired ? &pairs_.try_emplace(key, monitor_settings(plan_, model_.get())).first->second : nullptr;
    if (batch.first > v.seen + 1)
        return c; // something is missing: what the reservoir would see is no history
    for (std::uint32_t k = v.seen + 1 - batch.first; k < batch.trajectories.size(); ++k) {
        const auto& o = batch.trajectories[k].observed;
        const auto sample = sample_of(batch, k, v);
        if (!finite(o) || !v.heads.step(sample, [this](head_id head, double predicted, double actual) {
                if (const auto gate = gates_.find(head); gate != gates_.end())
                    gate->second.observe(predicted, actual);
            }))
            return c;
        c.in_segment = ++v.seen;
        if (model_ && v.samples.size() < learnable)
            v.samples.push_back(sample);
        if (batch.trajectories[k].measured && v.polyakov.size() < kept)
            v.polyakov.push_back(std::hypot(o.polyakov_re, o.polyakov_im));
        if (v.seen > batch.params.n_warmup) {
            v.sum_dh += o.delta_h;
            v.sum_dh2 += o.delta_h * o.delta_h;
            ++v.tested;
            if (const auto& middle = batch.trajectories[k].middle)
                middle_.on_trajectory(v.middle, *middle, o);
        }
        if (monitor != nullptr && monitor->seen(hot) + 1 == v.seen && !stops_.contains(key)) {
            monitor->add(hot, {o.plaquette(), std::hypot(o.polyakov_re, o.polyakov_im), v.heads.distance()});
            if (const auto stop = monitor->verdict())
                stops_.emplace(key, *stop);
        }
    }
    if (heads && plan_.conductor.classify)
        c.heads = v.heads.answers([this](head_id head) { return trusted(head); }, false);
    return c;
}

std::optional<thermalisation_answer> conductor::check(chain_id chain, std::uint32_t ordinal, std::uint32_t done) const {
    if (plan_.replicas() != 2)
        return thermalisation_answer{false, "no partner: the campaign's number of trajectories stands"};
    if (ordinal != 0)
        return thermalisation_answer{false, "both chains come from another beta: the campaign's number of trajectories stands"};
    const std::pair key{chain.value / 2, ordinal};
    const chain_id partner{chain.value ^ 1u};
    if (const auto stop = stops_.find(key); stop != stops_.end()) {
        if (stop->second.by == stop_reason::limit)
            return thermalisation_answer{false, "hot and cold did not agree within the campaign's number of trajectories"};
        if (stop->second.after <= done)
            return thermalisation_answer{true, fmt::format("hot and cold agree in P and |L| from trajectory {} on ({})", stop->second.after, name_of(stop->second.by))};
        return thermalisation_answer{false, "hot and cold did not agree yet"}; // a replay: what came later is known already
    }
    const auto monitor = pairs_.find(key);
    const auto seen = [&](bool hot) { return monitor == pairs_.end() ? 0 : monitor->second.seen(hot); };
    if (std::min(seen(true), seen(false)) >= done)
        return thermalisation_answer{false, "hot and cold do not agree yet"};
    if (gone_.contains(partner))
        return thermalisation_answer{false, to_text(partner) + " is gone: the campaign's number of trajectories stands"};
    return std::nullopt;
}

thermalisation_answer conductor::check_alone(std::span<const double> plaquette, std::span<const double> polyakov) const {
    if (plaquette.size() < lone_window || polyakov.size() < lone_window)
        return {false, fmt::format("a drift test needs {} trajectories", lone_window)};
    const bool still = drift_absent(plaquette, lone_window, lone_z, assumed_tau) && drift_absent(polyakov, lone_window, lone_z, assumed_tau);
    return {still, still ? "no drift in P and |L|; one chain alone cannot see that it is metastable" : "P or |L| drifts"};
}

length_answer conductor::predict_length(std::optional<double> beta) const {
    // Measured lengths of this campaign, nearest in beta: what a trained head has to beat before it is asked.
    std::optional<double> distance;
    length_answer a;
    for (const auto& [key, stop] : stops_) {
        const auto view = chains_.find(chain_id{key.first * 2});
        if (stop.by == stop_reason::limit || view == chains_.end())
            continue;
        const double d = beta ? std::abs(view->second.beta - *beta) : 0.0;
        if (!distance || d < *distance) {
            distance = d;
            a = {stop.after, answer_source::heuristic, fmt::format("pair {} needed {} at beta {:.4f}", key.first, stop.after, view->second.beta)};
        }
    }
    if (!a.trajectories)
        a = {plan_.hmc.n_thermalise, answer_source::heuristic, "the campaign's own number: nothing is measured yet"};
    return a;
}

parameter_answer conductor::suggest_parameters(const std::optional<segment_params>& params) const {
    double sum = 0.0, sum2 = 0.0;
    std::uint32_t n = 0;
    for (const auto& [chain, v] : chains_)
        if (v.n_steps == (params ? params->n_steps : plan_.hmc.n_steps)) {
            sum += v.sum_dh;
            sum2 += v.sum_dh2;
            n += v.tested;
        }
    if (n < tested_enough)
        return {std::nullopt, std::nullopt, answer_source::unavailable, fmt::format("only {} tested trajectories are known", n)};
    const double mean = sum / n;
    return cheapest_steps(params ? params->n_steps : plan_.hmc.n_steps, std::sqrt(std::max(sum2 / n - mean * mean, 0.0)));
}

void conductor::on_segment_over(chain_id chain, std::uint32_t ordinal) {
    const auto v = chains_.find(chain);
    if (v == chains_.end() || v->second.ordinal != ordinal || v->second.polyakov.size() < 2)
        return;
    const auto chi = susceptibility(v->second.polyakov, static_cast<double>(plan_.lattice.spatial_volume()));
    finished_.insert_or_assign({chain, ordinal}, measured_point{v->second.beta, chi.mean, chi.error});
}

std::optional<chain_history> conductor::history(chain_id chain, std::uint32_t ordinal) const {
    const auto v = chains_.find(chain);
    if (!model_ || v == chains_.end() || v->second.ordinal != ordinal)
        return std::nullopt;
    chain_history h;
    h.run = plan_.name;
    h.chain = chain;
    h.lattice = plan_.lattice;
    h.beta = v->second.beta;
    h.hot_start = !v->second.samples.empty() && v->second.samples.front().hot_start;
    h.warmup = plan_.hmc.n_warmup;
    h.samples = v->second.samples;
    return h;
}

std::optional<mid_trajectory_standing> conductor::mid_trajectory() const {
    const auto s = middle_.standing();
    return s.judged > 0 ? std::optional(s) : std::nullopt;
}

std::vector<measured_point> conductor::points() const {
    struct sum {
        double chi = 0.0, variance = 0.0;
        std::uint32_t n = 0;
        bool known = true;
    };
    std::map<double, sum> by_beta;
    for (const auto& [key, p] : finished_) {
        auto& s = by_beta[p.beta];
        s.chi += p.chi_polyakov;
        s.variance += p.chi_error ? *p.chi_error * *p.chi_error : 0.0;
        s.known = s.known && p.chi_error.has_value();
        ++s.n;
    }
    std::vector<measured_point> all;
    for (const auto& [beta, s] : by_beta)
        all.push_back({beta, s.chi / s.n, s.known ? std::optional(std::sqrt(s.variance) / s.n) : std::nullopt});
    return all;
}

result<beta_proposal> conductor::steer(const std::vector<double>& planned) const {
    beta_search_request r;
    r.measured = points();
    r.planned = planned;
    r.beta_min = plan_.beta_min;
    r.beta_max = plan_.beta_max;
    return search_beta(r);
}

std::vector<gate_standing> conductor::standing() const {
    std::vector<gate_standing> all;
    for (const auto& [id, gate] : gates_)
        all.push_back({std::string(about(id).name), gate.score(), gate.trusted()});
    return all;
}

} // namespace forge
