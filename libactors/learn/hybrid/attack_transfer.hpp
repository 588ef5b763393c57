// SPDX-License-Identifier: AGPL-3.0-only
// How inputs that were made to fool the float network fare on the 4-bit one.
#pragma once

#include "libactors/learn/hybrid/mode_comparison.hpp"

namespace forge {

/// Of one size of the perturbation, over all asked rows of a role. A flip is another decision than the same network's on the clean input.
struct attack_row {
    double epsilon = 0.0;
    rate f32_flips;
    rate int4_flips;  ///< of the same inputs, made for f32
    rate transferred; ///< among the rows where f32 flipped
    rate f32_random;  ///< control: signs at random, same size
    rate int4_random;
};

/// One-step sign attack: u' = u - eps sign(z) sign(dz/du) on the last input of a row, the past untouched, with the exact gradient through that
/// step's tanh and readout in float, states before the step being the float network's:
///
///     dz/du = a W_in^T (w * (1 - tanh^2(W [u; s])))
///
/// Both networks then take u' from their own clean states. `deployed` has the same reservoir, and its own readouts where it runs.
/// What comes out is about this attack, this program and these rows; nothing about
/// attacks that know the quantisation. Source of the attack: Goodfellow, Shlens, Szegedy, arXiv:1412.6572.
/// @return one row per epsilon; errc::invalid_argument unless both programs are one head of one component, of the same
///         sizes, with tanh states.
[[nodiscard]] result<std::vector<attack_row>> attack_transfer(const npu_program& program, const npu_program& deployed,
                                                              std::span<const labelled_sequence> all, sample_role role, dense_engine& host,
                                                              dense_engine& device, const hybrid_options& options, std::span<const double> epsilons);

/// dz/du of head 0 at (u, state before the step), in float as above.
[[nodiscard]] std::vector<float> input_gradient(const npu_program& program, std::span<const float> u, std::span<const float> s);

} // namespace forge
