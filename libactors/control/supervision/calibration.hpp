// SPDX-License-Identifier: AGPL-3.0-only
// A paired comparison of orderings: rounds, each with every arm once, so that common noise cancels.
#pragma once

#include "libactors/control/supervision/ordering_record.hpp"

#include <map>

namespace forge {

/// What one visit of one arm gave.
struct visit_value {
    double log_per_s = 0.0;           ///< log of committed trajectories per second
    std::optional<double> log_per_j;  ///< and per joule
    energy_source source = energy_source::none;
    friend bool operator==(const visit_value&, const visit_value&) = default;
};

/// What is compared, and whether the policy may act on it.
struct comparison_basis {
    ordering_objective objective = ordering_objective::per_second; ///< never automatic
    energy_source source = energy_source::none;
    bool may_act = true;
    std::string why;
    friend bool operator==(const comparison_basis&, const comparison_basis&) = default;
};

/// Full rounds of visits and what follows from them. Arms are numbers 0 ... n-1.
class calibration {
public:
    explicit calibration(std::size_t arms, std::size_t incumbent) : incumbent_(incumbent), in_race_(arms, false) {}
    /// Arms that are compared; the incumbent is always among them.
    void enter(std::size_t arm) { in_race_.at(arm) = true; }
    void leave(std::size_t arm) { in_race_.at(arm) = false; }
    [[nodiscard]] bool in_race(std::size_t arm) const { return in_race_.at(arm); }
    /// Arms to visit in round `round`: a random permutation, the same for the same (seed, look, round) (Fisher-Yates, Philox).
    [[nodiscard]] std::vector<std::size_t> order(std::uint64_t seed, std::uint32_t look, std::uint32_t round) const;
    void add_round(std::map<std::size_t, visit_value> values) { rounds_.push_back(std::move(values)); }
    [[nodiscard]] std::uint32_t rounds() const { return static_cast<std::uint32_t>(rounds_.size()); }

    [[nodiscard]] comparison_basis basis(const policy_settings& s) const;
    // Errors come from the scatter of all arms in the race together (two-way layout without interaction: arms and rounds): with
    // r_ak = log x_ak - mean over arms, s^2 = sum (r_ak - mean over rounds)^2 / ((K - 1)(n - 1)), K arms, n rounds. Two arms: the paired t.
    /// log x_a - mean over the arms in the race, over rounds: common drift is in both and cancels. Error s sqrt((1 - 1/K) / n).
    [[nodiscard]] small_sample log_ratio(std::size_t arm, ordering_objective o) const;
    /// log x_a - log x_incumbent over rounds. Error s sqrt(2 / n). Arms out of the race: their own scatter, over the rounds that have both.
    [[nodiscard]] small_sample log_gain(std::size_t arm, ordering_objective o) const;
    friend bool operator==(const calibration&, const calibration&) = default;

private:
    struct scatter {
        double variance = 0.0;    ///< s^2
        std::size_t degrees = 0;  ///< (K - 1)(n - 1)
        double arms = 0.0;        ///< K
    };
    [[nodiscard]] std::optional<scatter> common_scatter(ordering_objective o) const;
    [[nodiscard]] std::optional<double> value(std::size_t round, std::size_t arm, ordering_objective o) const;
    std::size_t incumbent_;
    std::vector<bool> in_race_;
    std::vector<std::map<std::size_t, visit_value>> rounds_;
};

} // namespace forge
