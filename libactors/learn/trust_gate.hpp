// SPDX-License-Identifier: AGPL-3.0-only
// Does a head earn to be listened to? Judged by what it said before it knew.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

namespace forge {

enum class head_kind { regression, classification };

/// Rolling score of one head's predictions against what then came.
///
/// Regression: R^2 = 1 - sum (y - yhat)^2 / sum (y - mean y)^2; trusted from 0.3 on. Classification (y, yhat above 1/2):
/// balanced accuracy, the mean of the two classes' hit rates; trusted from 0.6 on. Over the last 20 pairs; no score, and no
/// trust, with fewer than 20, when the target never varied, or when one class was never seen: plain accuracy would be
/// earned by always saying the commoner class.
class trust_gate {
public:
    static constexpr std::size_t window = 20;
    explicit trust_gate(head_kind kind) : kind_(kind) {}
    /// A prediction that is not finite counts as the worst one possible: the window is emptied.
    void observe(double predicted, double actual);
    [[nodiscard]] std::optional<double> score() const;
    [[nodiscard]] bool trusted() const;

private:
    struct pair {
        double predicted, actual;
    };
    head_kind kind_;
    std::deque<pair> pairs_;
};

} // namespace forge
