// SPDX-License-Identifier: AGPL-3.0-only
// Integers that do not mix.
#pragma once

#include <charconv>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace forge {

/// An integer with a meaning; Tag makes two of them different types.
template <class Tag, class Rep>
struct strong_id {
    Rep value{};
    friend auto operator<=>(const strong_id&, const strong_id&) = default;
};

using chain_id = strong_id<struct chain_tag, std::uint32_t>;     ///< Markov chain of a campaign, 0 ... n_chains-1
using segment_no = strong_id<struct segment_tag, std::uint32_t>; ///< issued by the ledger, never reused in a chain
using epoch_no = strong_id<struct epoch_tag, std::uint64_t>;     ///< ownership number of a chain, grows only

/// "c3"
inline std::string to_text(chain_id c) { return "c" + std::to_string(c.value); }
/// "s2"
inline std::string to_text(segment_no s) { return "s" + std::to_string(s.value); }

/// Reads "c3" or "3"; nothing else.
inline std::optional<chain_id> chain_from_text(std::string_view text) {
    if (!text.empty() && text.front() == 'c')
        text.remove_prefix(1);
    chain_id c;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), c.value);
    if (status != std::errc{} || end != text.data() + text.size() || text.empty())
        return std::nullopt;
    return c;
}

} // namespace forge
