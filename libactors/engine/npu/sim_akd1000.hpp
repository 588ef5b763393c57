// SPDX-License-Identifier: AGPL-3.0-only
// A simulator of an int4 device of the AKD1000 kind: its arithmetic to the bit, its times and energies as models.
#pragma once

#include "libactors/engine/dense_engine.hpp"

#include <map>
#include <memory>

namespace forge {

/// Figures that no simulator can measure, with where they are from. Every cost that uses them says "model".
struct akd1000_figures {
    double link_s = 650e-6;             ///< host to device and back, whatever the size (published end-to-end times of single inferences)
    double bytes_per_s = 37e6;          ///< DMA over PCIe 2 x1, as published measurements have it
    double chip_floor_s = 0.7e-6;       ///< a pass of a tiny program
    double chip_s_per_weight = 1.03e-9; ///< fit of published times of square layers of 1,024 to 4,096
    double board_w = 0.901;             ///< at the performance clock
    double chip_w = 0.030;              ///< data sheet
    double set_variable_fast_s = 86e-6; ///< same ranges, as vendors' tools report it
    double set_variable_safe_s = 14e-3; ///< measured by users, a forward pass included
    double map_s = 150e-3;
    bool fast_set_variable = false;
    unit_budget budget; ///< of programs, all together
};

/// Rules of the arithmetic, all in integers between input and answer:
/// - inputs: 8 bits, q = round(x / sx), clamped to -127 ... 127; sx = max |example| / 127, fixed at map();
/// - weights: 4 bits, symmetric per output channel (int4.hpp), scale sw, fixed at map(): set_variable clamps to it;
/// - sums: 32 bits, saturating;
/// - between layers: 4 bits, a = clamp((sum + t / 2) / t, 0, 15), a bounded ReLU whose threshold t >= 1 of each channel is fixed
///   at map() so that the layer's largest activation over the examples (or its bound, if smaller) is 15; a layer that is not rectified inside the
///   trunk is refused: the device has no other activation;
/// - heads and a trunk's last layer that is not rectified: the sum itself, times sw sx, to the host.
/// cost().clamped counts what the ranges cut: inputs beyond +-127 in run, weights beyond +-7 in set_variable.
/// All heads are computed in one pass over the trunk's output (SkipDMA): their cost is weights only.
class sim_akd1000 final : public dense_engine {
public:
    explicit sim_akd1000(const akd1000_figures& figures = {});
    ~sim_akd1000() override;

    [[nodiscard]] dense_about about() const override;
    [[nodiscard]] result<program_id> map(const dense_program& program, std::span<const float> examples) override;
    void unmap(program_id id) override;
    [[nodiscard]] result<std::vector<dense_answer>> run(program_id id, std::span<const float> inputs) override;
    [[nodiscard]] result<void> set_variable(program_id id, const std::string& layer, std::span<const float> weights) override;
    [[nodiscard]] dense_cost cost() const override;

    /// Units that a program takes of figures.budget.
    [[nodiscard]] std::uint64_t units_of(const dense_program& program) const;
    [[nodiscard]] std::uint64_t units_used() const;
    [[nodiscard]] const akd1000_figures& figures() const { return figures_; }

    struct mapped; ///< incomplete elsewhere

private:
    void charge(double chip_s, std::uint64_t bytes, double fixed_s, std::uint64_t clamped);
    akd1000_figures figures_;
    std::map<program_id, std::unique_ptr<mapped>> programs_;
    program_id next_ = 1;
    double chip_s_ = 0.0; ///< of the last call, by the model
    double seconds_ = 0.0;
    std::uint64_t clamped_ = 0;
};

} // namespace forge
