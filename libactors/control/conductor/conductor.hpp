// SPDX-License-Identifier: AGPL-3.0-only
// The conductor without its actor: what it has seen, what it answers, and how far it may be believed.
#pragma once

#include "libactors/control/campaign.hpp"
#include "libactors/control/conductor/beta_search.hpp"
#include "libactors/control/conductor/chain_watch.hpp"
#include "libactors/control/conductor/mid_trajectory_watch.hpp"
#include "libactors/hmc/record.hpp"
#include "libactors/learn/thermalisation.hpp"
#include "libactors/learn/trust_gate.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace forge {

struct watched_trajectory {
    trajectory_observables observed;
    bool measured = false;
    std::optional<trajectory_probe> middle{}; ///< where the campaign asks for it
};

/// Trajectories of one segment, in order and without gaps.
struct watched_batch {
    chain_id chain;
    std::uint32_t ordinal = 0;           ///< of the segment
    segment_no segment;
    std::uint64_t first_trajectory = 1;  ///< of the segment, within the chain
    std::uint32_t first = 1;             ///< of the batch, within the segment, from 1
    segment_params params;
    std::vector<watched_trajectory> trajectories;
};

struct classification {
    chain_id chain;
    std::uint32_t ordinal = 0;
    std::uint32_t in_segment = 0; ///< trajectory that it is about
    std::vector<head_answer> heads;
};

struct thermalisation_answer {
    bool thermalised = false;
    std::string reason;
};

struct length_answer {
    std::optional<std::uint32_t> trajectories;
    answer_source source = answer_source::unavailable;
    std::string reason;
};

struct parameter_answer {
    std::optional<std::uint32_t> n_steps;
    std::optional<double> acceptance; ///< expected with n_steps
    answer_source source = answer_source::unavailable;
    std::string reason;
};

/// How a head has done lately.
struct gate_standing {
    std::string head;
    std::optional<double> score; ///< rolling R^2 or balanced accuracy (trust_gate.hpp)
    bool trusted = false;
};

/// The integer step number that makes accepted trajectories cheapest, from one that was measured.
///
/// dH ~ N(s^2/2, s^2) with s proportional to the step squared (both integrators are of second order), so that the acceptance
/// with n' steps is erfc(s (n/n')^2 / sqrt(8)); maximises acceptance / n' with acceptance >= 0.6.
/// @param sigma  standard deviation of dH with n steps, > 0. Source: Gupta et al., Phys. Lett. B 242 (1990) 437.
[[nodiscard]] parameter_answer cheapest_steps(std::uint32_t n, double sigma);

/// State of all chains as far as predictions go. Deterministic: equal histories give equal answers. No clock, no I/O.
///
/// Memory: at most `kept` numbers per chain and the histories of pairs that still thermalise.
class conductor {
public:
    static constexpr std::size_t kept = 100000;
    static constexpr std::size_t learnable = 4096;
    /// @param seed  the campaign's.  @param model  may be empty: heuristics only; never changes.  @param stepper  of the model's
    /// reservoirs; empty: the network itself. Answers are functions of histories for every stepper, other ones for another arithmetic.
    conductor(const campaign& plan, std::string seed, std::shared_ptr<const conductor_model> model, std::shared_ptr<reservoir_stepper> stepper = nullptr);

    /// Takes in what a chain did. What was seen before is passed over (a replay after a crash comes with the same bits).
    /// @param heads  false: of a segment that is over only its numbers matter; the model is not asked.
    /// @return what the heads say of the newest trajectory; empty heads when the batch leaves a gap or is not finite.
    [[nodiscard]] classification watch(const watched_batch& batch, bool heads = true);

    /// What the heads say of a chain now, with their uncertainties; for people, not for every trajectory. Empty heads for an unknown chain.
    [[nodiscard]] classification says(chain_id chain) const;
    /// Chains that were watched.
    [[nodiscard]] std::vector<chain_id> watched() const;

    /// May this chain's segment end its thermalisation after `done` trajectories?
    /// @return unset: not to be said before the partner has come as far.
    [[nodiscard]] std::optional<thermalisation_answer> check(chain_id chain, std::uint32_t ordinal, std::uint32_t done) const;
    /// The chain computes no more (given up, finished): its partner must not wait for it.
    void on_gone(chain_id chain) { gone_.insert(chain); }
    void on_back(chain_id chain) { gone_.erase(chain); }
    /// Drift of a window of one chain against sigma sqrt(2 tau / n): for a chain without a partner. Advice only.
    [[nodiscard]] thermalisation_answer check_alone(std::span<const double> plaquette, std::span<const double> polyakov) const;

    [[nodiscard]] length_answer predict_length(std::optional<double> beta) const;
    [[nodiscard]] parameter_answer suggest_parameters(const std::optional<segment_params>& params) const;
    /// A point is finished; what is known of it was watched. Counted once per (chain, ordinal).
    void on_segment_over(chain_id chain, std::uint32_t ordinal);
    /// The segment as a model may learn from it. @return unset without a model, or when the segment is not the one that was watched.
    [[nodiscard]] std::optional<chain_history> history(chain_id chain, std::uint32_t ordinal) const;
    [[nodiscard]] result<beta_proposal> steer(const std::vector<double>& planned) const;

    [[nodiscard]] std::vector<gate_standing> standing() const;
    /// Placement B; unset when nothing was seen of the middle of any trajectory.
    [[nodiscard]] std::optional<mid_trajectory_standing> mid_trajectory() const;
    [[nodiscard]] std::vector<measured_point> points() const; ///< by beta; chains of one beta are averaged
    /// Where pairs stopped, or would have: trajectories of thermalisation by (pair, ordinal).
    [[nodiscard]] const std::map<std::pair<std::uint32_t, std::uint32_t>, thermalisation_stop>& stops() const { return stops_; }
    [[nodiscard]] const campaign& plan() const { return plan_; }

private:
    struct chain_view {
        std::uint32_t ordinal = 0;
        std::uint32_t seen = 0; ///< trajectories of the segment
        std::uint64_t key = 0; ///< of its random numbers
        chain_watch heads;
        double beta = 0.0;
        double sum_dh = 0.0, sum_dh2 = 0.0; ///< of tested trajectories
        std::uint32_t tested = 0;
        std::uint32_t n_steps = 0;
        std::vector<double> polyakov; ///< |L| of measured trajectories, at most `kept`
        rejection_law middle; ///< of this segment
        std::vector<trajectory_sample> samples; ///< what a model may learn from, at most `learnable`
    };
    chain_view& view_of(const watched_batch& batch, bool heads);
    [[nodiscard]] bool trusted(head_id head) const;
    [[nodiscard]] trajectory_sample sample_of(const watched_batch& batch, std::size_t k, const chain_view& v) const;
    campaign plan_;
    std::string seed_;
    std::shared_ptr<const conductor_model> model_;
    std::shared_ptr<reservoir_stepper> stepper_;
    std::map<chain_id, chain_view> chains_;
    std::map<std::pair<std::uint32_t, std::uint32_t>, thermalisation_monitor> pairs_; ///< by (pair, ordinal)
    std::map<std::pair<std::uint32_t, std::uint32_t>, thermalisation_stop> stops_;
    std::map<std::pair<chain_id, std::uint32_t>, measured_point> finished_;
    std::map<head_id, trust_gate> gates_;
    mid_trajectory_watch middle_;
    std::set<chain_id> gone_;
};

} // namespace forge
