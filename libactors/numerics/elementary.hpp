// SPDX-License-Identifier: AGPL-3.0-only
// Logarithm, sine and cosine as fixed sequences of IEEE operations, so that hosts and devices give the same bits.
#pragma once

namespace forge {

/// Natural logarithm of a normal x > 0.
///
/// x = 2^e m with m in [sqrt(1/2), sqrt 2); log m = 2 atanh(s), s = (m-1)/(m+1), by the odd series to s^21.
/// Every product that feeds a sum is an explicit fma or exact, so that no compiler can change a bit.
/// Twin of kernels_cl/elementary.clh. Accuracy 2 ulp; 0 < x < 1 gives a value < 0 and log 1 = 0 exactly.
[[nodiscard]] double det_log(double x);

struct sine_cosine {
    double sine;
    double cosine;
};

/// Sine and cosine of 2 pi t, t in [0, 1]: exact reduction to |t - q/4| <= 1/8, then Taylor polynomials.
/// Absolute error below 3e-16. Twin of kernels_cl/elementary.clh.
[[nodiscard]] sine_cosine det_sincos_2pi(double t);

/// exp(x) for reports and exp(-dH): x = n log 2 + r, Taylor in r; 0 below -745, infinity above 709. 2 ulp.
[[nodiscard]] double det_exp(double x);

} // namespace forge
