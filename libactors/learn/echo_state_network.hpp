// SPDX-License-Identifier: AGPL-3.0-only
// Reservoirs with named heads: one pass, many answers, each with its uncertainty.
#pragma once

#include "libactors/learn/reservoir.hpp"
#include "libactors/learn/ridge.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace forge {

/// What a head makes of its readout z. Stored on disk by name.
enum class head_activation : std::uint8_t { linear, relu, sigmoid, softmax };
[[nodiscard]] std::string_view name_of(head_activation a);
[[nodiscard]] std::optional<head_activation> head_activation_from(std::string_view name);

struct head_spec {
    std::string name;
    std::uint32_t dim = 1; ///< 1 ... 64; at least 2 for softmax
    head_activation activation = head_activation::linear;
    friend bool operator==(const head_spec&, const head_spec&) = default;
};

/// One component of a head's answer.
struct head_value {
    double value = 0.0;    ///< after the activation: for sigmoid and softmax a probability
    double readout = 0.0;  ///< before it, mean over the reservoirs
    double variance = 0.0; ///< of the readout: mean of the ridge variances plus the spread between the reservoirs
};

struct network_shape {
    reservoir_shape reservoir; ///< of the first; the others have seed + 1, seed + 2, ...
    std::uint32_t reservoirs = 3; ///< K, 1 ... 16
    std::vector<head_spec> heads;
    std::uint32_t feature_version = 0; ///< of what it is fed with; 0: its own business
    std::uint32_t inputs_hidden = 0; ///< bit k: input k has no weight. For models that must not see what their target is made of
    friend bool operator==(const network_shape&, const network_shape&) = default;
};

/// States of all reservoirs along one sequence.
struct network_state {
    std::vector<std::vector<float>> of; ///< by reservoir
};

/// An ensemble of K reservoirs with one ridge readout per reservoir, head and component, on the state [1, s].
///
/// Sigmoid and softmax heads are taught readouts of +-logit(0.9) for classes (y > 1/2 or not): a readout of 0 is undecided.
class echo_state_network {
public:
    /// @return errc::invalid_argument (shape, no heads, names twice), or what the reservoirs say.
    [[nodiscard]] static result<echo_state_network> make(const network_shape& shape);

    /// With reservoirs from elsewhere (a file, four-bit weights): as many, of the shape's units and inputs.
    [[nodiscard]] static result<echo_state_network> from_reservoirs(const network_shape& shape, std::vector<reservoir> reservoirs);

    [[nodiscard]] const network_shape& shape() const { return shape_; }
    [[nodiscard]] const std::vector<reservoir>& reservoirs() const { return reservoirs_; }
    [[nodiscard]] network_state rest() const; ///< all zero: the beginning of a sequence
    /// One input. @return errc::invalid_argument when it has another length or is not finite; the state is unchanged then.
    [[nodiscard]] result<void> advance(std::span<const float> input, network_state& state) const;

    /// Readouts of one head, components in order. @return errc::not_found for an unknown head or one that was never trained.
    [[nodiscard]] result<std::vector<head_value>> read(const std::string& head, const network_state& state) const;
    [[nodiscard]] bool trained(const std::string& head) const;
    /// Takes one more target in (recursive least squares); the head must be trained. @param target  dim values.
    [[nodiscard]] result<void> learn(const std::string& head, const network_state& state, std::span<const double> target);

    /// Readout of reservoir r, head, component; null when not trained.
    [[nodiscard]] const ridge_readout* readout(std::size_t r, const std::string& head, std::size_t component) const;

    /// Puts stored readouts in. @param of  by reservoir and component. @return errc::not_found, errc::invalid_argument.
    [[nodiscard]] result<void> set_readouts(const std::string& head, std::vector<std::vector<ridge_readout>> of);

private:
    friend class network_trainer;
    struct head_readouts {
        head_spec spec;
        std::vector<std::vector<ridge_readout>> of; ///< by reservoir, component; empty: not trained
    };
    [[nodiscard]] const head_readouts* find(const std::string& head) const;
    network_shape shape_;
    std::vector<reservoir> reservoirs_;
    std::vector<head_readouts> heads_;
};

/// Collects targets along sequences and solves for the readouts, the penalty chosen by leaving folds out.
///
/// A group (a chain) is in one fold as a whole: what was seen of a chain never judges that chain.
class network_trainer {
public:
    static constexpr std::size_t folds = 5;
    /// @param gram  forms the sums of teach_all; null: the host. Network and engine must outlive the trainer.
    explicit network_trainer(const echo_state_network& network, gram_engine* gram = nullptr);
    /// A sequence of this group begins.
    void begin(std::uint64_t group);
    [[nodiscard]] result<void> step(std::span<const float> input);
    /// What the head should have said after the last step. @param target  dim values.
    [[nodiscard]] result<void> teach(const std::string& head, std::span<const double> target);
    /// All heads at once, which is several times faster than one by one; not to be mixed with `teach`.
    /// @param targets  components of the shape's heads one after another; a head with one that is not finite, here or in any
    ///                 other row, stays untrained.
    [[nodiscard]] result<void> teach_all(std::span<const double> targets);
    /// Heads with fewer than two folds that hold rows stay untrained.
    [[nodiscard]] result<echo_state_network> solve(std::span<const double> penalties) const;

private:
    const echo_state_network* network_;
    gram_engine* gram_;
    network_state state_;
    std::size_t fold_ = 0;
    [[nodiscard]] result<echo_state_network> solve_together(std::span<const double> penalties) const;
    std::map<std::string, std::vector<ridge_sums>> sums_; ///< [(reservoir * dim + component) * folds + fold]; made when first taught
    std::vector<std::vector<ridge_block>> blocks_;        ///< [reservoir][fold]; of teach_all
    std::vector<bool> missing_;                           ///< columns that were not finite
    std::vector<double> row_;
};

/// The penalties that `forge npu train` tries.
[[nodiscard]] std::span<const double> usual_penalties();

} // namespace forge
