// SPDX-License-Identifier: AGPL-3.0-only
// How a recurrent program becomes programs of back ends, and how their answers become one vector again.
#pragma once

#include "libactors/learn/hybrid/hybrid_network.hpp"

#include <optional>

namespace forge {

/// Consecutive units.
struct unit_range {
    std::size_t first = 0;
    std::size_t rows = 0;
};

/// Some rows of the reservoir on one back end.
struct mapped_chunk {
    dense_engine* engine = nullptr;
    program_id id = 0;
    std::size_t first = 0, rows = 0;
    enum class answer_kind : std::uint8_t { values, halves, values_and_heads } answer = answer_kind::values;
    float divide = 1.0f; ///< the scale trick's eps
};

struct chunk_options {
    bool native = false;        ///< rectified on the device
    bool heads_in_pass = false; ///< with all heads, and the identity that brings the activations
    linear_path path = linear_path::threshold_override;
    float readout_range = 0.0f;
    float relu_bound = 0.0f;
    float split_bound = 0.0f;
};

/// @param number  of the chunk, for its name.
[[nodiscard]] result<mapped_chunk> map_chunk(dense_engine& e, const npu_program& p, std::size_t number, unit_range rows, const chunk_options& o);
/// Puts a chunk's answer where it belongs: its units in `drive`, its share of W_h f added to `part`.
void merge(const mapped_chunk& c, std::span<const float> answer, std::span<float> drive, std::span<float> part);

/// All readouts as one linear layer on the state.
struct mapped_readouts {
    dense_engine* engine = nullptr;
    program_id id = 0;
};
[[nodiscard]] result<mapped_readouts> map_readouts(dense_engine& e, const npu_program& p, float range);
/// Rows of all heads, one below the other.
[[nodiscard]] std::vector<float> all_readouts(const npu_program& p);
/// A head's weights on some units.
[[nodiscard]] std::vector<float> columns_of(const program_head& h, std::size_t units, std::size_t first, std::size_t rows);

/// The largest power of two that is at most 0.05 / (3 max|w| sqrt(columns)), in [2^-19, 1].
[[nodiscard]] float scale_trick(std::span<const float> w, std::size_t columns);

} // namespace forge
