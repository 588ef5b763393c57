// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/hybrid/hybrid_network.hpp"

#include "libactors/base/contract.hpp"
#include "libactors/learn/hybrid/mapping.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace forge {

namespace {

constexpr std::array<std::string_view, 3> mode_names{"software-f32", "device-native", "hybrid"};

bool quantises(const dense_engine& e) { return e.about().weight_bits < 32; }

std::vector<operation> operations_of(const npu_program& p, const hybrid_options& o) {
    const auto columns = p.inputs + p.units;
    std::vector<float> heads;
    for (const auto& h : p.heads)
        heads.insert(heads.end(), h.weights.begin(), h.weights.end());
    const bool native = o.activation == state_activation::bounded_relu; // then the identity goes with the heads
    const auto fan_out = static_cast<std::uint32_t>(p.heads.size() + (native ? 1 : 0));
    std::vector<operation> ops{
        {operation_kind::dense, "reservoir", columns, p.units, precision_of(p.reservoir, columns, o.int4_tolerance)},
        {operation_kind::recurrent_step, "recurrence", columns, p.units, weight_precision::int4},
        {o.activation == state_activation::tanh ? operation_kind::tanh_activation : operation_kind::bounded_relu, "activation", p.units, p.units,
         weight_precision::int4},
        {operation_kind::temporal_integration, "leak", p.units, p.units, weight_precision::int4},
        {operation_kind::head_fan_out, "heads", p.units, fan_out, precision_of(heads, p.units, o.int4_tolerance)}};
    for (const auto& h : p.heads)
        if (h.spec.activation == head_activation::sigmoid || h.spec.activation == head_activation::softmax)
            ops.push_back({operation_kind::sigmoid, "activation of " + h.spec.name, h.spec.dim, h.spec.dim, weight_precision::int4});
    return ops;
}

side side_of(const std::vector<route_decision>& routes, std::string_view name) {
    return std::find_if(routes.begin(), routes.end(), [name](const auto& r) { return r.name == name; })->where;
}

} // namespace

std::string_view name_of(execution_mode m) { return mode_names[static_cast<std::size_t>(m)]; }

std::vector<float> activated(head_activation a, std::span<const float> z) {
    std::vector<float> y(z.begin(), z.end());
    const float largest = *std::max_element(y.begin(), y.end());
    float sum = 0.0f;
    for (auto& v : y) {
        if (a == head_activation::relu)
            v = std::max(0.0f, v);
        else if (a == head_activation::sigmoid)
            v = 1.0f / (1.0f + std::exp(-v));
        else if (a == head_activation::softmax)
            sum += v = std::exp(v - largest);
    }
    if (a == head_activation::softmax)
        for (auto& v : y)
            v /= sum;
    return y;
}

struct hybrid_network::inner {
    npu_program program;
    hybrid_options options;
    execution_mode mode = execution_mode::software_f32;
    bool device_readouts = false;
    std::vector<route_decision> routes;
    std::vector<mapped_chunk> chunks;
    std::optional<mapped_readouts> second; ///< readouts that are not in the reservoir's pass: the host's, or a device's second one
    hybrid_cost cost;

    hybrid_state own;
    std::vector<float> bias;       ///< all heads
    std::vector<std::size_t> z_at; ///< where a head begins in z
    std::vector<float> both;       ///< [u; s], a row a state
    std::vector<float> drive;      ///< f or its argument, by unit; a row a state
    std::vector<float> part;       ///< W_h f of this step, all heads; device_native; a row a state

    inner() = default;
    inner(const inner&) = delete;
    inner& operator=(const inner&) = delete;
    ~inner() {
        for (const auto& c : chunks)
            c.engine->unmap(c.id);
        if (second)
            second->engine->unmap(second->id);
    }

    bool heads_in_pass() const { return device_readouts && mode == execution_mode::device_native; }

    result<std::vector<dense_answer>> run(dense_engine& e, program_id id, std::span<const float> rows) {
        auto answers = e.run(id, rows);
        if (answers) {
            const auto c = e.cost();
            (e.about().simulated ? cost.model_s : cost.measured_s) += c.seconds;
            cost.clamped += c.clamped;
        }
        return answers;
    }

