// SPDX-License-Identifier: AGPL-3.0-only
// A reservoir with heads as what a dense engine maps: the value that program files hold.
#pragma once

#include "libactors/engine/dense_engine.hpp"
#include "libactors/learn/echo_state_network.hpp"

#include <string>
#include <vector>

namespace forge {

/// One head: z = W s + b, then its activation on the host.
struct program_head {
    head_spec spec;
    std::vector<float> weights; ///< dim x units, by rows
    std::vector<float> bias;    ///< dim; added on the host
    friend bool operator==(const program_head&, const program_head&) = default;
};

/// The layer graph
///
///     [u; s] --(reservoir: units x (inputs + units))--> pre-activation --> s --(one layer a head)--> z
///
/// The recurrence is one wide matrix on the concatenated vector of the input u and the state s before it (the device itself
/// feeds nothing back); leak and activation of the state are the executor's (hybrid/hybrid_network.hpp).
struct npu_program {
    std::string name;
    std::uint32_t inputs = 0;
    std::uint32_t units = 0;
    double leak = 1.0;
    std::uint32_t feature_version = 0; ///< of what it is fed with; 0: its own business
    std::vector<float> reservoir;      ///< units x (inputs + units), by rows: [W_in W_res]
    std::vector<program_head> heads;
    std::vector<float> examples; ///< rows of [u; s] as they will come: 8- and 4-bit ranges are fixed by them; may be empty
    friend bool operator==(const npu_program&, const npu_program&) = default;
};

inline constexpr std::uint32_t program_inputs_max = 4096;
inline constexpr std::uint32_t program_units_max = 4096;
inline constexpr std::uint32_t program_head_dim_max = 64;

/// @return errc::invalid_argument: a size of 0 or too large, sizes that do not fit, a name twice, a softmax of one, a number that is
///         none; the message names the part.
[[nodiscard]] result<void> validate(const npu_program& p);

/// What an engine maps for one pass: the reservoir rectified, and every head (SkipDMA fan-out). Biases are the host's.
[[nodiscard]] dense_program one_pass(const npu_program& p);

/// Accounting units of a program with N heads beside what is mapped already.
struct scaling_row {
    std::uint32_t heads = 0;
    std::uint64_t units = 0; ///< 179 + 12 N
    std::uint64_t left = 0;  ///< of the budget; 0 when it does not fit
    bool fits = false;
};
/// N = 1 ... largest.
[[nodiscard]] std::vector<scaling_row> scaling_table(std::uint32_t largest, const unit_budget& budget = {});
/// @return errc::device_memory with the sum, "179 + 12 * 69 = 1007 of 1000 units".
[[nodiscard]] result<void> within_budget(std::uint32_t heads, const unit_budget& budget = {});

} // namespace forge
