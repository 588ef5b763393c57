// SPDX-License-Identifier: AGPL-3.0-only
// The heads of the conductor: what each predicts, from what it learns, and against which simple rule it is judged.
#pragma once

#include "libactors/learn/echo_state_network.hpp"
#include "libactors/learn/trust_gate.hpp"

#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace forge {

/// Stored on disk by name. The first eleven are in the order of the eleven-head conductor, so that its weights can be read;
/// its nine-head predecessor lacks the last two of these.
enum class head_id : std::uint8_t {
    beta_priority,
    parameter_suggestion,
    thermalisation,
    rejection,
    phase,
    cg_estimate,
    quality,
    anomaly,
    next_run,
    quenched_length,
    quenched_thermalisation,
    deconfinement,
    transport_d,
    transport_eta,
};
inline constexpr std::size_t head_total = 14;
inline constexpr std::size_t legacy_heads = 11;
inline constexpr std::size_t oldest_heads = 9;

/// What must be held out so that a score means something: whole chains; or whole betas, for a target that is a function of beta
/// would be looked up otherwise.
enum class held_out : std::uint8_t { chains, betas };

struct head_info {
    head_id id;
    std::string_view name;
    std::uint32_t dim;
    head_activation activation;
    head_kind kind;
    held_out judged_by;
    std::string_view predicts;    ///< the target, in words and units
    std::string_view heuristic;   ///< the simple rule it must beat
    std::string_view unavailable; ///< why it is not applicable here; empty: it is

    [[nodiscard]] bool applicable() const { return unavailable.empty(); }
};

/// All of them, by head_id.
[[nodiscard]] std::span<const head_info, head_total> all_heads();
[[nodiscard]] const head_info& about(head_id id);
[[nodiscard]] std::optional<head_id> head_from(std::string_view name);

/// Columns of a flat row of targets: the components of the applicable heads one after another, by head_id.
inline constexpr std::size_t target_columns = 12;
/// First column of a head; nothing for one that is not applicable.
[[nodiscard]] std::optional<std::size_t> column_of(head_id id);
/// The applicable heads as a network wants them, in the order of their columns.
[[nodiscard]] std::vector<head_spec> trainable_heads();
/// All fourteen: what a model says it has.
[[nodiscard]] std::vector<head_spec> every_head();

} // namespace forge
