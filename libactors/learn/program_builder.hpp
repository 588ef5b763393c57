// SPDX-License-Identifier: AGPL-3.0-only
// Puts a program together, head by head.
#pragma once

#include "libactors/learn/npu_program.hpp"

#include <map>
#include <optional>

namespace forge {

/// program_builder().reservoir_dims(50, 128).add_head("thermalization", 1, head_activation::sigmoid) ... .build()
///
/// Nothing is judged before build(), which judges everything. Weights come from `weights_of` or, by default, from the reservoir that
/// `shape` draws; a head that was given no readout has zeros and is listed by untrained().
class program_builder {
public:
    program_builder& name(std::string text);
    /// Sizes of the reservoir; the rest of its shape as reservoir_shape has it, or as `shape` says.
    program_builder& reservoir_dims(std::uint32_t inputs, std::uint32_t units);
    program_builder& shape(const reservoir_shape& s);
    /// A reservoir that is there already: its shape and its weights.
    program_builder& weights_of(const reservoir& r);
    program_builder& add_head(std::string name, std::uint32_t dim, head_activation activation);
    /// @param weights  dim x units.  @param bias  dim.
    program_builder& readout(const std::string& head, std::vector<float> weights, std::vector<float> bias);
    /// Heads and readouts of one reservoir of a trained network, and that reservoir.
    program_builder& heads_of(const echo_state_network& network, std::size_t reservoir = 0);
    program_builder& feature_version(std::uint32_t version);
    /// Rows of [u; s]; see npu_program::examples.
    program_builder& examples(std::vector<float> rows);
    /// @return errc::invalid_argument (validate, or a readout for a head that is not there), errc::not_found (no such reservoir),
    ///         errc::device_memory beyond the budget, or what reservoir::make says.
    [[nodiscard]] result<npu_program> build(const unit_budget& budget = {}) const;
    [[nodiscard]] std::vector<std::string> untrained() const;

private:
    struct readout_weights {
        std::vector<float> weights, bias;
    };
    std::string name_ = "conductor";
    reservoir_shape shape_;
    std::optional<reservoir> given_;
    std::vector<head_spec> heads_;
    std::map<std::string, readout_weights> readouts_;
    std::uint32_t feature_version_ = 0;
    std::vector<float> examples_;
    std::optional<error> broken_; ///< what a step could not do
};

/// [W_in W_res], units x (inputs + units) by rows: the recurrence as one matrix on [u; s].
[[nodiscard]] std::vector<float> concatenated_weights(const reservoir& r);

} // namespace forge
