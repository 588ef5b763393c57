// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/numerics/student_t.hpp"

#include "libactors/base/contract.hpp"

#include <boost/math/distributions/students_t.hpp>

#include <cmath>

namespace forge {

double student_t_quantile(double p, std::size_t degrees) {
    expects(p > 0.0 && p < 1.0 && degrees >= 1, "student_t_quantile: p in (0, 1), at least one degree of freedom");
    return boost::math::quantile(boost::math::students_t(static_cast<double>(degrees)), p);
}

std::optional<double> small_sample::lower(double p) const {
    if (!error)
        return std::nullopt;
    return mean - student_t_quantile(p, degrees) * *error;
}

std::optional<double> small_sample::upper(double p) const {
    if (!error)
        return std::nullopt;
    return mean + student_t_quantile(p, degrees) * *error;
}

small_sample small_sample_of(std::span<const double> values) {
    small_sample s;
    s.n = values.size();
    if (s.n == 0)
        return s;
    const auto n = static_cast<double>(s.n);
    for (const double x : values)
        s.mean += x / n;
    if (s.n < 2)
        return s;
    double squares = 0.0;
    for (const double x : values)
        squares += (x - s.mean) * (x - s.mean);
    s.error = std::sqrt(squares / (n - 1.0) / n);
    s.degrees = s.n - 1;
    return s;
}

} // namespace forge
