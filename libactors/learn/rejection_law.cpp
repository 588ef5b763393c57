// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/rejection_law.hpp"

#include <algorithm>
#include <cmath>

namespace forge {

namespace {

constexpr double variance_floor = 1e-12; // dH(end) that follows from dH(middle) exactly is rounding, not knowledge

double below(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

} // namespace

void rejection_law::learn(double middle, double end) {
    ++rows_;
    const auto n = static_cast<double>(rows_);
    const double dx = middle - x_;
    const double dy = end - y_;
    x_ += dx / n;
    y_ += dy / n;
    xx_ += dx * (middle - x_);
    yy_ += dy * (end - y_);
    xy_ += dx * (end - y_);
}

bool rejection_law::known() const { return rows_ >= rows_needed && xx_ > 0.0 && yy_ > 0.0; }

std::optional<double> rejection_law::correlation() const {
    return known() ? std::optional(xy_ / std::sqrt(xx_ * yy_)) : std::nullopt;
}

std::optional<double> rejection_law::sigma_middle() const {
    return known() ? std::optional(std::sqrt(xx_ / static_cast<double>(rows_))) : std::nullopt;
}

std::optional<double> rejection_law::sigma_end() const {
    return known() ? std::optional(std::sqrt(yy_ / static_cast<double>(rows_))) : std::nullopt;
}

rejection_law::law rejection_law::at(double middle) const {
    const double slope = xy_ / xx_;
    const double variance = (yy_ - slope * xy_) / static_cast<double>(rows_);
    return {y_ + slope * (middle - x_), std::sqrt(std::max(variance_floor, variance))};
}

std::optional<double> rejection_law::rejection(double middle, double minus_log_u) const {
    if (!known())
        return std::nullopt;
    const auto [expected, sigma] = at(middle);
    return below((expected - minus_log_u) / sigma);
}

std::optional<double> rejection_law::rejection_without_u(double middle) const {
    if (!known())
        return std::nullopt;
    const auto [m, sigma] = at(middle);
    return 1.0 - below(-m / sigma) - std::exp(0.5 * sigma * sigma - m) * below((m - sigma * sigma) / sigma);
}

std::optional<double> rejection_law::rejection_without_middle(double minus_log_u) const {
    if (!known())
        return std::nullopt;
    return below((y_ - minus_log_u) / std::sqrt(yy_ / static_cast<double>(rows_)));
}

} // namespace forge
