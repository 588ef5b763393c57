// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/program_builder.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace forge {

std::vector<float> concatenated_weights(const reservoir& r) {
    const std::size_t inputs = r.inputs(), units = r.units();
    const auto w_res = r.w_res();
    std::vector<float> all;
    all.reserve(units * (inputs + units));
    for (std::size_t row = 0; row < units; ++row) {
        const auto in = r.w_in().subspan(row * inputs, inputs);
        all.insert(all.end(), in.begin(), in.end());
        all.insert(all.end(), w_res.begin() + static_cast<std::ptrdiff_t>(row * units),
                   w_res.begin() + static_cast<std::ptrdiff_t>((row + 1) * units));
    }
    return all;
}

program_builder& program_builder::name(std::string text) {
    name_ = std::move(text);
    return *this;
}

program_builder& program_builder::reservoir_dims(std::uint32_t inputs, std::uint32_t units) {
    shape_.inputs = inputs;
    shape_.units = units;
    given_.reset();
    return *this;
}

program_builder& program_builder::shape(const reservoir_shape& s) {
    shape_ = s;
    given_.reset();
    return *this;
}

program_builder& program_builder::weights_of(const reservoir& r) {
    shape_ = r.shape();
    given_ = r;
    return *this;
}

program_builder& program_builder::add_head(std::string name, std::uint32_t dim, head_activation activation) {
    heads_.push_back({std::move(name), dim, activation});
    return *this;
}

program_builder& program_builder::readout(const std::string& head, std::vector<float> weights, std::vector<float> bias) {
    readouts_[head] = {std::move(weights), std::move(bias)};
    return *this;
}

program_builder& program_builder::heads_of(const echo_state_network& network, std::size_t which) {
    if (which >= network.reservoirs().size()) {
        broken_ = error{errc::not_found, fmt::format("the network has {} reservoirs and no number {}", network.reservoirs().size(), which),
                        "program " + name_, ""};
        return *this;
    }
    weights_of(network.reservoirs()[which]);
    feature_version_ = network.shape().feature_version;
    for (const auto& h : network.shape().heads) {
        heads_.push_back(h);
        if (!network.trained(h.name))
            continue;
        readout_weights w;
        for (std::size_t c = 0; c < h.dim; ++c) {
            const auto all = network.readout(which, h.name, c)->weights(); // bias first
            w.bias.push_back(static_cast<float>(all.front()));
            std::transform(all.begin() + 1, all.end(), std::back_inserter(w.weights), [](double x) { return static_cast<float>(x); });
        }
        readouts_[h.name] = std::move(w);
    }
    return *this;
}

program_builder& program_builder::feature_version(std::uint32_t version) {
    feature_version_ = version;
    return *this;
}

program_builder& program_builder::examples(std::vector<float> rows) {
    examples_ = std::move(rows);
    return *this;
}

std::vector<std::string> program_builder::untrained() const {
    std::vector<std::string> names;
    for (const auto& h : heads_)
        if (!readouts_.contains(h.name))
            names.push_back(h.name);
    return names;
}

result<npu_program> program_builder::build(const unit_budget& budget) const {
    if (broken_)
        return *broken_;
    if (auto fits = within_budget(static_cast<std::uint32_t>(heads_.size()), budget); !fits)
        return fits.reason();
    npu_program p;
    p.name = name_;
    p.inputs = shape_.inputs;
    p.units = shape_.units;
    p.leak = shape_.leak;
    p.feature_version = feature_version_;
    p.examples = examples_;
    for (const auto& [head, w] : readouts_)
        if (std::none_of(heads_.begin(), heads_.end(), [&head = head](const auto& h) { return h.name == head; }))
            return error{errc::invalid_argument, "there is a readout for head \"" + head + "\", but no such head", "program " + name_,
                         "add_head first"};
    for (const auto& h : heads_) {
        if (h.dim > program_head_dim_max) // before anything is allocated by it
            return error{errc::invalid_argument,
                         fmt::format("head {} has {} components: 1 ... {}, softmax at least 2", h.name, h.dim, program_head_dim_max),
                         "program " + name_, "see npu_program"};
        const auto w = readouts_.find(h.name);
        if (w != readouts_.end())
            p.heads.push_back({h, w->second.weights, w->second.bias});
        else
            p.heads.push_back(
                {h, std::vector<float>(std::size_t{h.dim} * std::min(p.units, program_units_max), 0.0f), std::vector<float>(h.dim, 0.0f)});
    }
    auto drawn = given_ ? result<reservoir>(*given_) : reservoir::make(shape_);
    if (!drawn)
        return drawn.reason();
    p.reservoir = concatenated_weights(*drawn);
    if (auto sound = validate(p); !sound)
        return sound.reason();
    return p;
}

} // namespace forge