    /// z of the host's weights on a state that no step brought.
    void host_readouts(hybrid_state& x) const {
        for (std::size_t h = 0; h < program.heads.size(); ++h)
            for (std::size_t c = 0; c < program.heads[h].spec.dim; ++c) {
                float sum = 0.0f;
                const float* w = program.heads[h].weights.data() + c * program.units;
                for (std::size_t k = 0; k < program.units; ++k)
                    sum += w[k] * x.s[k];
                x.z[z_at[h] + c] = sum + program.heads[h].bias[c];
            }
    }
    float activation(float x) const {
        if (mode == execution_mode::device_native)
            return x;
        return options.activation == state_activation::tanh ? std::tanh(x) : std::clamp(x, 0.0f, options.relu_bound);
    }
    /// W_h f of the pass joins what was integrated.
    void integrate(hybrid_state& x, const float* heads_of_pass, float leak) const {
        for (std::size_t j = 0; j < x.z.size(); ++j)
            x.z[j] = (1.0f - leak) * (x.z[j] - bias[j]) + leak * heads_of_pass[j] + bias[j];
    }
    result<void> second_pass(std::span<hybrid_state> states) {
        both.clear();
        for (const auto& x : states)
            both.insert(both.end(), x.s.begin(), x.s.end());
        const auto y = run(*second->engine, second->id, both);
        if (!y)
            return y.reason();
        cost.passes += device_readouts ? 1 : 0;
        for (std::size_t b = 0; b < states.size(); ++b)
            std::transform((*y)[b].begin(), (*y)[b].end(), bias.begin(), states[b].z.begin(), std::plus<>());
        return {};
    }
    /// Inputs are judged.
    result<void> advance(std::span<const float> inputs, std::span<hybrid_state> states) {
        const std::size_t units = program.units, outputs = bias.size();
        both.clear();
        for (std::size_t b = 0; b < states.size(); ++b) {
            const auto u = inputs.subspan(b * program.inputs, program.inputs);
            both.insert(both.end(), u.begin(), u.end());
            both.insert(both.end(), states[b].s.begin(), states[b].s.end());
        }
        drive.resize(states.size() * units);
        part.assign(states.size() * outputs, 0.0f);
        for (const auto& c : chunks) { // all of them see the state before the step
            const auto y = run(*c.engine, c.id, both);
            if (!y)
                return y.reason();
            ++cost.passes;
            for (std::size_t b = 0; b < states.size(); ++b)
                merge(c, (*y)[b], std::span(drive).subspan(b * units, units), std::span(part).subspan(b * outputs, outputs));
        }
        const float leak = static_cast<float>(program.leak);
        for (std::size_t b = 0; b < states.size(); ++b) {
            auto& x = states[b];
            for (std::size_t k = 0; k < units; ++k)
                x.s[k] = (1.0f - leak) * x.s[k] + leak * activation(drive[b * units + k]);
            if (heads_in_pass())
                integrate(x, part.data() + b * outputs, leak);
        }
        cost.steps += states.size();
        return heads_in_pass() ? result<void>() : second_pass(states);
    }
};

hybrid_network::hybrid_network(std::unique_ptr<inner> i) : inner_(std::move(i)) {}
hybrid_network::hybrid_network(hybrid_network&&) noexcept = default;
hybrid_network& hybrid_network::operator=(hybrid_network&&) noexcept = default;
hybrid_network::~hybrid_network() = default;

result<hybrid_network> hybrid_network::make(const npu_program& program, dense_engine& host, std::vector<dense_engine*> devices,
                                            const hybrid_options& options) {
    if (auto sound = validate(program); !sound)
        return sound.reason();
    auto n = std::make_unique<inner>();
    n->program = program;
    n->options = options;
    const auto int4 = std::find_if(devices.begin(), devices.end(), [](const auto* e) { return quantises(*e); });
    n->routes = route(operations_of(program, options), {int4 != devices.end(),
                                                        static_cast<std::uint32_t>(std::max<std::size_t>(1, devices.size())),
                                                        options.activation == state_activation::bounded_relu,
                                                        {}});
    const bool on_host = devices.empty() || side_of(n->routes, "reservoir") == side::host;
    const bool to_device = side_of(n->routes, "heads") == side::device && int4 != devices.end() && !on_host;
    if (options.readouts == readout_place::device && int4 == devices.end())
        return error{errc::invalid_argument, "readouts on a device, but no back end is one", "program " + program.name, "readout_place::host"};
    n->device_readouts = options.readouts == readout_place::device || (options.readouts == readout_place::routed && to_device);
    const bool native = options.activation == state_activation::bounded_relu && !on_host &&
                        std::all_of(devices.begin(), devices.end(), [](const auto* e) { return quantises(*e); });
    n->mode = native ? execution_mode::device_native : (on_host || int4 == devices.end() ? execution_mode::software_f32 : execution_mode::hybrid);
    if (on_host)
        devices = {&host};
    std::size_t at = 0;
    for (const auto& h : program.heads) {
        n->z_at.push_back(at);
        at += h.spec.dim;
        n->bias.insert(n->bias.end(), h.bias.begin(), h.bias.end());
    }
    const std::size_t rows = (program.units + devices.size() - 1) / devices.size();
    for (std::size_t k = 0; k < devices.size() && k * rows < program.units; ++k) {
        auto chunk = map_chunk(*devices[k], program, k, {k * rows, std::min(rows, program.units - k * rows)},
                               {native, n->heads_in_pass(), options.path, options.readout_range, options.relu_bound, options.split_bound});
        if (!chunk)
            return chunk.reason();
        n->chunks.push_back(std::move(chunk).value());
    }
    if (!n->heads_in_pass()) {
        auto second = map_readouts(n->device_readouts ? **int4 : host, program, options.readout_range);
        if (!second)
            return second.reason();
        n->second = std::move(second).value();
    }
    hybrid_network made(std::move(n));
    made.reset();
    return made;
}

