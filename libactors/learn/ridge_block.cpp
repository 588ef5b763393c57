// SPDX-License-Identifier: AGPL-3.0-only
// Many targets on the same rows, and readouts in parts.
#include "libactors/learn/ridge.hpp"

#include "libactors/base/contract.hpp"
#include "libactors/learn/host_gram.hpp"

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace forge {

namespace {

using matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using const_matrix_map = Eigen::Map<const matrix>;

Eigen::Index eigen_index(std::size_t n) { return static_cast<Eigen::Index>(n); }

} // namespace

ridge_block::ridge_block(std::size_t features, std::size_t targets, gram_engine* engine)
    : features_(features), targets_(targets), engine_(engine), sums_(features + 1, targets), yy_(targets) {}

result<void> ridge_block::add(std::span<const float> x, std::span<const double> y) {
    expects(x.size() == features_ && y.size() == targets_, "a row has as many features and targets as the block");
    waiting_x_.push_back(1.0);
    waiting_x_.insert(waiting_x_.end(), x.begin(), x.end());
    waiting_y_.insert(waiting_y_.end(), y.begin(), y.end());
    ++rows_;
    const std::size_t tile = engine_ != nullptr ? engine_->tile_rows() : host_gram().tile_rows();
    return waiting_x_.size() >= tile * (features_ + 1) ? settle() : result<void>();
}

result<void> ridge_block::settle() const {
    const std::size_t rows = waiting_x_.size() / (features_ + 1);
    if (rows == 0)
        return {};
    host_gram host;
    gram_engine& engine = engine_ != nullptr ? *engine_ : host;
    if (auto taken = engine.accumulate(waiting_x_, waiting_y_, sums_); !taken)
        return taken;
    const const_matrix_map y(waiting_y_.data(), eigen_index(rows), eigen_index(targets_));
    for (std::size_t k = 0; k < targets_; ++k)
        yy_[k] += y.col(eigen_index(k)).squaredNorm();
    waiting_x_.clear();
    waiting_y_.clear();
    return {};
}

ridge_readout ridge_readout::from_solution(double lambda, std::uint64_t rows, std::vector<double> w, std::vector<double> inverse, double objective) {
    ridge_readout r;
    r.features_ = w.size() - 1;
    r.lambda_ = lambda;
    r.rows_ = rows;
    r.w_ = std::move(w);
    r.inverse_ = std::move(inverse);
    r.objective_ = std::max(0.0, objective);
    r.spread();
    return r;
}

result<ridge_readout> ridge_readout::from_parts(parts p) {
    const auto finite = [](const std::vector<double>& all) { return std::all_of(all.begin(), all.end(), [](double x) { return std::isfinite(x); }); };
    if (p.weights.size() < 2 || p.inverse.size() != p.weights.size() * p.weights.size() || !(p.lambda > 0.0) || !std::isfinite(p.lambda) ||
        !(p.objective >= 0.0) || !std::isfinite(p.objective) || !finite(p.weights) || !finite(p.inverse))
        return error{errc::invalid_argument, "the parts of a readout do not fit each other, or are not numbers", "ridge", "train again"};
    return from_solution(p.lambda, p.rows, std::move(p.weights), std::move(p.inverse), p.objective);
}

result<ridge_readout> ridge_readout::from_weights(std::vector<double> w) {
    if (w.size() < 2 || !std::all_of(w.begin(), w.end(), [](double x) { return std::isfinite(x); }))
        return error{errc::invalid_argument, "the weights of a readout are not numbers", "ridge", "the file is damaged"};
    ridge_readout r;
    r.features_ = w.size() - 1;
    r.sigma2_ = std::numeric_limits<double>::quiet_NaN();
    r.w_ = std::move(w);
    return r;
}

result<std::vector<ridge_readout>> ridge_readout::cross_validate(std::span<const ridge_block> groups, std::span<const double> candidates) {
    if (groups.size() < 2 || candidates.empty())
        return error{errc::invalid_argument, "cross-validation needs two groups and a penalty to try", "ridge", "train on more chains"};
    const std::size_t n = groups.front().features_ + 1;
    const std::size_t m = groups.front().targets_;
    matrix xx = matrix::Zero(eigen_index(n), eigen_index(n));
    matrix xy = matrix::Zero(eigen_index(n), eigen_index(m));
    Eigen::VectorXd yy = Eigen::VectorXd::Zero(eigen_index(m));
    std::uint64_t rows = 0;
    for (const auto& g : groups) {
        expects(g.features_ + 1 == n && g.targets_ == m, "blocks of the same features and targets");
        if (auto settled = g.settle(); !settled)
            return settled.reason();
        xx += const_matrix_map(g.sums_.xx.data(), eigen_index(n), eigen_index(n));
        xy += const_matrix_map(g.sums_.xy.data(), eigen_index(n), eigen_index(m));
        yy += Eigen::Map<const Eigen::VectorXd>(g.yy_.data(), eigen_index(m));
        rows += g.rows_;
    }
    const auto failed = [] { return error{errc::numerics_failed, "the normal equations cannot be solved", "ridge", "are all features and targets finite?"}; };
    if (rows == 0 || !xx.allFinite() || !xy.allFinite())
        return failed();
    const matrix one = matrix::Identity(eigen_index(n), eigen_index(n));
    std::vector<double> best(m, std::numeric_limits<double>::infinity());
    std::vector<double> chosen(m, candidates.front());
    for (const double lambda : candidates) {
        Eigen::VectorXd squared = Eigen::VectorXd::Zero(eigen_index(m));
        for (const auto& g : groups) {
            if (g.rows_ == 0)
                continue;
            const const_matrix_map gxx(g.sums_.xx.data(), eigen_index(n), eigen_index(n));
            const const_matrix_map gxy(g.sums_.xy.data(), eigen_index(n), eigen_index(m));
            const Eigen::LDLT<matrix> factor(matrix(xx - gxx + lambda * one));
            if (factor.info() != Eigen::Success || !factor.isPositive())
                return failed();
            const matrix w = factor.solve(xy - gxy);
            for (std::size_t k = 0; k < m; ++k) { // the group's squared error, from its sums alone
                const auto wk = w.col(eigen_index(k));
                squared[eigen_index(k)] += g.yy_[k] - 2.0 * wk.dot(gxy.col(eigen_index(k))) + wk.dot(gxx * wk);
            }
        }
        for (std::size_t k = 0; k < m; ++k)
            if (squared[eigen_index(k)] < best[k]) {
                best[k] = squared[eigen_index(k)];
                chosen[k] = lambda;
            }
    }
    struct solved {
        matrix inverse, w;
    };
    std::map<double, solved> of;
    std::vector<ridge_readout> all;
    for (std::size_t k = 0; k < m; ++k) {
        auto at = of.find(chosen[k]);
        if (at == of.end()) {
            const Eigen::LDLT<matrix> factor(matrix(xx + chosen[k] * one));
            at = of.emplace(chosen[k], solved{factor.solve(one), factor.solve(xy)}).first;
        }
        const Eigen::VectorXd w = at->second.w.col(eigen_index(k));
        const auto& inverse = at->second.inverse;
        if (!w.allFinite() || !inverse.allFinite())
            return failed();
        all.push_back(from_solution(chosen[k], rows, {w.data(), w.data() + w.size()}, {inverse.data(), inverse.data() + inverse.size()},
                                    yy[eigen_index(k)] - w.dot(xy.col(eigen_index(k)))));
    }
    return all;
}

} // namespace forge
