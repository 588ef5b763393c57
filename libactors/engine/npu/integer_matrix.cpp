// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/npu/integer_matrix.hpp"

#include "libactors/base/contract.hpp"

#include <algorithm>
#include <limits>

namespace forge {

namespace {

constexpr std::int64_t largest_product = 7 * 127;

std::int32_t saturated(std::int64_t x) {
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(x, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()));
}

} // namespace

integer_matrix::integer_matrix(std::size_t rows, std::size_t columns) : rows_(rows), columns_(columns), w_(rows * padded(columns), 0) {}

void integer_matrix::set_row(std::size_t r, std::span<const std::int8_t> q) {
    expects(r < rows_ && q.size() == columns_, "a whole row of the matrix");
    std::copy(q.begin(), q.end(), w_.begin() + static_cast<std::ptrdiff_t>(r * padded(columns_)));
}

void integer_matrix::multiply(const std::int16_t* x, std::int32_t* y) const {
    const std::size_t n = padded(columns_);
    const bool exact = largest_product * static_cast<std::int64_t>(columns_) <= std::numeric_limits<std::int32_t>::max();
    for (std::size_t r = 0; r < rows_; ++r) {
        const std::int16_t* w = w_.data() + r * n;
        std::int32_t sum = 0;
        if (exact)
            for (std::size_t k = 0; k < n; ++k)
                sum += std::int32_t{w[k]} * std::int32_t{x[k]};
        else
            for (std::size_t k = 0; k < columns_; ++k)
                sum = saturated(std::int64_t{sum} + std::int64_t{w[k]} * std::int64_t{x[k]});
        y[r] = sum;
    }
}

} // namespace forge
