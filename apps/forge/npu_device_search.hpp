// SPDX-License-Identifier: AGPL-3.0-only
// forge npu search: which reservoir for labelled sequences, and what int4 makes of it.
#pragma once

#include "apps/forge/cli.hpp"
#include "libactors/learn/hybrid/attack_transfer.hpp"
#include "libactors/learn/hybrid/mode_comparison.hpp"

#include <string_view>

namespace forge::app {

void add_npu_search_command(CLI::App& npu, cli_state& state);

struct labelled_table {
    std::uint32_t inputs = 0;
    std::vector<labelled_sequence> sequences; ///< split by group
};

/// Comma-separated text: a header "group,label,NAME...", then one row a step; rows of one sequence follow each other and have the same group
/// number; an empty label asks nothing. @return errc::malformed with the line.
[[nodiscard]] result<labelled_table> labelled_from_csv(std::string_view text, std::uint64_t seed);

/// Rows of compare_modes as JSON, and as a table on standard output unless quiet.
[[nodiscard]] nlohmann::json print_modes(const std::vector<mode_row>& rows, bool quiet);

/// attack_transfer on the test groups, from a network trained in f32 to the same reservoir in hybrid execution, whose readouts were trained there.
[[nodiscard]] result<std::vector<attack_row>> attack_execution(const reservoir_shape& shape, std::span<const labelled_sequence> all, dense_engine& host,
                                                               dense_engine& device);
[[nodiscard]] nlohmann::json print_attack(const std::vector<attack_row>& rows, bool quiet);

} // namespace forge::app
