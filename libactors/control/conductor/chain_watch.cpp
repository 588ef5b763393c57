// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/control/conductor/chain_watch.hpp"

#include <algorithm>
#include <cmath>

namespace forge {

namespace {

constexpr double comfortable_rms = 0.507; // of dH at an acceptance of 0.8 (heads.hpp)
constexpr std::size_t rule_long = 20, rule_short = 10;

struct horizon {
    head_id head;
    std::size_t trajectories;
};
constexpr std::array<horizon, 6> horizons{{{head_id::rejection, 1}, {head_id::anomaly, 10}, {head_id::deconfinement, 25},
                                           {head_id::quality, 25}, {head_id::parameter_suggestion, 25}, {head_id::phase, 25}}};

double activated(head_activation a, double z) {
    return a == head_activation::sigmoid ? 1.0 / (1.0 + std::exp(-z)) : a == head_activation::relu ? std::max(z, 0.0) : z;
}

} // namespace

std::string_view name_of(answer_source s) {
    static constexpr std::array<std::string_view, 3> names{"model", "heuristic", "unavailable"};
    return names[static_cast<std::size_t>(s)];
}

std::vector<head_id> chain_watch::judged() {
    std::vector<head_id> all;
    for (const auto& h : horizons)
        all.push_back(h.head);
    return all;
}

chain_watch::chain_watch(const conductor_model* model, const extents& lattice, reservoir_stepper* stepper)
    : model_(model), stepper_(stepper), features_(lattice) {
    if (model_ == nullptr)
        return;
    state_ = model_->network.rest();
    for (const auto& info : all_heads()) {
        auto& h = heads_[static_cast<std::size_t>(info.id)];
        h.activation = info.activation;
        const std::string name(info.name);
        if (const auto* standing = model_->standing(name); standing != nullptr)
            h.cut = standing->cut; // rare classes are called from below one half on
        if (model_->network.trained(name))
            for (std::size_t c = 0; c < std::min<std::size_t>(info.dim, h.of.size()); ++c)
                for (std::size_t r = 0; r < model_->network.reservoirs().size(); ++r)
                    h.of[c].push_back(model_->network.readout(r, name, c));
    }
}

/// Without the variance, which costs a hundred times as much.
double chain_watch::readout(const std::vector<const ridge_readout*>& of) const {
    double z = 0.0;
    for (std::size_t r = 0; r < of.size(); ++r)
        z += of[r]->predict(state_->of[r]);
    return z / static_cast<double>(of.size());
}

std::optional<double> chain_watch::value(head_id head) const {
    const auto& h = heads_[static_cast<std::size_t>(head)];
    if (h.of[0].empty() || last_.empty())
        return std::nullopt;
    return activated(h.activation, readout(h.of[0]));
}

std::optional<double> chain_watch::rule(head_id head) const {
    const auto mean = [this](std::size_t n, auto of) -> std::optional<double> {
        if (last_.size() < n)
            return std::nullopt;
        double sum = 0.0;
        for (auto at = last_.end() - static_cast<std::ptrdiff_t>(n); at != last_.end(); ++at)
            sum += of(*at);
        return sum / static_cast<double>(n);
    };
    const auto square = [](const moment& m) { return m.delta_h * m.delta_h; };
    const auto accepted = [](const moment& m) { return m.accepted ? 1.0 : 0.0; };
    const auto loop = [](const moment& m) { return m.polyakov; };
    switch (head) {
    case head_id::rejection: { // dH ~ N(s^2 / 2, s^2)
        const auto s2 = mean(rule_long, square);
        if (!s2 || !(*s2 > 0.0))
            return std::nullopt;
        return 0.5 * std::erfc((threshold_next_ - 0.5 * *s2) / std::sqrt(2.0 * *s2));
    }
    case head_id::anomaly: {
        const auto share = mean(rule_short, accepted);
        return share ? std::optional(*share < 0.5 ? 1.0 : 0.0) : std::nullopt;
    }
    case head_id::quality: return mean(rule_long, accepted);
    case head_id::deconfinement: return mean(rule_short, loop);
    case head_id::parameter_suggestion: {
        const auto s2 = mean(rule_long, square);
        return s2 && *s2 > 0.0 ? std::optional(std::sqrt(comfortable_rms / std::sqrt(*s2))) : std::nullopt;
    }
    case head_id::phase: {
        const auto l = mean(rule_short, loop);
        if (!l || model_ == nullptr || model_->equilibrium.empty() || !model_->equilibrium.front().chi_peak())
            return std::nullopt;
        return *l > model_->equilibrium.front().chi_peak()->polyakov ? 1.0 : 0.0;
    }
    default: return std::nullopt;
    }
}

std::optional<double> chain_watch::outcome(head_id head, std::size_t n) const {
    if (last_.size() < n)
        return std::nullopt;
    double square = 0.0, accepted = 0.0, loop = 0.0;
    for (auto at = last_.end() - static_cast<std::ptrdiff_t>(n); at != last_.end(); ++at) {
        square += at->delta_h * at->delta_h / static_cast<double>(n);
        accepted += at->accepted ? 1.0 / static_cast<double>(n) : 0.0;
        loop += at->polyakov / static_cast<double>(n);
    }
    switch (head) {
    case head_id::rejection: return 1.0 - accepted;
    case head_id::anomaly: return accepted < 0.5 ? 1.0 : 0.0;
    case head_id::quality: return accepted;
    case head_id::deconfinement: return loop;
    case head_id::parameter_suggestion: return square > 0.0 ? std::optional(std::sqrt(comfortable_rms / std::sqrt(square))) : std::nullopt;
    case head_id::phase:
        return model_ == nullptr || model_->equilibrium.empty() || !model_->equilibrium.front().chi_peak()
                   ? std::nullopt : std::optional(loop > model_->equilibrium.front().chi_peak()->polyakov ? 1.0 : 0.0);
    default: return std::nullopt;
    }
}

bool chain_watch::step(const trajectory_sample& s, const judge& tell) {
    const auto x = features_.next(s);
    if (!x)
        return false;
    if (state_ && !(stepper_ != nullptr ? stepper_->advance(model_->network, *x, *state_) : model_->network.advance(*x, *state_)))
        return false;
    last_.push_back({std::hypot(s.polyakov_re, s.polyakov_im), s.delta_h, s.accepted});
    if (last_.size() > remembered)
        last_.pop_front();
    threshold_next_ = s.threshold_next;
    if (!state_)
        return true;
    for (const auto& [head, later] : horizons) {
        auto& said = said_[static_cast<std::size_t>(head)];
        // said.back() was said after the trajectory before this one.
        if (said.size() >= later)
            if (const auto& predicted = said[said.size() - later]; predicted)
                if (const auto actual = outcome(head, later)) {
                    const bool classes = about(head).kind == head_kind::classification;
                    const double cut = heads_[static_cast<std::size_t>(head)].cut;
                    tell(head, classes ? (*predicted > cut ? 1.0 : 0.0) : *predicted, *actual);
                }
        said.push_back(value(head));
        if (said.size() > remembered)
            said.pop_front();
    }
    return true;
}

std::optional<equilibrium_distance> chain_watch::distance() const {
    const auto& h = heads_[static_cast<std::size_t>(head_id::thermalisation)];
    if (h.of[0].empty() || h.of[1].empty() || last_.empty())
        return std::nullopt;
    return equilibrium_distance{readout(h.of[0]), readout(h.of[1])};
}

std::vector<head_answer> chain_watch::answers(const std::function<bool(head_id)>& trusted, bool uncertainties) const {
    std::vector<head_answer> all;
    for (const auto& info : all_heads()) {
        head_answer a{std::string(info.name), std::nullopt, std::nullopt, answer_source::unavailable, ""};
        const auto simple = rule(info.id);
        const auto said = value(info.id);
        if (!info.applicable()) {
            a.reason = info.unavailable;
        } else if (said && trusted(info.id)) {
            a.value = said;
            a.source = answer_source::model;
            a.reason = "trusted";
            if (uncertainties)
                if (const auto says = model_->network.read(a.head, *state_))
                    a.uncertainty = std::sqrt(std::max(0.0, says->front().variance));
        } else if (simple) {
            a.value = simple;
            a.source = answer_source::heuristic;
            a.reason = info.heuristic;
        } else {
            a.reason = said ? "the model is not trusted and no simple rule can be applied yet" : "not trained, and no simple rule can be applied yet";
        }
        all.push_back(std::move(a));
    }
    return all;
}

} // namespace forge
