// SPDX-License-Identifier: AGPL-3.0-only
// Text that comes from files nobody vouches for: numbers, tags, and what of it may be shown on a terminal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace forge::formats {

/// `text` for messages: everything but printable ASCII becomes '?', at most `limit` characters.
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit = 60);

/// A file name for messages and JSON: valid UTF-8 is kept, control characters and broken bytes become '?'.
[[nodiscard]] std::string shown_path(std::string_view path);

/// Without blanks, tabs, line ends and NULs at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// Decimal digits only, surrounded by blanks at most.
[[nodiscard]] std::optional<std::uint32_t> to_u32(std::string_view text);

/// Up to 8 hexadecimal digits, with or without 0x.
[[nodiscard]] std::optional<std::uint32_t> to_hex32(std::string_view text);

/// A decimal number and the value of one unit of its last printed digit ("0.5711": 1e-4).
struct stored_number {
    double value = 0.0;
    double unit = 0.0;
};
/// Finite numbers only.
[[nodiscard]] std::optional<stored_number> to_stored_number(std::string_view text);

/// Value between <name> and the next '<', trimmed. A scanner on purpose: files in use break the rules of XML.
[[nodiscard]] std::optional<std::string_view> tag(std::string_view xml, std::string_view name);

} // namespace forge::formats
