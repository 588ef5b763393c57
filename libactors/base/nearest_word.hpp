// SPDX-License-Identifier: AGPL-3.0-only
// "Did you mean ...?"
#pragma once

#include <string>
#include <vector>

namespace forge {

/// The candidate nearest to `word` (edit distance at most 3), or empty: for "did you mean".
[[nodiscard]] std::string nearest_word(const std::string& word, const std::vector<std::string>& candidates);

} // namespace forge
