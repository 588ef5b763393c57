// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/engine/dense/blocked_matrix.hpp"

#include "libactors/base/contract.hpp"

#include <array>
#include <cstring>

namespace forge {

namespace {

constexpr std::size_t width = 4;                               ///< floats of a vector that every x86-64 and ARMv8 has
constexpr std::size_t vectors = blocked_matrix::lanes / width; ///< independent sums in flight: enough to hide the latency of an addition
using vec = float __attribute__((vector_size(width * sizeof(float))));

} // namespace

blocked_matrix::blocked_matrix(std::size_t rows, std::size_t columns) : rows_(rows), columns_(columns), w_(padded_rows() * columns, 0.0f) {}

void blocked_matrix::set_rows(std::size_t first, std::span<const float> w) {
    expects(columns_ > 0 && w.size() % columns_ == 0 && first + w.size() / columns_ <= rows_, "whole rows of the matrix");
    for (std::size_t r = 0; r < w.size() / columns_; ++r)
        for (std::size_t c = 0; c < columns_; ++c)
            w_[(((first + r) / lanes) * columns_ + c) * lanes + (first + r) % lanes] = w[r * columns_ + c];
}

void blocked_matrix::multiply(const float* x, float* y) const {
    const float* w = w_.data();
    for (std::size_t block = 0; block < padded_rows() / lanes; ++block, y += lanes) {
        std::array<vec, vectors> sum{};
        for (std::size_t c = 0; c < columns_; ++c, w += lanes)
            for (std::size_t v = 0; v < vectors; ++v) {
                vec piece;
                std::memcpy(&piece, w + v * width, sizeof piece);
                sum[v] += piece * x[c];
            }
        std::memcpy(y, sum.data(), sizeof sum);
    }
}

} // namespace forge
