// SPDX-License-Identifier: AGPL-3.0-only
// Rows of small integers times a vector of small integers, in 32 bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace forge {

/// y = W x, W of nibbles (-7 ... 7), x of 8-bit or 4-bit values, y in 32 bits and saturating after every addition. Where no sum can
/// reach 2^31 (7 * 127 * columns below it: every layer of up to 2.4 million inputs) the order does not matter and is the fastest.
class integer_matrix {
public:
    integer_matrix() = default;
    integer_matrix(std::size_t rows, std::size_t columns);
    /// Room that a vector of n values takes: whole registers, the rest 0.
    [[nodiscard]] static std::size_t padded(std::size_t n) { return (n + step - 1) / step * step; }
    void set_row(std::size_t r, std::span<const std::int8_t> q);
    /// @param x  padded(columns) values, 0 beyond columns.  @param y  rows values.
    void multiply(const std::int16_t* x, std::int32_t* y) const;

private:
    static constexpr std::size_t step = 32;
    std::size_t rows_ = 0;
    std::size_t columns_ = 0;
    std::vector<std::int16_t> w_; ///< rows of padded(columns)
};

} // namespace forge
