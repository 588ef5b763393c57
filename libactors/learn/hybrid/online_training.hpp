// SPDX-License-Identifier: AGPL-3.0-only
// Readouts that learn while they work: forward on the device, loss and gradient on the host, weights written back.
#pragma once

#include "libactors/learn/hybrid/hybrid_network.hpp"

namespace forge {

struct training_outcome {
    double loss = 0.0;         ///< before the step, of the device's own answer
    std::uint64_t clamped = 0; ///< weights of this step that the device's ranges cut
};

/// Gradient descent on one head's readout, the state's weights fixed:
///
///     z = W s + b,   W <- W - rate (y - t) s^T,   b <- b - rate (y - t)
///
/// with y what the head's activation makes of z. Loss: half the squared error (linear, relu) or the cross-entropy (sigmoid, softmax); the
/// gradient by z is y - t for both (relu: only where z > 0). z comes from the device with its rounding, W stays in float on the host
/// (a step is smaller than a 4-bit weight resolves) and goes to the device rounded (straight-through). What the device's ranges, fixed when
/// the program was mapped, cut is counted: map with hybrid_options::readout_range as large as weights may become.
///
/// @param rate  of the gradient; stable below about 2 / |s|^2.
/// @return errc::invalid_argument when the target has another length or is not finite, and what step and set_readout say.
[[nodiscard]] result<training_outcome> train_step(hybrid_network& network, std::size_t head, std::span<const float> input,
                                                  std::span<const float> target, float rate);

} // namespace forge
