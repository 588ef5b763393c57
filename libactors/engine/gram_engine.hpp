// SPDX-License-Identifier: AGPL-3.0-only
// Port: whatever forms the sums over rows that ridge regression is solved from: the host, or a device.
#pragma once

#include "libactors/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace forge {

/// X^T X and X^T Y of the rows so far; zero without any.
struct gram_sums {
    gram_sums(std::size_t columns_, std::size_t targets_) : columns(columns_), targets(targets_), xx(columns_ * columns_), xy(columns_ * targets_) {}
    std::size_t columns;    ///< of X, at least one
    std::size_t targets;    ///< columns of Y; may be none
    std::uint64_t rows = 0;
    std::vector<double> xx; ///< columns x columns, by rows
    std::vector<double> xy; ///< columns x targets, by rows
};

/// In double throughout: states of a reservoir are much alike, and the condition of X^T X is the square of that of X. With sums in
/// float, weights of a model of 128 units were off by 0.2 % at a penalty of 1 and by 19 % at 0.01, and at 1e-4 there was no solution
/// (docs/notes/echo_state.md, section 7d): a device without fp64 is refused and never makes do.
///
/// A resource with one owner; one thread at a time.
class gram_engine {
public:
    virtual ~gram_engine() = default;
    [[nodiscard]] virtual std::string name() const = 0;
    /// Rows of every product: one size, one shape of the sums. Who gathers rows before calling gathers this many.
    [[nodiscard]] virtual std::size_t tile_rows() const = 0;
    /// sums += X^T X, X^T Y, tile by tile from the first row; the last tile is short.
    ///
    /// The same calls give the same bits on the same kind of device. Calls that are cut at whole tiles give the bits of one call; cut
    /// elsewhere, sums differ by rounding. Cost: 2 rows columns (columns + targets) flops.
    /// @param x  rows x sums.columns, by rows. @param y  rows x sums.targets.
    /// @return errc::invalid_argument when they are no rows of this size or one value is not finite; sums are unchanged then.
    ///         errc::device_memory, errc::device_failed: whole tiles may be in, sums.rows says how many rows.
    [[nodiscard]] virtual result<void> accumulate(std::span<const double> x, std::span<const double> y, gram_sums& sums) = 0;
};

/// What every engine says to the same mistakes. @param where  the engine's name. @return how many rows; errc::invalid_argument.
[[nodiscard]] result<std::size_t> judge_gram_rows(std::span<const double> x, std::span<const double> y, const gram_sums& sums, const std::string& where);

} // namespace forge
