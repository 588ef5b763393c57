// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/learn/ridge.hpp"

#include "libactors/base/contract.hpp"

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>
#include <limits>

namespace forge {

namespace {

using matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using const_matrix_map = Eigen::Map<const matrix>;
using vector_map = Eigen::Map<Eigen::VectorXd>;
using const_vector_map = Eigen::Map<const Eigen::VectorXd>;

Eigen::Index index(std::size_t n) { return static_cast<Eigen::Index>(n); }

} // namespace

void ridge_sums::add(std::span<const float> x, double y) {
    expects(x.size() == features_, "a row has as many features as the sums");
    const std::size_t n = features_ + 1;
    const auto at = [&x](std::size_t k) { return k == 0 ? 1.0 : static_cast<double>(x[k - 1]); };
    for (std::size_t r = 0; r < n; ++r) {
        for (std::size_t c = 0; c < n; ++c)
            xx_[r * n + c] += at(r) * at(c);
        xy_[r] += at(r) * y;
    }
    yy_ += y * y;
    y_ += y;
    ++rows_;
}

ridge_sums& ridge_sums::operator+=(const ridge_sums& other) {
    expects(other.features_ == features_, "sums of the same features");
    std::transform(xx_.begin(), xx_.end(), other.xx_.begin(), xx_.begin(), std::plus<>());
    std::transform(xy_.begin(), xy_.end(), other.xy_.begin(), xy_.begin(), std::plus<>());
    yy_ += other.yy_;
    y_ += other.y_;
    rows_ += other.rows_;
    return *this;
}

ridge_sums& ridge_sums::operator-=(const ridge_sums& other) {
    expects(other.features_ == features_ && other.rows_ <= rows_, "a part of the sums");
    std::transform(xx_.begin(), xx_.end(), other.xx_.begin(), xx_.begin(), std::minus<>());
    std::transform(xy_.begin(), xy_.end(), other.xy_.begin(), xy_.begin(), std::minus<>());
    yy_ -= other.yy_;
    y_ -= other.y_;
    rows_ -= other.rows_;
    return *this;
}

result<ridge_readout> ridge_readout::solve(const ridge_sums& sums, double lambda) {
    if (sums.rows_ == 0 || !(lambda > 0.0) || !std::isfinite(lambda))
        return error{errc::invalid_argument, "ridge regression needs rows and a penalty above 0", "ridge", ""};
    const std::size_t n = sums.features_ + 1;
    const const_matrix_map xx(sums.xx_.data(), index(n), index(n));
    const const_vector_map xy(sums.xy_.data(), index(n));
    const matrix regular = xx + lambda * matrix::Identity(index(n), index(n));
    const Eigen::LDLT<matrix> factor(regular);
    if (factor.info() != Eigen::Success || !factor.isPositive())
        return error{errc::numerics_failed, "the normal equations cannot be solved", "ridge", "are all features finite?"};
    ridge_readout r;
    r.features_ = sums.features_;
    r.lambda_ = lambda;
    r.rows_ = sums.rows_;
    const Eigen::VectorXd w = factor.solve(xy);
    const matrix inverse = factor.solve(matrix::Identity(index(n), index(n)));
    if (!w.allFinite() || !inverse.allFinite())
        return error{errc::numerics_failed, "the normal equations have no finite solution", "ridge", "are all features and targets finite?"};
    r.w_.assign(w.data(), w.data() + w.size());
    r.inverse_.assign(inverse.data(), inverse.data() + inverse.size());
    r.objective_ = std::max(0.0, sums.yy_ - w.dot(xy)); // squared error + lambda |w|^2 at its minimum
    r.spread();
    return r;
}

result<ridge_readout> ridge_readout::cross_validate(std::span<const ridge_sums> groups, std::span<const double> candidates) {
    if (groups.size() < 2 || candidates.empty())
        return error{errc::invalid_argument, "cross-validation needs two groups and a penalty to try", "ridge", "train on more chains"};
    ridge_sums all = groups.front();
    for (const auto& g : groups.subspan(1))
        all += g;
    const std::size_t n = all.features_ + 1;
    double best = std::numeric_limits<double>::infinity();
    double chosen = candidates.front();
    for (const double lambda : candidates) {
        double squared = 0.0;
        for (const auto& g : groups) {
            if (g.rows_ == 0)
                continue;
            ridge_sums others = all;
            others -= g;
            const auto fit = solve(others, lambda);
            if (!fit)
                return fit.reason();
            const const_matrix_map xx(g.xx_.data(), index(n), index(n));
            const const_vector_map xy(g.xy_.data(), index(n));
            const const_vector_map w(fit->w_.data(), index(n));
            squared += g.yy_ - 2.0 * w.dot(xy) + w.dot(xx * w); // the group's squared error, from its sums alone
        }
        if (squared < best) {
            best = squared;
            chosen = lambda;
        }
    }
    return solve(all, chosen);
}

std::vector<double> ridge_readout::with_bias(std::span<const float> x) const {
    expects(x.size() == features_, "a row has as many features as the readout");
    std::vector<double> row(features_ + 1, 1.0);
    std::copy(x.begin(), x.end(), row.begin() + 1);
    return row;
}

double ridge_readout::predict(std::span<const float> x) const {
    expects(x.size() == features_, "a row has as many features as the readout");
    double y = w_[0];
    for (std::size_t k = 0; k < features_; ++k)
        y += w_[k + 1] * static_cast<double>(x[k]);
    return y;
}

double ridge_readout::variance(std::span<const float> x) const {
    if (inverse_.empty())
        return std::numeric_limits<double>::quiet_NaN();
    const auto row = with_bias(x);
    const const_vector_map v(row.data(), index(row.size()));
    const const_matrix_map p(inverse_.data(), index(row.size()), index(row.size()));
    return sigma2_ * (1.0 + v.dot(p * v));
}

void ridge_readout::update(std::span<const float> x, double y) {
    expects(can_learn(), "a readout that learns knows the rows it has seen");
    const auto row = with_bias(x);
    const const_vector_map v(row.data(), index(row.size()));
    Eigen::Map<matrix> p(inverse_.data(), index(row.size()), index(row.size()));
    vector_map w(w_.data(), index(row.size()));
    const Eigen::VectorXd pv = p * v;
    const double scale = 1.0 + v.dot(pv);
    const double innovation = y - w.dot(v);
    w += pv * (innovation / scale);
    p -= pv * pv.transpose() / scale;
    ++rows_;
    objective_ += innovation * innovation / scale;
    spread();
}

void ridge_readout::spread() {
    const std::size_t n = w_.size();
    double trace = 0.0;
    double squared = 0.0;
    for (std::size_t k = 0; k < n; ++k) {
        trace += inverse_[k * n + k];
        squared += w_[k] * w_[k];
    }
    const double dof = static_cast<double>(n) - lambda_ * trace; // tr(X^T X P) with X^T X = P^-1 - lambda I
    sigma2_ = std::max(0.0, objective_ - lambda_ * squared) / std::max(1.0, static_cast<double>(rows_) - dof);
}

} // namespace forge
