// SPDX-License-Identifier: AGPL-3.0-only
#include "apps/forge/conductor_device.hpp"

#include "libactors/engine/dense/software_engine.hpp"
#include "libactors/engine/npu/sim_akd1000.hpp"
#include "libactors/learn/feature_vector.hpp"
#include "libactors/learn/hybrid/hybrid_network.hpp"
#include "libactors/learn/program_builder.hpp"

#include <fmt/format.h>

#include <chrono>
#include <limits>

namespace forge::app {

namespace {

class sim_stepper final : public reservoir_stepper {
public:
    explicit sim_stepper(std::string note) : note_(std::move(note)) {}

    result<void> prepare(const echo_state_network& network) {
        const hybrid_options options{.readouts = readout_place::host,
                                     .int4_tolerance = std::numeric_limits<double>::infinity()}; // asked for, not routed
        for (std::size_t r = 0; r < network.reservoirs().size(); ++r) {
            const auto& one = network.reservoirs()[r];
            // A program has a head; what is wanted here is the state alone.
            auto program = program_builder()
                               .name(fmt::format("reservoir {}", r))
                               .weights_of(one)
                               .add_head("none", 1, head_activation::linear)
                               .examples(range_of_features(one.inputs(), one.units()))
                               .build();
            if (!program)
                return program.reason();
            auto made = hybrid_network::make(*program, host_, {&sim_}, options);
            if (!made) {
                auto e = made.reason();
                e.hint = fmt::format("{} reservoirs: a model with fewer of them, or device = \"software\"", network.reservoirs().size());
                return e;
            }
            if (made->mode() != execution_mode::hybrid)
                return error{errc::unsupported, fmt::format("a reservoir of {} units is larger than the device", one.units()), "[conductor] device",
                             "a smaller model, or device = \"software\""};
            rest_.push_back(made->rest());
            programs_.push_back(std::move(*made));
            constexpr double rounding = 1e-3; // far below what four bits cost, far above what they leave of weights that are in four bits already
            if (r == 0 && int4_error(program->reservoir, one.inputs() + one.units()) > rounding)
                note_ += (note_.empty() ? "" : "; ") + std::string("its readouts were trained on weights that four bits change: forge npu train --int4-weights");
        }
        return {};
    }

    [[nodiscard]] result<void> advance(const echo_state_network& network, std::span<const float> input, network_state& state) override {
        if (network.reservoirs().size() != programs_.size() || state.of.size() != programs_.size())
            return error{errc::invalid_argument, "another network than the one that is mapped", "[conductor] device", ""};
        const auto begun = std::chrono::steady_clock::now();
        std::vector<hybrid_state> fresh(rest_);
        for (std::size_t r = 0; r < programs_.size(); ++r) {
            fresh[r].s = state.of[r];
            if (auto done = programs_[r].step(input, std::span(&fresh[r], 1)); !done)
                return done;
        }
        for (std::size_t r = 0; r < programs_.size(); ++r)
            state.of[r] = std::move(fresh[r].s);
        wall_s_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
        return {};
    }

    [[nodiscard]] stepper_report report() const override {
        stepper_report r{sim_.about().name, true, 0, 0.0, wall_s_, 0, note_};
        for (const auto& p : programs_) {
            r.passes += p.cost().passes;
            r.model_s = *r.model_s + p.cost().model_s;
            r.clamped += p.cost().clamped;
        }
        return r;
    }

private:
    std::string note_;
    software_engine host_;
    sim_akd1000 sim_;
    std::vector<hybrid_network> programs_; ///< after the engines that they are mapped on
    std::vector<hybrid_state> rest_;
    double wall_s_ = 0.0;
};

} // namespace

std::vector<float> range_of_features(std::size_t inputs, std::size_t units) {
    std::vector<float> row(inputs, static_cast<float>(feature_bound));
    row.resize(inputs + units, 1.0f);
    return row;
}

result<std::shared_ptr<reservoir_stepper>> make_sim_stepper(const echo_state_network& network, std::string note) {
    auto made = std::make_shared<sim_stepper>(std::move(note));
    if (auto done = made->prepare(network); !done)
        return done.reason();
    return std::shared_ptr<reservoir_stepper>(std::move(made));
}

result<std::shared_ptr<reservoir_stepper>> conductor_stepper(const conductor_plan& plan, const echo_state_network& network,
                                                             const akida_discovery& found) {
    if (plan.device == conductor_device::software)
        return std::shared_ptr<reservoir_stepper>();
    return make_sim_stepper(network, plan.device == conductor_device::akida ? what_runs(found) : "");
}

} // namespace forge::app
