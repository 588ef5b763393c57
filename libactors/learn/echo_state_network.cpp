// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/echo_state_network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

namespace forge {

namespace {

constexpr std::uint32_t reservoirs_max = 16;
constexpr std::uint32_t dim_max = 64;
constexpr double taught = 2.1972245773362196; // logit(0.9)
constexpr std::array<std::string_view, 4> activation_names{"linear", "relu", "sigmoid", "softmax"};

double target_of(head_activation a, double y) {
    return a == head_activation::sigmoid || a == head_activation::softmax ? (y > 0.5 ? taught : -taught) : y;
}

void activate(head_activation a, std::vector<head_value>& all) {
    double largest = all.front().readout;
    for (const auto& v : all)
        largest = std::max(largest, v.readout);
    double sum = 0.0;
    for (auto& v : all) {
        switch (a) {
        case head_activation::linear:
            v.value = v.readout;
            break;
        case head_activation::relu:
            v.value = std::max(0.0, v.readout);
            break;
        case head_activation::sigmoid:
            v.value = 1.0 / (1.0 + std::exp(-v.readout));
            break;
        case head_activation::softmax:
            v.value = std::exp(v.readout - largest);
            sum += v.value;
        }
    }
    if (a == head_activation::softmax)
        for (auto& v : all)
            v.value /= sum;
}

error unknown_head(const echo_state_network& n, const std::string& head) {
    std::string names;
    for (const auto& h : n.shape().heads)
        names += (names.empty() ? "" : ", ") + h.name;
    return {errc::not_found, "there is no head \"" + head + "\"", "echo-state network", "one of: " + names};
}

} // namespace

std::string_view name_of(head_activation a) { return activation_names[static_cast<std::size_t>(a)]; }

std::optional<head_activation> head_activation_from(std::string_view name) {
    const auto at = std::find(activation_names.begin(), activation_names.end(), name);
    return at == activation_names.end() ? std::nullopt : std::optional(static_cast<head_activation>(at - activation_names.begin()));
}

std::span<const double> usual_penalties() {
    static constexpr std::array<double, 9> all{1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0};
    return all;
}

namespace {

error refused(std::string what) { return {errc::invalid_argument, std::move(what), "echo-state network", "see network_shape"}; }

result<void> judge(const network_shape& shape) {
    if (shape.reservoirs == 0 || shape.reservoirs > reservoirs_max)
        return refused(fmt::format("{} reservoirs: 1 ... {}", shape.reservoirs, reservoirs_max));
    if (shape.heads.empty())
        return refused("a network without heads has nothing to say");
    std::set<std::string> names;
    for (const auto& h : shape.heads) {
        if (h.name.empty() || !names.insert(h.name).second)
            return refused("the name of a head is empty or there twice: \"" + h.name + "\"");
        if (h.dim == 0 || h.dim > dim_max || (h.activation == head_activation::softmax && h.dim < 2))
            return refused(fmt::format("head {} has {} components: 1 ... {}, softmax at least 2", h.name, h.dim, dim_max));
    }
    return {};
}

result<reservoir> hide(reservoir r, std::uint32_t hidden) {
    std::vector<float> w_in(r.w_in().begin(), r.w_in().end());
    for (std::size_t k = 0; k < w_in.size(); ++k)
        if (const auto input = k % r.inputs(); input < 32 && (hidden >> input & 1u) != 0)
            w_in[k] = 0.0f;
    return reservoir::from_weights(r.shape(), w_in, r.w_res());
}

} // namespace

result<echo_state_network> echo_state_network::make(const network_shape& shape) {
    if (auto sound = judge(shape); !sound)
        return sound.reason();
    std::vector<reservoir> all;
    for (std::uint32_t k = 0; k < shape.reservoirs; ++k) {
        auto one = shape.reservoir;
        one.seed += k;
        auto r = reservoir::make(one);
        if (r && shape.inputs_hidden != 0)
            r = hide(std::move(r).value(), shape.inputs_hidden);
        if (!r)
            return r.reason();
        all.push_back(std::move(r).value());
    }
    return from_reservoirs(shape, std::move(all));
}

result<echo_state_network> echo_state_network::from_reservoirs(const network_shape& shape, std::vector<reservoir> reservoirs) {
    if (auto sound = judge(shape); !sound)
        return sound.reason();
    const auto fits = [&shape](const reservoir& r) { return r.units() == shape.reservoir.units && r.inputs() == shape.reservoir.inputs; };
    if (reservoirs.size() != shape.reservoirs || !std::all_of(reservoirs.begin(), reservoirs.end(), fits))
        return refused("the reservoirs are not those of the shape");
    echo_state_network n;
    n.shape_ = shape;
    n.reservoirs_ = std::move(reservoirs);
    for (const auto& h : shape.heads)
        n.heads_.push_back({h, {}});
    return n;
}

result<void> echo_state_network::set_readouts(const std::string& head, std::vector<std::vector<ridge_readout>> of) {
    const auto at = std::find_if(heads_.begin(), heads_.end(), [&head](const auto& h) { return h.spec.name == head; });
    if (at == heads_.end())
        return unknown_head(*this, head);
    const auto fits = [&](const std::vector<ridge_readout>& one) {
        return one.size() == at->spec.dim && std::all_of(one.begin(), one.end(), [this](const auto& r) { return r.weights().size() == shape_.reservoir.units + 1; });
    };
    if (of.size() != reservoirs_.size() || !std::all_of(of.begin(), of.end(), fits))
        return refused("the readouts of head \"" + head + "\" are not those of the shape");
    at->of = std::move(of);
    return {};
}

network_state echo_state_network::rest() const {
    network_state s;
    s.of.assign(reservoirs_.size(), std::vector<float>(shape_.reservoir.units, 0.0f));
    return s;
}

result<void> echo_state_network::advance(std::span<const float> input, network_state& state) const {
    if (input.size() != shape_.reservoir.inputs)
        return error{errc::invalid_argument, fmt::format("{} inputs for a network of {}", input.size(), shape_.reservoir.inputs), "echo-state network",
                     "is the model of another feature version?"};
    if (!std::all_of(input.begin(), input.end(), [](float x) { return std::isfinite(x); }))
        return error{errc::invalid_argument, "an input is not a number", "echo-state network", "such a trajectory is not shown to a model"};
    for (std::size_t k = 0; k < reservoirs_.size(); ++k)
        reservoirs_[k].step(input, state.of[k]);
    return {};
}

const echo_state_network::head_readouts* echo_state_network::find(const std::string& head) const {
    const auto at = std::find_if(heads_.begin(), heads_.end(), [&head](const auto& h) { return h.spec.name == head; });
    return at == heads_.end() ? nullptr : &*at;
}

bool echo_state_network::trained(const std::string& head) const {
    const auto* h = find(head);
    return h != nullptr && !h->of.empty();
}

const ridge_readout* echo_state_network::readout(std::size_t r, const std::string& head, std::size_t component) const {
    const auto* h = find(head);
    return h == nullptr || h->of.empty() || r >= h->of.size() || component >= h->spec.dim ? nullptr : &h->of[r][component];
}

result<std::vector<head_value>> echo_state_network::read(const std::string& head, const network_state& state) const {
    const auto* h = find(head);
    if (h == nullptr)
        return unknown_head(*this, head);
    if (h->of.empty())
        return error{errc::not_found, "head \"" + head + "\" was never trained", "echo-state network", "forge npu train"};
    std::vector<head_value> all(h->spec.dim);
    const double k = static_cast<double>(reservoirs_.size());
    for (std::size_t c = 0; c < all.size(); ++c) {
        double squared = 0.0;
        for (std::size_t r = 0; r < reservoirs_.size(); ++r) {
            const double z = h->of[r][c].predict(state.of[r]);
            all[c].readout += z / k;
            squared += z * z / k;
            all[c].variance += h->of[r][c].variance(state.of[r]) / k;
        }
        all[c].variance += std::max(0.0, squared - all[c].readout * all[c].readout);
    }
    activate(h->spec.activation, all);
    return all;
}

result<void> echo_state_network::learn(const std::string& head, const network_state& state, std::span<const double> target) {
    const auto at = std::find_if(heads_.begin(), heads_.end(), [&head](const auto& h) { return h.spec.name == head; });
    if (at == heads_.end())
        return unknown_head(*this, head);
    if (at->of.empty() || target.size() != at->spec.dim || !std::all_of(target.begin(), target.end(), [](double y) { return std::isfinite(y); }))
        return error{errc::invalid_argument,
                     "head \"" + head + "\" is not trained, or the target is not " + std::to_string(at->spec.dim) + " numbers", "echo-state network",
                     ""};
    if (!at->of[0][0].can_learn())
        return error{errc::unsupported, "head \"" + head + "\" came as weights alone: what it was trained on is not known", "echo-state network", "forge npu train"};
    for (std::size_t r = 0; r < reservoirs_.size(); ++r)
        for (std::size_t c = 0; c < target.size(); ++c)
            at->of[r][c].update(state.of[r], target_of(at->spec.activation, target[c]));
    return {};
}

network_trainer::network_trainer(const echo_state_network& network, gram_engine* gram) : network_(&network), gram_(gram), state_(network.rest()) {}

void network_trainer::begin(std::uint64_t group) {
    state_ = network_->rest();
    fold_ = static_cast<std::size_t>((group * 0x9e3779b97f4a7c15ull) >> 32) % folds; // neighbours in different folds
}

result<void> network_trainer::step(std::span<const float> input) { return network_->advance(input, state_); }

result<void> network_trainer::teach(const std::string& head, std::span<const double> target) {
    const auto* h = network_->find(head);
    if (h == nullptr)
        return unknown_head(*network_, head);
    if (target.size() != h->spec.dim || !std::all_of(target.begin(), target.end(), [](double y) { return std::isfinite(y); }))
        return error{errc::invalid_argument, "the target of head \"" + head + "\" is not " + std::to_string(h->spec.dim) + " numbers", "training", ""};
    auto& sums = sums_[head];
    if (sums.empty())
        sums.assign(state_.of.size() * target.size() * folds, ridge_sums(network_->shape().reservoir.units));
    for (std::size_t r = 0; r < state_.of.size(); ++r)
        for (std::size_t c = 0; c < target.size(); ++c)
            sums[(r * target.size() + c) * folds + fold_].add(state_.of[r], target_of(h->spec.activation, target[c]));
    return {};
}

result<echo_state_network> network_trainer::solve(std::span<const double> penalties) const {
    if (!blocks_.empty())
        return solve_together(penalties);
    echo_state_network n = *network_;
    for (auto& h : n.heads_) {
        const auto taught_so_far = sums_.find(h.spec.name);
        if (taught_so_far == sums_.end())
            continue;
        const auto& sums = taught_so_far->second;
        std::vector<std::vector<ridge_readout>> of(n.reservoirs_.size());
        for (std::size_t r = 0; r < of.size(); ++r)
            for (std::size_t c = 0; c < h.spec.dim; ++c) {
                std::vector<ridge_sums> groups;
                for (std::size_t f = 0; f < folds; ++f)
                    if (const auto& s = sums[(r * h.spec.dim + c) * folds + f]; s.rows() > 0)
                        groups.push_back(s);
                if (groups.size() < 2)
                    break;
                auto fit = ridge_readout::cross_validate(groups, penalties);
                if (!fit)
                    return fit.reason();
                of[r].push_back(std::move(fit).value());
            }
        if (std::all_of(of.begin(), of.end(), [&h](const auto& one) { return one.size() == h.spec.dim; }))
            h.of = std::move(of);
    }
    return n;
}

result<void> network_trainer::teach_all(std::span<const double> targets) {
    std::size_t columns = 0;
    for (const auto& h : network_->shape().heads)
        columns += h.dim;
    if (targets.size() != columns)
        return error{errc::invalid_argument, fmt::format("{} targets for heads of {} components", targets.size(), columns), "training", ""};
    if (blocks_.empty()) {
        blocks_.assign(state_.of.size(), std::vector<ridge_block>(folds, ridge_block(network_->shape().reservoir.units, columns, gram_)));
        missing_.assign(columns, false);
    }
    row_.assign(targets.begin(), targets.end());
    std::size_t c = 0;
    for (const auto& h : network_->shape().heads)
        for (std::uint32_t k = 0; k < h.dim; ++k, ++c) {
            missing_[c] = missing_[c] || !std::isfinite(targets[c]);
            row_[c] = missing_[c] ? 0.0 : target_of(h.activation, targets[c]);
        }
    for (std::size_t r = 0; r < state_.of.size(); ++r)
        if (auto added = blocks_[r][fold_].add(state_.of[r], row_); !added)
            return added;
    return {};
}

result<echo_state_network> network_trainer::solve_together(std::span<const double> penalties) const {
    echo_state_network n = *network_;
    for (std::size_t r = 0; r < blocks_.size(); ++r) {
        std::vector<ridge_block> groups;
        for (const auto& b : blocks_[r])
            if (b.rows() > 0)
                groups.push_back(b);
        if (groups.size() < 2)
            return n;
        auto fits = ridge_readout::cross_validate(groups, penalties);
        if (!fits)
            return fits.reason();
        std::size_t c = 0;
        for (auto& h : n.heads_) {
            const auto first = static_cast<std::ptrdiff_t>(c);
            const auto last = first + static_cast<std::ptrdiff_t>(h.spec.dim);
            if (std::none_of(missing_.begin() + first, missing_.begin() + last, [](bool m) { return m; }))
                h.of.emplace_back(fits->begin() + first, fits->begin() + last);
            c += h.spec.dim;
        }
    }
    return n;
}

} // namespace forge