result<void> hybrid_network::step(std::span<const float> input) { return step(input, std::span(&inner_->own, 1)); }

result<void> hybrid_network::step(std::span<const float> inputs, std::span<hybrid_state> states) {
    auto& n = *inner_;
    const auto where = [&n] { return "program " + n.program.name; };
    if (states.empty() || inputs.size() != n.program.inputs * states.size())
        return error{errc::invalid_argument,
                     std::to_string(inputs.size()) + " inputs for a program of " + std::to_string(n.program.inputs) +
                         (states.size() == 1 ? "" : " and " + std::to_string(states.size()) + " states"),
                     where(), "is the program of another feature version?"};
    if (!std::all_of(inputs.begin(), inputs.end(), [](float x) { return std::isfinite(x); }))
        return error{errc::invalid_argument, "an input is not a number", where(), "such a trajectory is not shown to a model"};
    expects(std::all_of(states.begin(), states.end(), [&n](const auto& x) { return x.s.size() == n.program.units && x.z.size() == n.bias.size(); }),
            "states of this network");
    return n.advance(inputs, states);
}

hybrid_state hybrid_network::rest() const {
    hybrid_state x{std::vector<float>(inner_->program.units, 0.0f), std::vector<float>(inner_->bias.size(), 0.0f)};
    inner_->host_readouts(x);
    return x;
}

void hybrid_network::reset() { inner_->own = rest(); }

void hybrid_network::set_state(std::span<const float> s) {
    expects(s.size() == inner_->program.units, "a state has as many values as the reservoir");
    std::copy(s.begin(), s.end(), inner_->own.s.begin());
    inner_->host_readouts(inner_->own);
}

std::span<const float> hybrid_network::state() const { return inner_->own.s; }

std::span<const float> hybrid_network::readout(std::size_t head) const { return readout(head, inner_->own); }

std::span<const float> hybrid_network::readout(std::size_t head, const hybrid_state& x) const {
    expects(head < inner_->program.heads.size(), "a head of the program");
    return std::span(x.z).subspan(inner_->z_at[head], inner_->program.heads[head].spec.dim);
}

std::vector<float> hybrid_network::value(std::size_t head) const { return activated(inner_->program.heads.at(head).spec.activation, readout(head)); }

std::vector<hybrid_network::output> hybrid_network::outputs() const {
    std::vector<output> all;
    for (std::size_t h = 0; h < inner_->program.heads.size(); ++h)
        all.push_back({inner_->program.heads[h].spec.name, value(h), inner_->device_readouts ? side::device_then_host : side::host});
    return all;
}

result<void> hybrid_network::set_readout(std::size_t head, std::span<const float> weights, std::span<const float> bias) {
    auto& n = *inner_;
    expects(head < n.program.heads.size(), "a head of the program");
    auto& h = n.program.heads[head];
    if (auto fits = judge_weights(weights, n.program.units, h.spec.dim, h.spec.name); !fits)
        return fits;
    if (auto fits = judge_weights(bias, 1, h.spec.dim, "bias of " + h.spec.name); !fits)
        return fits;
    h.weights.assign(weights.begin(), weights.end());
    h.bias.assign(bias.begin(), bias.end());
    std::copy(bias.begin(), bias.end(), n.bias.begin() + static_cast<std::ptrdiff_t>(n.z_at[head]));
    const auto write = [&](dense_engine& e, program_id id, const std::string& layer, std::span<const float> w) -> result<void> {
        auto done = e.set_variable(id, layer, w);
        if (!done)
            return done;
        const auto c = e.cost();
        (e.about().simulated ? n.cost.model_s : n.cost.measured_s) += c.seconds;
        n.cost.clamped += c.clamped;
        return {};
    };
    if (n.second) {
        if (auto done = write(*n.second->engine, n.second->id, "readouts", all_readouts(n.program)); !done)
            return done;
    } else if (n.heads_in_pass()) {
        for (const auto& c : n.chunks)
            if (auto done = write(*c.engine, c.id, h.spec.name, columns_of(h, n.program.units, c.first, c.rows)); !done)
                return done;
        n.host_readouts(n.own);
    }
    return {};
}

const npu_program& hybrid_network::program() const { return inner_->program; }
execution_mode hybrid_network::mode() const { return inner_->mode; }
bool hybrid_network::readouts_on_device() const { return inner_->device_readouts; }
const std::vector<route_decision>& hybrid_network::routes() const { return inner_->routes; }
const hybrid_cost& hybrid_network::cost() const { return inner_->cost; }

} // namespace forge
