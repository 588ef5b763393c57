// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/numerics/statistics.hpp"

#include <cmath>
#include <limits>
#include <vector>

namespace forge {

std::optional<double> gamma_estimate::effective_size() const {
    if (!reliable || !tau_int || *tau_int <= 0.0)
        return std::nullopt;
    return static_cast<double>(n) / (2.0 * *tau_int);
}

gamma_estimate gamma_method(std::span<const double> x, double s) {
    gamma_estimate g;
    g.n = x.size();
    if (g.n == 0) {
        g.mean = std::numeric_limits<double>::quiet_NaN();
        return g;
    }
    const double count = static_cast<double>(g.n);
    double above_first = 0.0; // relative to the first term, so that the mean of a constant series is that constant
    for (const double v : x)
        above_first += v - x[0];
    g.mean = x[0] + above_first / count;
    if (g.n < 2)
        return g;
    const auto gamma = [&](std::size_t t) {
        double sum = 0.0;
        for (std::size_t i = 0; i + t < x.size(); ++i)
            sum += (x[i] - g.mean) * (x[i + t] - g.mean);
        return sum / static_cast<double>(x.size() - t);
    };
    std::vector<double> gammas{gamma(0)};
    if (!(gammas[0] > 0.0)) {
        g.error = 0.0;
        return g;
    }
    double sum_rho = 0.0;
    const std::size_t longest = g.n / 2;
    for (std::size_t t = 1; t < longest; ++t) {
        gammas.push_back(gamma(t));
        sum_rho += gammas.back() / gammas[0];
        g.window = t;
        const double tau = sum_rho <= 0.0 ? std::numeric_limits<double>::min() : s / std::log((sum_rho + 1.0) / sum_rho);
        const double td = static_cast<double>(t);
        if (std::exp(-td / tau) - tau / std::sqrt(td * count) < 0.0)
            break;
    }
    double c = gammas[0];
    for (std::size_t t = 1; t < gammas.size(); ++t)
        c += 2.0 * gammas[t];
    for (double& v : gammas)
        v += c / count; // the mean was taken from the same data
    c = gammas[0];
    for (std::size_t t = 1; t < gammas.size(); ++t)
        c += 2.0 * gammas[t];
    g.variance = gammas[0];
    const double w = static_cast<double>(g.window);
    const double tau_int = 0.5 * c / gammas[0];
    g.error = std::sqrt(std::max(c, 0.0) / count);
    g.error_of_error = *g.error * std::sqrt((w + 0.5) / count);
    if (tau_int > 0.0) {
        g.tau_int = tau_int;
        g.tau_int_error = tau_int * 2.0 * std::sqrt(std::max(w - tau_int + 0.5, 0.0) / count);
        g.reliable = count >= 50.0 * std::max(tau_int, 0.5);
    }
    return g;
}

gamma_estimate susceptibility(std::span<const double> x, double n_volume) {
    const auto mean = gamma_method(x).mean;
    std::vector<double> y; // d f = (x^2 - 2 mean x) up to a constant; centred, it is (x - mean)^2
    y.reserve(x.size());
    for (const double v : x)
        y.push_back(n_volume * (v - mean) * (v - mean));
    return gamma_method(y);
}

} // namespace forge
