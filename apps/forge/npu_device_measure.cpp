// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/npu_device_measure.hpp"

#include "libactors/engine/dense/software_engine.hpp"
#include "libactors/engine/npu/sim_akd1000.hpp"
#include "libactors/learn/hybrid/online_training.hpp"
#include "libactors/learn/program_builder.hpp"
#include "libactors/numerics/counter_rng.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>
#include <random>

namespace forge::app {

namespace {

constexpr std::uint32_t inputs = 50, units = 128;
constexpr std::size_t batch = 8;

std::vector<float> drawn(std::uint32_t tag, std::size_t n, double spread = 1.0) {
    std::vector<float> x(n);
    for (std::size_t k = 0; k < n; ++k)
        x[k] = static_cast<float>(spread * normal_pair(philox4x32({static_cast<std::uint32_t>(k), tag, 0, 0}, {1, 2}))[0]);
    return x;
}

npu_timing timed_row(std::string what, std::vector<double> seconds) {
    std::sort(seconds.begin(), seconds.end());
    const auto at = [&seconds](double share) { return seconds[static_cast<std::size_t>(share * static_cast<double>(seconds.size() - 1))]; };
    return {std::move(what), seconds.front(), at(0.5), at(0.99), seconds.size(), {}};
}

template <class Work>
double seconds_of(Work&& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Steps of several networks in turn, in another order every round: what disturbs the machine disturbs all, and so does what the one before
/// left in the caches.
std::vector<npu_timing> timed_steps(std::vector<std::pair<std::string, hybrid_network*>> networks, std::size_t n) {
    const auto u = drawn(3, inputs * 64);
    std::vector<std::vector<double>> seconds(networks.size());
    std::vector<std::size_t> order(networks.size());
    std::iota(order.begin(), order.end(), 0);
    std::mt19937 shuffled(1);
    for (std::size_t k = 0; k < n; ++k) {
        std::shuffle(order.begin(), order.end(), shuffled);
        for (const std::size_t i : order)
            seconds[i].push_back(seconds_of([&] { networks[i].second->step(std::span(u).subspan(k % 64 * inputs, inputs)).or_throw(); }));
    }
    std::vector<npu_timing> rows;
    for (std::size_t i = 0; i < networks.size(); ++i) {
        rows.push_back(timed_row(networks[i].first, std::move(seconds[i])));
        if (const auto& c = networks[i].second->cost(); c.model_s > 0.0)
            rows.back().model_s = c.model_s / static_cast<double>(c.steps);
    }
    return rows;
}

npu_timing timed_batch(const std::string& what, dense_engine& engine, const npu_program& p, std::size_t n) {
    const auto id = engine.map(one_pass(p), p.examples).or_throw();
    const auto rows = drawn(4, batch * (inputs + units), 0.5);
    std::vector<double> seconds;
    for (std::size_t k = 0; k < n; ++k)
        seconds.push_back(seconds_of([&] { (void)engine.run(id, rows).or_throw(); }) / static_cast<double>(batch));
    auto row = timed_row(what, std::move(seconds));
    if (engine.about().simulated)
        row.model_s = engine.cost().seconds / static_cast<double>(batch);
    engine.unmap(id);
    return row;
}

/// Several chains' sequences in one run of the back end.
npu_timing timed_sequences(hybrid_network& network, std::size_t n) {
    const auto u = drawn(6, inputs * batch);
    std::vector<hybrid_state> states(batch, network.rest());
    const auto before = network.cost();
    std::vector<double> seconds;
    for (std::size_t k = 0; k < n; ++k)
        seconds.push_back(seconds_of([&] { network.step(u, states).or_throw(); }) / static_cast<double>(batch));
    auto row = timed_row("sim-akd1000 hybrid, each of 8 sequences at once", std::move(seconds));
    row.model_s = (network.cost().model_s - before.model_s) / static_cast<double>(network.cost().steps - before.steps);
    return row;
}

npu_timing timed_training(hybrid_network& n, std::size_t steps) {
    const auto u = drawn(5, inputs * 64);
    std::vector<double> seconds;
    const double before = n.cost().model_s;
    for (std::size_t k = 0; k < steps; ++k) {
        const float target = static_cast<float>(k % 2);
        seconds.push_back(
            seconds_of([&] { (void)train_step(n, 0, std::span(u).subspan(k % 64 * inputs, inputs), std::span(&target, 1), 0.01f).or_throw(); }));
    }
    auto row = timed_row("training step, 11 heads on the device", std::move(seconds));
    row.model_s = (n.cost().model_s - before) / static_cast<double>(steps);
    return row;
}

} // namespace

npu_program measured_program(std::uint32_t n_inputs, std::uint32_t n_units, std::size_t heads) {
    program_builder b;
    b.name("measured").reservoir_dims(n_inputs, n_units);
    for (std::uint32_t k = 0; k < heads; ++k) {
        const auto name = fmt::format("head{}", k);
        b.add_head(name, 1, head_activation::sigmoid).readout(name, drawn(100 + k, n_units, 0.2), {0.0f});
    }
    auto p = b.build().or_throw();
    p.examples = calibration_rows(p, {}, std::vector<std::vector<float>>{drawn(2, std::size_t{n_inputs} * 100)}).or_throw();
    return p;
}

std::vector<npu_timing> measure_npu(int repeats) {
    const auto n = static_cast<std::size_t>(200 * repeats);
    const auto eleven = measured_program(inputs, units, 11), one = measured_program(inputs, units, 1);
    software_engine host;
    constexpr double any = 1e9; // the mode is asked for, not routed
    const hybrid_options native{.activation = state_activation::bounded_relu, .readouts = readout_place::device, .int4_tolerance = any};
    const hybrid_options hybrid{.readouts = readout_place::host, .int4_tolerance = any};
    std::array<sim_akd1000, 6> sims;
    auto f11 = hybrid_network::make(eleven, host, {}).or_throw(), f1 = hybrid_network::make(one, host, {}).or_throw();
    auto h11 = hybrid_network::make(eleven, host, {&sims[0]}, hybrid).or_throw(), h1 = hybrid_network::make(one, host, {&sims[1]}, hybrid).or_throw();
    auto d11 = hybrid_network::make(eleven, host, {&sims[2]}, native).or_throw(), d1 = hybrid_network::make(one, host, {&sims[3]}, native).or_throw();
    auto rows = timed_steps({{"software-f32 step, 11 heads", &f11},
                             {"software-f32 step, 1 head", &f1},
                             {"sim-akd1000 hybrid step, 11 heads on the host", &h11},
                             {"sim-akd1000 hybrid step, 1 head on the host", &h1},
                             {"sim-akd1000 native step, 11 heads in one pass", &d11},
                             {"sim-akd1000 native step, 1 head in one pass", &d1}},
                            n);
    rows.push_back(timed_batch("software-f32, a row of a batch of 8", host, eleven, n));
    rows.push_back(timed_batch("sim-akd1000, a row of a batch of 8", sims[4], eleven, n));
    rows.push_back(timed_sequences(h11, n));
    auto pupil =
        hybrid_network::make(eleven, host, {&sims[5]}, {.readouts = readout_place::device, .int4_tolerance = any, .readout_range = 1.0f}).or_throw();
    rows.push_back(timed_training(pupil, n));
    return rows;
}

std::string table_of(const std::vector<npu_timing>& rows) {
    std::string text =
        fmt::format("{:<48} {:>9} {:>9} {:>9} {:>7}  {}\n", "50 -> 128, on this machine", "MIN us", "P50 us", "P99 us", "N", "DEVICE (model) us");
    for (const auto& r : rows)
        text += fmt::format("{:<48} {:>9.2f} {:>9.2f} {:>9.2f} {:>7}  {}\n", r.what, 1e6 * r.minimum, 1e6 * r.p50, 1e6 * r.p99, r.n,
                            r.model_s ? fmt::format("{:.1f}", 1e6 * *r.model_s) : "n/a");
    return text;
}

nlohmann::json json_of(const std::vector<npu_timing>& rows) {
    auto out = nlohmann::json::array();
    for (const auto& r : rows)
        out.push_back({{"what", r.what},
                       {"minimum_s", r.minimum},
                       {"p50_s", r.p50},
                       {"p99_s", r.p99},
                       {"n", r.n},
                       {"model_s", r.model_s ? nlohmann::json(*r.model_s) : nlohmann::json(nullptr)}});
    return out;
}

} // namespace forge::app
