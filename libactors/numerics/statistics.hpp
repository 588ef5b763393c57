// SPDX-License-Identifier: AGPL-3.0-only
// Errors of correlated data: the Gamma method.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace forge {

/// Mean of a Markov chain's series and how well it is known. Everything but `mean` needs enough data.
struct gamma_estimate {
    std::size_t n = 0;
    double mean = 0.0;
    std::optional<double> error;     ///< of the mean, autocorrelation included; unset for n < 2 or no fluctuation
    std::optional<double> error_of_error;
    std::optional<double> tau_int;   ///< 1/2 + sum rho(t) up to the window
    std::optional<double> tau_int_error;
    std::size_t window = 0;
    double variance = 0.0;           ///< Gamma(0), bias corrected
    bool reliable = false;           ///< n >= 50 tau_int: only then tau_int and the effective size are worth printing

    /// n / (2 tau_int), where reliable.
    [[nodiscard]] std::optional<double> effective_size() const;
};

/// Gamma method with automatic window (U. Wolff, Comput. Phys. Commun. 156 (2004) 143, hep-lat/0306017), S = 1.5:
/// the window W is the first t with exp(-t/tau) < tau / sqrt(t n), tau = S / log((2 tau_int + 1)/(2 tau_int - 1));
/// Gamma is corrected for the bias of the mean; d tau_int = 2 tau_int sqrt((W + 1/2 - tau_int)/n).
/// Cost O(n W). A constant series has error 0 and no tau_int.
[[nodiscard]] gamma_estimate gamma_method(std::span<const double> series, double s = 1.5);

/// Error of f(mean x, mean x^2) = volume * (mean x^2 - (mean x)^2): Gamma method on the linearised series
/// volume * ((x - mean)^2 ...). @param n_volume  factor in front, e.g. V_s for chi_L.
[[nodiscard]] gamma_estimate susceptibility(std::span<const double> series, double n_volume);

} // namespace forge
