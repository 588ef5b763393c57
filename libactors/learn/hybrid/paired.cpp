// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/hybrid/paired.hpp"

#include "libactors/base/contract.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace forge {

namespace {

constexpr double z95 = 1.959963984540054;

struct interval {
    double low, high;
};

interval wilson(std::uint64_t k, std::uint64_t n) {
    if (n == 0)
        return {0.0, 1.0};
    const double m = static_cast<double>(n), p = static_cast<double>(k) / m, z2 = z95 * z95;
    const double centre = (p + z2 / (2 * m)) / (1 + z2 / m);
    const double half = z95 * std::sqrt(p * (1 - p) / m + z2 / (4 * m * m)) / (1 + z2 / m);
    return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

double mcnemar(std::uint64_t b, std::uint64_t c) {
    const double n = static_cast<double>(b + c);
    double tail = 0.0;
    for (std::uint64_t k = 0; k <= std::min(b, c); ++k) {
        const double x = static_cast<double>(k);
        tail += std::exp(std::lgamma(n + 1) - std::lgamma(x + 1) - std::lgamma(n - x + 1) - n * std::log(2.0));
    }
    return std::min(1.0, 2.0 * tail);
}

} // namespace

double rate::low() const { return wilson(k, n).low; }
double rate::high() const { return wilson(k, n).high; }

paired_difference compare_paired(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b, std::span<const std::uint64_t> group) {
    expects(a.size() == b.size() && a.size() == group.size(), "pairs of the same samples");
    paired_difference d;
    d.n = a.size();
    struct sums {
        double difference = 0.0, n = 0.0;
    };
    std::map<std::uint64_t, sums> by_group;
    for (std::size_t k = 0; k < a.size(); ++k) {
        d.only_a += a[k] != 0 && b[k] == 0 ? 1 : 0;
        d.only_b += a[k] == 0 && b[k] != 0 ? 1 : 0;
        auto& g = by_group[group[k]];
        g.difference += (a[k] != 0 ? 1.0 : 0.0) - (b[k] != 0 ? 1.0 : 0.0);
        g.n += 1.0;
    }
    d.groups = by_group.size();
    if (d.n == 0)
        return d;
    const double n = static_cast<double>(d.n), discordant = static_cast<double>(d.only_a + d.only_b);
    const double difference = static_cast<double>(d.only_a) - static_cast<double>(d.only_b);
    d.difference = difference / n;
    d.half_width = z95 * std::sqrt(std::max(0.0, discordant - difference * difference / n)) / n;
    if (d.groups > 1) {
        double squared = 0.0;
        for (const auto& [id, g] : by_group)
            squared += (g.difference - d.difference * g.n) * (g.difference - d.difference * g.n);
        const double groups = static_cast<double>(d.groups);
        d.half_width_by_group = z95 * std::sqrt(groups / (groups - 1) * squared) / n;
    }
    d.p_value = mcnemar(d.only_a, d.only_b);
    return d;
}

} // namespace forge
