// SPDX-License-Identifier: AGPL-3.0-only
// The same task by float tanh, by the device alone and by both together: who is right how often, sample by sample.
#pragma once

#include "libactors/learn/hybrid/hybrid_network.hpp"
#include "libactors/learn/hybrid/paired.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace forge {

enum class sample_role : std::uint8_t { train, validation, test };

/// One sequence of one group (a chain): inputs row by row, and for each row a class.
struct labelled_sequence {
    std::uint64_t group = 0;
    sample_role role = sample_role::train;
    std::vector<float> inputs; ///< rows of the task's inputs
    std::vector<float> labels; ///< one a row: 0 or 1, NaN where nothing is asked
};

/// Gives whole groups to roles, the same ones every time: of `parts` hashed parts the first is for test, the second for validation.
/// @param parts  at least 3.
void split_by_group(std::vector<labelled_sequence>& all, std::uint64_t seed = 1, std::uint32_t parts = 5);
/// @return errc::invalid_argument when a sequence does not fit `inputs`, a value is not finite (labels: 0, 1, NaN), a group has two
///         roles, or training rows have not both classes.
[[nodiscard]] result<void> validate(std::span<const labelled_sequence> all, std::uint32_t inputs);

/// A program of one head "class" (its readout > 0: class 1) whose readout was trained by ridge regression, cross-validated over groups,
/// on the states that exactly this execution produces, and whose examples come from a run in float over training sequences.
[[nodiscard]] result<npu_program> train_classifier(const reservoir_shape& shape, std::span<const labelled_sequence> all, dense_engine& host,
                                                   std::vector<dense_engine*> devices, const hybrid_options& options);
/// New readouts on the states that this execution produces, the reservoir and the ranges as they are.
[[nodiscard]] result<npu_program> retrain_classifier(const npu_program& program, std::span<const labelled_sequence> all, dense_engine& host,
                                                     std::vector<dense_engine*> devices, const hybrid_options& options);

/// Correctness of every asked row of one role, in order of sequences and rows.
struct classified {
    std::vector<std::uint8_t> right;
    std::vector<std::uint64_t> group;
    std::vector<std::uint8_t> label;
    [[nodiscard]] rate accuracy() const;
    /// Mean of the accuracies of both classes; 1/2 is what a constant reaches.
    [[nodiscard]] double balanced_accuracy() const;
};
[[nodiscard]] result<classified> classify(const npu_program& program, std::span<const labelled_sequence> all, sample_role role, dense_engine& host,
                                          std::vector<dense_engine*> devices, const hybrid_options& options, hybrid_cost* cost = nullptr);

struct mode_row {
    std::string name; ///< "f32 tanh", "int4 bounded ReLU", ...
    classified answers;
    paired_difference to_f32; ///< f32 tanh minus this one
    hybrid_cost cost;         ///< of the held-out rows
};

/// Trains per mode on the training groups and answers the test groups: f32 tanh; int4 bounded ReLU, heads in the same pass; the same
/// with float readouts on the host; hybrid by threshold override, and by split, with float readouts; hybrid with 4-bit readouts; and f32 bounded
/// ReLU, which tells what the activation costs from what four bits cost.
///
/// One reservoir shape for all. @return rows in this order, or what training says.
[[nodiscard]] result<std::vector<mode_row>> compare_modes(const reservoir_shape& shape, std::span<const labelled_sequence> all, dense_engine& host,
                                                          dense_engine& device);

} // namespace forge
