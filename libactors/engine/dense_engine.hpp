// SPDX-License-Identifier: AGPL-3.0-only
// Port: whatever multiplies small dense matrices for the conductor: the host, a GPU, an int4 device or its simulator.
#pragma once

#include "libactors/base/result.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace forge {

/// y = f(W x), f the identity or a bounded ReLU. There is no bias: a constant input does it.
struct dense_layer {
    std::string name;
    std::uint32_t inputs = 0;
    std::uint32_t outputs = 0;
    std::vector<float> weights; ///< outputs x inputs, by rows
    bool rectified = false;     ///< max(0, .); where values are few bits it also ends at the largest one of the examples
    float bound = 0.0f;         ///< of a rectified layer: min(., bound) as well, on every engine; 0: none
    friend bool operator==(const dense_layer&, const dense_layer&) = default;
};

/// A trunk of layers one after another, and heads that all read what the last of them gives.
struct dense_program {
    std::string name;
    std::vector<dense_layer> trunk; ///< at least one
    std::vector<dense_layer> heads; ///< not rectified; may be empty: then the trunk's output is the answer
    friend bool operator==(const dense_program&, const dense_program&) = default;
};

/// One answer: the outputs of every head (or of the trunk), one after another.
using dense_answer = std::vector<float>;

struct dense_about {
    std::string name;       ///< "software-f32", "sim-akd1000"
    bool simulated = false;
    std::uint32_t weight_bits = 32;
    std::uint32_t activation_bits = 32;
};

/// What an operation took, or would take: never without saying which.
struct dense_cost {
    double seconds = 0.0;
    std::optional<double> chip_s;   ///< of it on the chip itself
    std::optional<double> joules;
    std::string source = "measured"; ///< "measured", or "model: ..." with where the numbers are from
    std::uint64_t clamped = 0;       ///< values that a range cut: weights of set_variable, inputs of run; 0 where nothing quantises
};

/// What programs take of a device of the AKD1000 kind, in accounting units of the programs' authors; not a count of anything
/// on the chip (which has 78 neural processors).
struct unit_budget {
    std::uint32_t total = 1000;
    std::uint32_t trunk = 179;
    std::uint32_t head = 12;
    [[nodiscard]] std::uint64_t units_of(std::uint64_t heads) const { return trunk + head * heads; }
    friend bool operator==(const unit_budget&, const unit_budget&) = default;
};

using program_id = std::uint32_t;

/// A resource with one owner; one thread at a time, so that set_variable and run never meet. Nothing inside is locked: who
/// shares an engine between threads gives it an actor.
class dense_engine {
public:
    virtual ~dense_engine() = default;
    [[nodiscard]] virtual dense_about about() const = 0;
    /// Makes a program runnable.
    /// @param examples  inputs as they will come (rows of the first layer's inputs): devices that quantise fix their ranges by them.
    /// @return errc::invalid_argument when layers do not fit each other, a weight is not finite, or the device needs examples and
    ///         gets none; errc::device_memory, with the sum, when it does not fit beside the others.
    [[nodiscard]] virtual result<program_id> map(const dense_program& program, std::span<const float> examples) = 0;
    virtual void unmap(program_id id) = 0;
    /// @param inputs  rows of the first layer's inputs, one or many. @return one answer per row; errc::not_found;
    ///         errc::invalid_argument for a length that is no multiple, or a value that is not finite.
    [[nodiscard]] virtual result<std::vector<dense_answer>> run(program_id id, std::span<const float> inputs) = 0;
    /// Overwrites the weights of one layer; ranges stay as they were at map().
    /// @return errc::not_found, errc::invalid_argument.
    [[nodiscard]] virtual result<void> set_variable(program_id id, const std::string& layer, std::span<const float> weights) = 0;
    /// Of the last call of map, run or set_variable.
    [[nodiscard]] virtual dense_cost cost() const = 0;
};

/// Do the layers fit each other, and are all weights finite?
[[nodiscard]] result<void> validate(const dense_program& program);

/// What every back end says to the same mistakes.
/// @return errc::invalid_argument when the values are no rows of `width` or one is not finite. @param where  engine and program.
[[nodiscard]] result<void> judge_rows(std::span<const float> inputs, std::size_t width, const std::string& where);
/// @return errc::invalid_argument when the weights are not outputs x inputs finite numbers.
[[nodiscard]] result<void> judge_weights(std::span<const float> weights, std::uint32_t inputs, std::uint32_t outputs, const std::string& layer);
[[nodiscard]] error no_such_program(const std::string& engine);
[[nodiscard]] error no_such_layer(const std::string& layer, const std::string& where);

} // namespace forge
