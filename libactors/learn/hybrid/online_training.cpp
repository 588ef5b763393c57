// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/hybrid/online_training.hpp"

#include "libactors/base/contract.hpp"

#include <algorithm>
#include <cmath>

namespace forge {

namespace {

double loss_of(head_activation a, std::span<const float> y, std::span<const float> target) {
    constexpr double tiny = 1e-7; // a probability of 0 that was wrong costs 16, not infinity
    double loss = 0.0;
    for (std::size_t c = 0; c < y.size(); ++c) {
        const double p = static_cast<double>(y[c]), t = static_cast<double>(target[c]);
        if (a == head_activation::sigmoid)
            loss -= t * std::log(std::max(p, tiny)) + (1.0 - t) * std::log(std::max(1.0 - p, tiny));
        else if (a == head_activation::softmax)
            loss -= t * std::log(std::max(p, tiny));
        else
            loss += 0.5 * (p - t) * (p - t);
    }
    return loss;
}

} // namespace

result<training_outcome> train_step(hybrid_network& network, std::size_t head, std::span<const float> input, std::span<const float> target,
                                    float rate) {
    expects(head < network.program().heads.size(), "a head of the program");
    const auto& h = network.program().heads[head];
    if (target.size() != h.spec.dim || !std::all_of(target.begin(), target.end(), [](float t) { return std::isfinite(t); }))
        return error{errc::invalid_argument, "the target of head " + h.spec.name + " is not " + std::to_string(h.spec.dim) + " numbers",
                     "online training", ""};
    if (auto done = network.step(input); !done)
        return done.reason();
    const auto y = network.value(head);
    training_outcome out{loss_of(h.spec.activation, y, target), 0};
    auto weights = h.weights;
    auto bias = h.bias;
    const auto s = network.state();
    for (std::size_t c = 0; c < y.size(); ++c) {
        if (h.spec.activation == head_activation::relu && !(network.readout(head)[c] > 0.0f))
            continue;
        const float step = rate * (y[c] - target[c]);
        for (std::size_t k = 0; k < s.size(); ++k)
            weights[c * s.size() + k] -= step * s[k];
        bias[c] -= step;
    }
    const auto before = network.cost().clamped;
    if (auto set = network.set_readout(head, weights, bias); !set)
        return set.reason();
    out.clamped = network.cost().clamped - before;
    return out;
}

} // namespace forge
