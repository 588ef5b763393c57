// SPDX-License-Identifier: AGPL-3.0-only
// Linear readouts: ridge regression with a cross-validated penalty, recursive updates, predictive variance.
#pragma once

#include "libactors/base/result.hpp"
#include "libactors/engine/gram_engine.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace forge {

/// X^T X and X^T y of some rows, in double: what ridge regression needs to know of them. Rows have a leading 1 (the bias).
class ridge_sums {
public:
    explicit ridge_sums(std::size_t features) : features_(features), xx_((features + 1) * (features + 1)), xy_(features + 1) {}
    /// @param x  features values.
    void add(std::span<const float> x, double y);
    ridge_sums& operator+=(const ridge_sums& other);
    ridge_sums& operator-=(const ridge_sums& other);
    [[nodiscard]] std::size_t features() const { return features_; }
    [[nodiscard]] std::uint64_t rows() const { return rows_; }

private:
    friend class ridge_readout;
    std::size_t features_;
    std::vector<double> xx_, xy_; ///< row-major, symmetric
    double yy_ = 0.0;
    double y_ = 0.0;
    std::uint64_t rows_ = 0;
};

/// The same sums for several targets that are taught on the same rows: X^T X once, which is what costs.
class ridge_block {
public:
    /// @param engine  what forms the sums, from tiles of as many rows as it likes; null: the host. Must outlive the block.
    ridge_block(std::size_t features, std::size_t targets, gram_engine* engine = nullptr);
    /// @param x  features values, @param y  targets values. @return what the engine says of a tile that is full with this row.
    [[nodiscard]] result<void> add(std::span<const float> x, std::span<const double> y);
    [[nodiscard]] std::size_t features() const { return features_; }
    [[nodiscard]] std::size_t targets() const { return targets_; }
    [[nodiscard]] std::uint64_t rows() const { return rows_; }

private:
    friend class ridge_readout;
    [[nodiscard]] result<void> settle() const; ///< takes the rows that wait into the sums: many at once are several times faster
    std::size_t features_, targets_;
    gram_engine* engine_;
    mutable std::vector<double> waiting_x_, waiting_y_;
    mutable gram_sums sums_;        ///< of [1, x] and y
    mutable std::vector<double> yy_; ///< by target
    std::uint64_t rows_ = 0;
};

/// y = w . [1, x]
///
/// w = (X^T X + lambda I)^-1 X^T y (the bias is penalised like the others; inputs are of order one).
/// Variance of a prediction: sigma^2 (1 + x^T (X^T X + lambda I)^-1 x), sigma^2 = residual sum of squares / (n - dof),
/// dof = tr(X^T X (X^T X + lambda I)^-1). Source: Hoerl and Kennard (1970); Hastie, Tibshirani, Friedman, ESL 3.4.
class ridge_readout {
public:
    /// @return errc::invalid_argument without rows or with lambda <= 0, errc::numerics_failed when it cannot be solved.
    [[nodiscard]] static result<ridge_readout> solve(const ridge_sums& sums, double lambda);
    /// The lambda of `candidates` with the least squared error on groups that were left out, each once.
    ///
    /// @param groups  sums of the rows of one group (a chain): rows of one group never train and test each other.
    /// @return solve() of all groups with it. errc::invalid_argument with fewer than two groups.
    [[nodiscard]] static result<ridge_readout> cross_validate(std::span<const ridge_sums> groups, std::span<const double> candidates);

    [[nodiscard]] double predict(std::span<const float> x) const;
    [[nodiscard]] double variance(std::span<const float> x) const; ///< not a number when it is not known
    /// Takes one more row in: the same as solving again with it (Sherman-Morrison), at features^2 cost. Precondition: can_learn().
    void update(std::span<const float> x, double y);

    [[nodiscard]] double lambda() const { return lambda_; }
    [[nodiscard]] double residual_variance() const { return sigma2_; }
    [[nodiscard]] std::uint64_t rows() const { return rows_; }
    [[nodiscard]] std::span<const double> weights() const { return w_; } ///< bias first

    /// One readout for each target of the blocks, its lambda as above. The matrices are factorised once for all targets.
    /// @param groups  blocks of the same features and targets.
    [[nodiscard]] static result<std::vector<ridge_readout>> cross_validate(std::span<const ridge_block> groups, std::span<const double> candidates);

    /// Everything that a readout is, to store it and to have it back: predictions, variances and updates go on as before.
    struct parts {
        double lambda = 0.0;
        double objective = 0.0; ///< squared error + lambda |w|^2
        std::uint64_t rows = 0;
        std::vector<double> weights; ///< bias first
        std::vector<double> inverse; ///< (X^T X + lambda I)^-1, row-major
    };
    [[nodiscard]] parts to_parts() const { return {lambda_, objective_, rows_, w_, inverse_}; }
    /// @return errc::invalid_argument when sizes do not fit or a number is not finite.
    [[nodiscard]] static result<ridge_readout> from_parts(parts p);
    /// Weights of which nothing else is known (no rows, no inverse): its variance is not a number, and it cannot be updated.
    /// @param w  bias first. @return errc::invalid_argument.
    [[nodiscard]] static result<ridge_readout> from_weights(std::vector<double> w);
    [[nodiscard]] bool can_learn() const { return !inverse_.empty(); }

private:
    static ridge_readout from_solution(double lambda, std::uint64_t rows, std::vector<double> w, std::vector<double> inverse, double objective);
    void spread(); ///< sigma^2 from the rest
    std::vector<double> with_bias(std::span<const float> x) const;
    std::size_t features_ = 0;
    double lambda_ = 0.0;
    double sigma2_ = 0.0;
    double objective_ = 0.0; ///< squared error + lambda |w|^2
    std::uint64_t rows_ = 0;
    std::vector<double> w_;       ///< bias first
    std::vector<double> inverse_; ///< (X^T X + lambda I)^-1, row-major
};

} // namespace forge
