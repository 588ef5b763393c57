// SPDX-License-Identifier: AGPL-3.0-only
// One segment of one chain as the conductor's heads see it: predictions, what then came, and the simple rules beside them.
#pragma once

#include "libactors/control/conductor/reservoir_stepper.hpp"
#include "libactors/control/conductor/trained_model.hpp"
#include "libactors/hmc/record.hpp"
#include "libactors/learn/feature_vector.hpp"
#include "libactors/learn/heads.hpp"

#include <array>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace forge {

/// Where an answer comes from; an answer without a source is not an answer.
enum class answer_source : std::uint8_t { model, heuristic, unavailable };
[[nodiscard]] std::string_view name_of(answer_source s);

/// What one head says of a chain now.
struct head_answer {
    std::string head;
    std::optional<double> value;       ///< unset: not available, with the reason
    std::optional<double> uncertainty; ///< one standard deviation of the readout; models only
    answer_source source = answer_source::unavailable;
    std::string reason;
};

/// Predictions of heads that a run itself can judge: what they spoke of has happened a little later.
///
/// Judged here: rejection (1 trajectory later), anomaly (10), deconfinement, quality, parameter_suggestion and phase (25), by the targets of
/// heads.hpp. Cost of a trajectory: one step of the reservoirs and one product per head; variances are computed in answers() only.
class chain_watch {
public:
    using judge = std::function<void(head_id head, double predicted, double actual)>;
    /// @param model  must outlive this; may be null: simple rules only.  @param stepper  of the model's reservoirs, must outlive this; null:
    /// the network itself.
    chain_watch(const conductor_model* model, const extents& lattice, reservoir_stepper* stepper = nullptr);
    /// One more trajectory. @return false when a value is not finite: the history ends there.
    [[nodiscard]] bool step(const trajectory_sample& s, const judge& outcome);
    /// Newest distances from equilibrium by the head `thermalisation`; unset without a trained one.
    [[nodiscard]] std::optional<equilibrium_distance> distance() const;
    /// Every head that a model has, or every head with a simple rule. A head counts when `trusted` says so, else its simple rule answers.
    /// @param uncertainties  a hundred times the cost of the values.
    [[nodiscard]] std::vector<head_answer> answers(const std::function<bool(head_id)>& trusted, bool uncertainties) const;

    /// Heads that a run can judge.
    [[nodiscard]] static std::vector<head_id> judged();

private:
    static constexpr std::size_t remembered = 26;
    struct moment {
        double polyakov, delta_h;
        bool accepted;
    };
    [[nodiscard]] std::optional<double> value(head_id head) const;
    [[nodiscard]] std::optional<double> rule(head_id head) const;
    [[nodiscard]] std::optional<double> outcome(head_id head, std::size_t horizon) const;
    /// A head's readout and its activation, found once: names are for people.
    struct readouts {
        std::array<std::vector<const ridge_readout*>, 2> of; ///< by component, reservoir; empty: not trained
        head_activation activation = head_activation::linear;
        double cut = 0.5;
    };
    [[nodiscard]] double readout(const std::vector<const ridge_readout*>& of) const;
    const conductor_model* model_;
    reservoir_stepper* stepper_;
    std::array<readouts, head_total> heads_;
    feature_builder features_;
    std::optional<network_state> state_;
    std::deque<moment> last_;                                        ///< newest last
    std::array<std::deque<std::optional<double>>, head_total> said_; ///< by head, newest last
    double threshold_next_ = 0.0;
};

} // namespace forge
