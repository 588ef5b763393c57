// SPDX-License-Identifier: AGPL-3.0-only
// Which reservoir for a task: searched in software, quantised, deployed, tuned where it runs.
#pragma once

#include "libactors/learn/hybrid/mode_comparison.hpp"

namespace forge {

struct search_options {
    std::size_t candidates = 24;
    std::size_t deployed = 3;                      ///< best ones that go to the device
    std::uint64_t seed = 1;                        ///< candidate k depends on (seed, k) alone
    std::vector<std::uint32_t> units{32, 64, 128}; ///< to choose from
};

/// Candidate k: units from the list; spectral radius 0.5 ... 1.2, leak 0.1 ... 1, connectivity 0.05 ... 0.5, input scale 0.1 ... 1 (the last
/// three uniform in their logarithm).
[[nodiscard]] reservoir_shape search_candidate(const search_options& o, std::uint32_t inputs, std::size_t k);

struct search_row {
    std::size_t candidate = 0;
    reservoir_shape shape;
    double validation = 0.0; ///< balanced accuracy in float on the validation groups: what candidates are ranked by
    /// Of the deployed ones, balanced accuracy on the test groups, which chose nothing:
    std::optional<double> test_f32;                ///< in software
    std::optional<double> test_deployed;           ///< quantised as it is: hybrid execution with the readouts of the software
    std::optional<double> test_tuned;              ///< readouts trained again on the device's states
    std::optional<paired_difference> tuned_to_f32; ///< f32 minus tuned, test groups
};

/// Random search (Bergstra and Bengio, JMLR 13 (2012) 281), the same for the same seed; ranked by validation, ties by the number.
/// @return rows, best first; what train_classifier says. Groups of all three roles are needed.
[[nodiscard]] result<std::vector<search_row>> search_architecture(std::span<const labelled_sequence> all, std::uint32_t inputs, dense_engine& host,
                                                                  dense_engine& device, const search_options& o);

/// Nothing measured, everything known: normal inputs x, and in every row from the tenth on the question whether
/// x_first(t - 1) + 0.7 x_last(t - 3) + 0.3 noise is above 0. No answer is right more often than 1 - atan(0.3 / sqrt(1.49)) / pi = 92.3 %.
/// For commands and tests without data. @return `n` sequences, one group each, of `rows` rows and `inputs` inputs, split by group.
[[nodiscard]] std::vector<labelled_sequence> synthetic_task(std::uint32_t inputs, std::size_t n, std::size_t rows, std::uint64_t seed);

} // namespace forge
