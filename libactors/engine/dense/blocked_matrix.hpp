// SPDX-License-Identifier: AGPL-3.0-only
// A matrix laid out for y = W x on the host: 32 rows side by side.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace forge {

/// y = W x in float. Each row is summed by itself, k = 0, 1, 2 ..., product then sum, each rounded: the bits of the plain loop
///
///     sum = 0; for k: sum = sum + w[k] * x[k]
///
/// on every processor (no fused multiply-add), whatever stands beside the row. Vectors go over rows, never along one.
class blocked_matrix {
public:
    static constexpr std::size_t lanes = 32;
    blocked_matrix() = default;
    blocked_matrix(std::size_t rows, std::size_t columns);

    [[nodiscard]] std::size_t rows() const { return rows_; }
    [[nodiscard]] std::size_t columns() const { return columns_; }
    /// Overwrites rows first, first + 1, ... @param w  whole rows, one after another.
    void set_rows(std::size_t first, std::span<const float> w);
    /// @param x  columns values.  @param y  room for padded_rows() values; what is beyond rows() is 0.
    void multiply(const float* x, float* y) const;
    [[nodiscard]] std::size_t padded_rows() const { return (rows_ + lanes - 1) / lanes * lanes; }

private:
    std::size_t rows_ = 0;
    std::size_t columns_ = 0;
    std::vector<float> w_; ///< [rows / lanes][columns][lanes]
};

} // namespace forge
