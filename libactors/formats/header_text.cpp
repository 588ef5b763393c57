// SPDX-License-Identifier: AGPL-3.0-only
#include "libactors/formats/header_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace forge::formats {

std::string printable(std::string_view text, std::size_t limit) {
    std::string shown(text.substr(0, limit));
    std::replace_if(shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return text.size() > limit ? shown + "..." : shown;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks(" \t\r\n\0", 5);
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

namespace {

std::optional<std::uint32_t> whole_number(std::string_view digits, int base) {
    std::uint32_t value = 0;
    const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (status != std::errc{} || end != digits.data() + digits.size())
        return std::nullopt;
    return value;
}

} // namespace

std::optional<std::uint32_t> to_u32(std::string_view text) { return whole_number(trimmed(text), 10); }

std::optional<std::uint32_t> to_hex32(std::string_view text) {
    text = trimmed(text);
    if (text.starts_with("0x") || text.starts_with("0X"))
        text.remove_prefix(2);
    return whole_number(text, 16);
}

std::optional<stored_number> to_stored_number(std::string_view text) {
    text = trimmed(text);
    if (text.starts_with("+"))
        text.remove_prefix(1);
    stored_number number;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number.value);
    if (status != std::errc{} || end != text.data() + text.size() || !std::isfinite(number.value))
        return std::nullopt;
    const auto mantissa_end = std::min(text.find_first_of("eE"), text.size());
    int power = 0;
    if (mantissa_end < text.size()) {
        auto exponent = text.substr(mantissa_end + 1);
        if (exponent.starts_with("+"))
            exponent.remove_prefix(1);
        std::from_chars(exponent.data(), exponent.data() + exponent.size(), power);
    }
    const auto point = text.substr(0, mantissa_end).find('.');
    if (point != std::string_view::npos)
        power -= static_cast<int>(std::min<std::size_t>(mantissa_end - point - 1, 300));
    number.unit = std::pow(10.0, power);
    return number;
}

std::optional<std::string_view> tag(std::string_view xml, std::string_view name) {
    const std::string opening = "<" + std::string(name) + ">";
    const auto start = xml.find(opening);
    if (start == std::string_view::npos)
        return std::nullopt;
    const auto value = xml.substr(start + opening.size());
    const auto end = value.find('<');
    if (end == std::string_view::npos)
        return std::nullopt;
    return trimmed(value.substr(0, end));
}

} // namespace forge::formats
